// Writes V8's code cache of the bundle, after it has rendered a script: a cache made before the first call would
// hold the outer function only, and everything else would be compiled again at every start.
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import vm from 'node:vm';

const bundle = process.argv[2];
const source = readFileSync(bundle, 'utf8');
// Compiled exactly as bin/opsctl.cjs compiles it, or V8 refuses the cache.
const script = new vm.Script(`(function(exports,require,module,__filename,__dirname){${source}\n})`, {
  filename: bundle,
  importModuleDynamically: vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER,
});
// A place without configuration; nothing is written by rendering.
process.chdir('/');
process.env.XDG_CONFIG_HOME = '/nonexistent';
process.argv = [
  process.execPath,
  'opsctl',
  'render',
  'sft',
  '-t',
  'example',
  '--data',
  '/data',
  '--output',
  '/runs',
];
script.runInThisContext()({}, createRequire(bundle), { exports: {} }, bundle, dirname(bundle));

process.once('beforeExit', () => {
  const cache = `${bundle}.cache-${process.version}-${process.arch}`;
  writeFileSync(`${cache}.tmp`, script.createCachedData());
  renameSync(`${cache}.tmp`, cache);
});
