#!/usr/bin/env node
'use strict';
// Answers --version by itself and starts the bundle from V8's code cache: on a login node's NFS home,
// start-up is what a user waits for. A cache of another Node version is ignored by V8 and costs nothing.
const fs = require('node:fs');
const path = require('node:path');

const argument = process.argv[2];
if (process.argv.length === 3 && (argument === '--version' || argument === '-V')) {
  process.stdout.write(`${require('../package.json').version}\n`);
} else {
  start(path.join(__dirname, '..', 'dist', 'opsctl.cjs'));
}

function start(bundle) {
  const source = read(bundle, 'utf8');
  if (source === undefined) {
    process.stderr.write(`opsctl is not built: run "npm ci" in ${path.dirname(__dirname)}\n`);
    process.exitCode = 70;
    return;
  }
  const vm = require('node:vm');
  const cachedData = read(`${bundle}.cache-${process.version}-${process.arch}`);
  const wrapped = `(function(exports,require,module,__filename,__dirname){${source}\n})`;
  const script = new vm.Script(wrapped, {
    filename: bundle,
    importModuleDynamically: vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER,
    ...(cachedData === undefined ? {} : { cachedData }),
  });
  const fromBundle = require('node:module').createRequire(bundle);
  script.runInThisContext()(exports, fromBundle, module, bundle, path.dirname(bundle));
}

function read(file, encoding) {
  try {
    return fs.readFileSync(file, encoding);
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  }
}
