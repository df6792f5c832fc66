// `warm.mjs chunks PACK` prints which chunks a submission runs. `warm.mjs cache PACK` writes V8's code cache of the pack,
// after the program has gone its usual ways once: a cache made before the first call would hold the outer functions only,
// and everything else would be compiled again at every start.
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writePack } from './pack.mjs';

const { start, cachePath, open } = createRequire(import.meta.url)('../bin/opsctl.cjs');
/** The usual ways; `@` is a place of their own with data, a log, and an sbatch that takes everything. */
const WAYS = [
  ['submit', 'sft', '-t', 'example', '--data', '@/data', '--output', '@/runs'],
  ['diagnose', '@/job.log'],
];

const [what, pack, place, way] = process.argv.slice(2);
if (place === undefined) inPlaceOfItsOwn(what === 'chunks' ? [0] : WAYS.keys());
else go(WAYS[Number(way)].map((word) => word.replace('@', place)));

function inPlaceOfItsOwn(ways) {
  const place = mkdtempSync(join(tmpdir(), 'opsctl-build-'));
  try {
    mkdirSync(join(place, 'bin'));
    mkdirSync(join(place, 'data'));
    writeFileSync(join(place, 'data', 'a.jsonl'), '{"id":"1","data":["question","answer"]}\n');
    writeFileSync(join(place, 'job.log'), 'torch.cuda.OutOfMemoryError: CUDA out of memory.\n');
    writeFileSync(join(place, 'bin', 'sbatch'), '#!/bin/sh\n[ "$1" = --test-only ] || echo 1\n');
    chmodSync(join(place, 'bin', 'sbatch'), 0o755);
    for (const way of ways) {
      execFileSync(process.execPath, [fileURLToPath(import.meta.url), what, pack, place, String(way)], {
        // What the program says on the way is nobody's.
        stdio: ['ignore', 'ignore', 'inherit', process.stdout],
      });
    }
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

function go(words) {
  process.chdir(place);
  for (const name of Object.keys(process.env))
    if (/^(?:OPSCTL|SLURM|SBATCH)_/.test(name)) delete process.env[name];
  Object.assign(process.env, {
    PATH: `${join(place, 'bin')}:${process.env.PATH}`,
    OPSCTL_HOME: join(place, 'state'),
    XDG_CONFIG_HOME: join(place, 'config'),
  });
  process.argv = [process.execPath, 'opsctl', ...words];
  const { scripts, modules } = start(pack);
  process.once('beforeExit', () => {
    if (what === 'chunks') writeFileSync(3, JSON.stringify([...modules.keys()]));
    else writeCache(scripts);
    process.exit(0);
  });
}

function writeCache(scripts) {
  const { id, parts } = open(pack).index;
  const caches = open(cachePath(pack, id));
  // What an earlier way has warmed stays, unless this one has run more of it.
  const best = Object.keys(parts).flatMap((name) => {
    const known = [caches?.read(name), scripts.get(name)?.createCachedData()].filter(Boolean);
    const largest = known.sort((a, b) => b.length - a.length)[0];
    return largest ? [[name, largest]] : [];
  });
  writePack(cachePath(pack, id), new Map(best), {});
}
