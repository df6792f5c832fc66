// Writes V8's code cache of the bundle, after it has gone its way once: a cache made before the first call would
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
// The longest of the usual ways, as far as it goes without a cluster. Nothing is written by a dry run.
process.chdir('/');
Object.assign(process.env, { XDG_CONFIG_HOME: '/nonexistent', SLURM_CONF: '/nonexistent/slurm.conf' });
process.argv = [
  process.execPath,
  'opsctl',
  'submit',
  'sft',
  '--dry-run',
  '-t',
  'example',
  '--data',
  '/usr',
  '--output',
  '/runs',
];
// What is said on the way is nobody's.
process.stdout.write = process.stderr.write = () => true;
script.runInThisContext()({}, createRequire(bundle), { exports: {} }, bundle, dirname(bundle));

process.once('beforeExit', () => {
  const cache = `${bundle}.cache-${process.version}-${process.arch}`;
  writeFileSync(`${cache}.tmp`, script.createCachedData());
  renameSync(`${cache}.tmp`, cache);
  process.exit(0);
});
