// Bundles src/ into dist/opsctl.cjs: one file, because a login node's home is often NFS and a thousand
// small reads cost more there than all of the program. Beside it goes V8's code cache for this Node version.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import vm from 'node:vm';
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
  logLevel: 'warning',
});

mkdirSync(dirname(outfile), { recursive: true });
for (const file of result.outputFiles) put(file.path, file.contents);
const code = result.outputFiles.find((file) => file.path === outfile).text;
// Compiled exactly as bin/opsctl.cjs compiles it, or V8 refuses the cache.
const script = new vm.Script(wrap(code), { filename: outfile });
put(`${outfile}.cache-${process.version}-${process.arch}`, script.createCachedData());

/** The same wrapper that bin/opsctl.cjs puts round the bundle. */
function wrap(source) {
  return `(function(exports,require,module,__filename,__dirname){${source}\n})`;
}

/** A build beside a running opsctl must never show it half a file. */
function put(path, contents) {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, contents);
  renameSync(temporary, path);
}
