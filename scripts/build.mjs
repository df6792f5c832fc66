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
    { name: 'compiled templates', setup: compiledInto(/template[\\/]precompiled\.ts$/, compiledTemplates) },
    { name: 'compiled runbooks', setup: compiledInto(/runbook[\\/]precompiled\.ts$/, compiledRunbooks) },
  ],
  logLevel: 'warning',
});

mkdirSync(dirname(outfile), { recursive: true });
// V8 does not notice that a cache belongs to another text of the same length: the old one goes before the new bundle comes.
for (const name of readdirSync(dirname(outfile)))
  if (name.includes('.cache-')) rmSync(join(dirname(outfile), name));
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

/** Puts what the package ships, parsed and compiled by opsctl's own functions, in the place of an empty map. */
function compiledInto(filter, entries) {
  return (bundle) =>
    bundle.onLoad({ filter }, async () => ({
      contents: `export const precompiled=new Map([${(await entries()).join(',')}])`,
    }));
}

async function compiledTemplates() {
  const { splitTemplate, parseFrontMatter, precompile } = await load(
    `export { splitTemplate } from './src/template/file.ts';
     export { parseFrontMatter } from './src/template/front-matter.ts';
     export { precompile } from './src/template/render.ts';`,
  );
  return Promise.all(
    texts('templates', '.hbs').map(async ({ name, source }) => {
      const { front, body } = splitTemplate(name, source);
      const parsed = JSON.stringify(parseFrontMatter(name, front));
      return `[${JSON.stringify(source)},{front:${parsed},specification:${await precompile(body)}}]`;
    }),
  );
}

async function compiledRunbooks() {
  const { parseRunbook } = await load(`export { parseRunbook } from './src/runbook/parse.ts';`);
  return texts('runbooks', '.md')
    .filter(({ name }) => !name.endsWith('.zh-CN.md'))
    .map(({ name, source }) => JSON.stringify([source, parseRunbook(name, source)]));
}

/** What a few lines of TypeScript export. */
async function load(contents) {
  const compiler = await build({
    absWorkingDir: root,
    stdin: { contents, resolveDir: root },
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
  return module.exports;
}

/** The files of one kind below a directory of the package. */
function texts(directory, extension) {
  return readdirSync(join(root, directory), { recursive: true })
    .filter((name) => name.endsWith(extension))
    .sort()
    .map((name) => ({ name, source: readFileSync(join(root, directory, name), 'utf8') }));
}

/** A build beside a running opsctl must never show it half a file. */
function put(path, contents) {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, contents);
  renameSync(temporary, path);
}
