#!/bin/sh
":" //; command -v node >/dev/null || { echo "opsctl needs Node.js 20.19 or newer, and there is no node on PATH" >&2; exit 69; }; case $1 in submit | render) [ -z "$NODE_EXTRA_CA_CERTS" ] || { export OPSCTL_CA_CERTS="$NODE_EXTRA_CA_CERTS"; unset NODE_EXTRA_CA_CERTS; } ;; esac; exec node "$0" "$@"
'use strict';
// A shell reads the line above and starts Node with this same file, which is JavaScript from here on. Where a site has
// certificates of its own, Node reads them all and all of OpenSSL's at every start: more than the rest of it. The two
// commands that people wait for speak to no server, so they do without; the programs that they start get the name back.
//
// Answers --version by itself and runs the program from dist/opsctl.pack: on a login node's NFS home, start-up is what
// a user waits for. The pack holds the program in parts, so that a command reads and compiles what it needs only, in one
// file, because a hundred small ones cost more there. V8's code cache lies beside it, one for each version of Node; a
// version without one compiles the parts itself.
const fs = require('node:fs');
const path = require('node:path');

/** A file of the installation is not as it was written. */
class Broken extends Error {}

/** The pack and its cache begin with the length of their index in this many decimal digits. */
const DIGITS = 8;

if (require.main === module) main(process.argv);
else module.exports = { DIGITS, start, cachePath, open };

function main(argv) {
  if (process.env.OPSCTL_CA_CERTS !== undefined) {
    process.env.NODE_EXTRA_CA_CERTS = process.env.OPSCTL_CA_CERTS;
    delete process.env.OPSCTL_CA_CERTS;
  }
  if (argv.length === 3 && (argv[2] === '--version' || argv[2] === '-V')) {
    say(`${require('../package.json').version}\n`);
    return;
  }
  if (!isNewEnough(process.versions.node)) {
    process.stderr.write(`opsctl needs Node.js 20.19 or newer, and ${process.execPath} is ${process.version}\n`);
    process.exitCode = 69;
    return;
  }
  const pack = path.join(__dirname, '..', 'dist', 'opsctl.pack');
  try {
    if (start(pack) !== undefined) return;
    process.stderr.write(`opsctl is not built: run "npm ci" in ${path.dirname(__dirname)}\n`);
  } catch (error) {
    if (!(error instanceof Broken)) throw error;
    process.stderr.write(`the installation of opsctl is broken, install it again: ${error.message}\n`);
  }
  process.exitCode = 70;
}

function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > 20 || (major === 20 && minor >= 19);
}

function say(text) {
  try {
    fs.writeSync(1, text);
  } catch (error) {
    // Nobody reads it any more: nothing went wrong.
    if (error.code === 'EPIPE') return;
    process.stderr.write(`error: cannot write the output: ${error.message}\n`);
    process.exitCode = 1;
  }
}

/** Runs the program. Gives its compiled parts by name, of which scripts/warm.mjs makes the cache, and the chunks that have run. */
function start(pack) {
  const sources = open(pack);
  if (sources === undefined) return undefined;
  const { id, entry, chunks } = sources.index;
  const cache = openCache(cachePath(pack, id));
  const vm = require('node:vm');
  const scripts = new Map();
  const parts = new Map();
  const modules = new Map();
  // A part is an object of chunks by name, each the function of a CommonJS module.
  const part = (name) => {
    if (!parts.has(name)) {
      const cachedData = cache?.read(name);
      const script = new vm.Script(sources.read(name).latin1Slice(), {
        filename: path.join(pack, name),
        ...(cachedData === undefined ? {} : { cachedData }),
      });
      scripts.set(name, script);
      parts.set(name, script.runInThisContext());
    }
    return parts.get(name);
  };
  // CommonJS's own `require`, for chunks; everything else is one of Node's modules.
  const load = (name) => {
    if (chunks[name] === undefined) return require(name);
    const known = modules.get(name);
    if (known !== undefined) return known.exports;
    const chunk = { exports: {} };
    modules.set(name, chunk);
    part(chunks[name])[name](chunk.exports, load, chunk, pack);
    return chunk.exports;
  };
  load(entry);
  return { scripts, modules };
}

/** Where the cache of this Node for the pack of this id is. V8 cannot tell that a cache belongs to another text. */
function cachePath(pack, id) {
  return `${pack}.${id}.cache-${process.version}-${process.arch}`;
}

/** A cache that cannot be read is none: everything works without. */
function openCache(file) {
  try {
    const cache = open(file);
    return cache && { read: (name) => orNothing(() => cache.read(name)) };
  } catch (error) {
    if (error instanceof Broken) return undefined;
    throw error;
  }
}

function orNothing(read) {
  try {
    return read();
  } catch (error) {
    if (error instanceof Broken) return undefined;
    throw error;
  }
}

function open(file) {
  let descriptor;
  try {
    descriptor = fs.openSync(file, 'r');
  } catch (error) {
    if (error.code === 'ENOENT') return undefined;
    throw new Broken(`${file} cannot be read (${error.code})`);
  }
  const length = bytes(descriptor, 0, DIGITS).latin1Slice();
  if (!/^ *0*\d+$/.test(length)) throw new Broken(`${file} is damaged`);
  const start = DIGITS + Number(length);
  const index = JSON.parse(bytes(descriptor, DIGITS, start - DIGITS).latin1Slice());
  const read = (name) => {
    const place = index.parts[name];
    return place && bytes(descriptor, start + place[0], place[1]);
  };
  return { index, read };
}

function bytes(descriptor, position, length) {
  const buffer = Buffer.allocUnsafeSlow(length);
  let done = 0;
  while (done < length) {
    const read = readPart(descriptor, buffer, done, position + done);
    if (read === 0) throw new Broken('a file of it is incomplete');
    done += read;
  }
  return buffer;
}

function readPart(descriptor, buffer, done, position) {
  try {
    return fs.readSync(descriptor, buffer, done, buffer.length - done, position);
  } catch (error) {
    throw new Broken(`a file of it cannot be read (${error.code})`);
  }
}
