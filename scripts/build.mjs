// Bundles src/ into dist/opsctl.cjs: one file, because a login node's home is often NFS and a thousand
// small reads cost more there than all of the program. Beside it goes V8's code cache for this Node version.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const version = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;
const outfile = join(root, 'dist', 'opsctl.cjs');

const result = await build({
  absWorkingDir: root,
  entryPoints: ['src/main.ts'],
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  outfile,
  write: false,
  minifySyntax: true,
  minifyWhitespace: true,
  keepNames: false,
  legalComments: 'external',
  define: { 'import.meta.url': '__bundleUrl', OPSCTL_VERSION: JSON.stringify(version) },
  banner: { js: "const __bundleUrl=require('node:url').pathToFileURL(__filename).href;" },
  // yaml and yargs offer ES modules that bundle without a second copy of their helpers.
  mainFields: ['module', 'main'],
  alias: { 'string-width': './scripts/string-width.ts' },
  plugins: [
    { name: 'no zod locales', setup: withoutLocales },
    { name: 'compiled templates', setup: withTemplates },
  ],
  logLevel: 'warning',
});

mkdirSync(dirname(outfile), { recursive: true });
// V8 does not notice that a cache belongs to another text of the same length: the old one goes before the new bundle comes.
for (const name of readdirSync(dirname(outfile))) if (name.includes('.cache-')) rmSync(join(dirname(outfile), name));
for (const file of result.outputFiles) put(file.path, file.contents);
// In a process of its own, because V8 keeps the functions that have run: those of a whole `render`.
execFileSync(process.execPath, [join(root, 'scripts', 'warm.mjs'), outfile], {
  stdio: ['ignore', 'ignore', 'inherit'],
});

/** opsctl words its messages itself: forty languages of zod's are left out. */
function withoutLocales(build) {
  build.onResolve({ filter: /locales\/index\.js$/ }, ({ path, importer }) =>
    importer.includes(join('node_modules', 'zod')) ? { path, namespace: 'empty' } : undefined,
  );
  build.onLoad({ filter: /.*/, namespace: 'empty' }, () => ({ contents: 'export {}' }));
}

/** Puts the package's templates, parsed and compiled by opsctl's own functions, in the place of the empty map. */
function withTemplates(bundle) {
  bundle.onLoad({ filter: /template[\\/]precompiled\.ts$/ }, async () => ({
    contents: await compiledTemplates(),
  }));
}

async function compiledTemplates() {
  const compiler = await build({
    absWorkingDir: root,
    stdin: {
      contents: `export { splitTemplate } from './src/template/file.ts';
        export { parseFrontMatter } from './src/template/front-matter.ts';
        export { precompile } from './src/template/render.ts';`,
      resolveDir: root,
    },
    bundle: true,
    platform: 'node',
    format: 'cjs',
    mainFields: ['module', 'main'],
    write: false,
    logLevel: 'warning',
  });
  const module = { exports: {} };
  new Function('module', 'exports', 'require', compiler.outputFiles[0].text)(
    module,
    module.exports,
    createRequire(import.meta.url),
  );
  const { splitTemplate, parseFrontMatter, precompile } = module.exports;
  const templates = join(root, 'templates');
  const names = readdirSync(templates, { recursive: true }).filter((name) => name.endsWith('.hbs'));
  const entries = names.sort().map(async (name) => {
    const source = readFileSync(join(templates, name), 'utf8');
    const { front, body } = splitTemplate(name, source);
    const parsed = JSON.stringify(parseFrontMatter(name, front));
    return `[${JSON.stringify(source)},{front:${parsed},specification:${await precompile(body)}}]`;
  });
  return `export const precompiled=new Map([${(await Promise.all(entries)).join(',')}])`;
}

/** A build beside a running opsctl must never show it half a file. */
function put(path, contents) {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, contents);
  renameSync(temporary, path);
}
