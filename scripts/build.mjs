// Bundles src/ into dist/opsctl.pack: JavaScript in parts (bin/opsctl.cjs says why), and beside it V8's code cache for
// this Node version.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';
import { writePack } from './pack.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const version = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version;
const dist = join(root, 'dist');
const pack = join(dist, 'opsctl.pack');

const result = await build({
  absWorkingDir: root,
  entryPoints: ['src/main.ts'],
  bundle: true,
  // One chunk for each thing that is imported lazily, and one for what several of them share.
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  outdir: dist,
  write: false,
  minifySyntax: true,
  minifyWhitespace: true,
  keepNames: false,
  // One byte a character: such a text is read and compiled in half the time.
  charset: 'ascii',
  legalComments: 'none',
  define: { 'import.meta.url': '__packUrl', OPSCTL_VERSION: JSON.stringify(version) },
  // yaml and yargs offer ES modules that bundle without a second copy of their helpers.
  mainFields: ['module', 'main'],
  alias: {
    'string-width': './scripts/string-width.ts',
    assert: './scripts/assert.ts',
    'node:module': './scripts/node-module.ts',
    module: './scripts/node-module.ts',
  },
  plugins: [
    { name: 'no look at the terminal by yargs', setup: withoutColumns },
    { name: 'no check of the calls to yargs', setup: withoutArgsert },
    { name: 'no zod locales', setup: withoutLocales },
    { name: 'compiled templates', setup: compiledEach('template', compiledTemplates) },
    { name: 'compiled checks', setup: compiledEach('health', compiledChecks) },
    { name: 'compiled runbooks', setup: compiledInto(/runbook[\\/]precompiled\.ts$/, compiledRunbooks) },
  ],
  logLevel: 'warning',
});
const chunks = new Map(
  await Promise.all(
    result.outputFiles.map(async ({ path, text }) => [`./${basename(path)}`, await asFunction(text)]),
  ),
);

mkdirSync(dist, { recursive: true });
// Each chunk a part first, to see which ones a submission runs; those then become one part, read and compiled in one go.
putPack([]);
const usual = JSON.parse(warm('chunks').toString());
const id = putPack(usual);
for (const name of readdirSync(dist))
  if (name.includes('.cache-') && !name.includes(`.${id}.`)) rmSync(join(dist, name), { force: true });
warm('cache');

/** Writes the pack and gives its id. */
function putPack(usual) {
  const partOf = Object.fromEntries(
    [...chunks.keys()].map((name) => [name, usual.includes(name) ? 'usual.js' : name]),
  );
  const parts = new Map();
  for (const [name, part] of Object.entries(partOf))
    parts.set(part, `${parts.get(part) ?? ''}${JSON.stringify(name)}:${chunks.get(name)},\n`);
  const buffers = new Map([...parts].map(([part, text]) => [part, Buffer.from(`({${text}})`, 'latin1')]));
  const id = createHash('sha256')
    .update(Buffer.concat([...buffers.values()]))
    .digest('hex')
    .slice(0, 12);
  writePack(pack, buffers, { id, entry: './main.js', chunks: partOf });
  return id;
}

/** In a process of its own, because V8 keeps the functions that have run. */
function warm(what) {
  return execFileSync(process.execPath, [join(root, 'scripts', 'warm.mjs'), what, pack], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** A chunk as bin/opsctl.cjs runs it: a CommonJS module's function. */
async function asFunction(text) {
  const { code } = await transform(text, {
    format: 'cjs',
    platform: 'node',
    target: 'node20',
    charset: 'ascii',
    minifySyntax: true,
    minifyWhitespace: true,
    // `import()` of another chunk becomes its `require`.
    supported: { 'dynamic-import': false },
    banner: text.includes('__packUrl')
      ? "function(exports,require,module,__pack){const __packUrl=require('node:url').pathToFileURL(__pack).href;"
      : 'function(exports,require,module){',
    footer: '}',
  });
  return code.trimEnd();
}

/** opsctl words its messages itself: forty languages of zod's are left out. */
function withoutLocales(build) {
  build.onResolve({ filter: /locales\/index\.js$/ }, ({ path, importer }) =>
    importer.includes(join('node_modules', 'zod')) ? { path, namespace: 'empty' } : undefined,
  );
  build.onLoad({ filter: /.*/, namespace: 'empty' }, () => ({ contents: 'export {}' }));
}

/** yargs asks for the terminal's width as it is loaded, and Node makes a whole stream for that; `cli` says the width anyway. */
function withoutColumns(build) {
  build.onLoad({ filter: /yargs[\\/]lib[\\/]platform-shims[\\/]esm\.mjs$/ }, ({ path }) => {
    const asked = "typeof process.stdout.columns !== 'undefined' ? process.stdout.columns : null";
    const [before, after, ...more] = readFileSync(path, 'utf8').split(asked);
    if (after === undefined || more.length > 0) throw new Error(`${path} asks for the width in other words`);
    return { contents: `${before}null${after}` };
  });
}

/** yargs checks each call of its own functions at run time; TypeScript has done so. A third of the time that options take. */
function withoutArgsert(build) {
  build.onLoad({ filter: /yargs[\\/]build[\\/]lib[\\/]argsert\.js$/ }, () => ({
    contents: 'export const argsert = () => {};',
  }));
}

/** As `compiledInto`, but each in a chunk of its own: a run needs a few of many templates and checks. */
function compiledEach(room, entries) {
  return (bundle) => {
    const all = entries();
    bundle.onLoad({ filter: new RegExp(`${room}[\\\\/]precompiled\\.ts$`) }, async () => {
      const lines = (await all).map(
        ({ key }, index) => `[${JSON.stringify(key)},()=>import('${room}:${index}')]`,
      );
      return { contents: `export const precompiled=new Map([${lines.join(',')}])` };
    });
    bundle.onResolve({ filter: new RegExp(`^${room}:`) }, ({ path }) => ({ path, namespace: room }));
    bundle.onLoad({ filter: /.*/, namespace: room }, async ({ path }) => ({
      contents: `export const built=${(await all)[Number(path.split(':')[1])].value}`,
    }));
  };
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
      return { key: source, value: `{front:${parsed},specification:${await precompile(body)}}` };
    }),
  );
}

async function compiledRunbooks() {
  const { parseRunbook } = await load(`export { parseRunbook } from './src/runbook/parse.ts';`);
  return texts('runbooks', '.md')
    .filter(({ name }) => !name.endsWith('.zh-CN.md'))
    .map(({ name, source }) => JSON.stringify([source, parseRunbook(name, source)]));
}

async function compiledChecks() {
  const { parseCheck } = await load(`export { parseCheck } from './src/health/parse-check.ts';`);
  return texts('checks', '.sh').map(({ name, source }) => ({
    key: source,
    value: JSON.stringify(parseCheck(name, source)),
  }));
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
