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
/** The usual ways; `@` is a place of their own with data, a log, and a Slurm that takes everything and has one node. */
const WAYS = [
  ['submit', 'sft', '-t', 'example', '--data', '@/data', '--output', '@/runs'],
  ['diagnose', '@/job.log'],
  // Behind the submission: the run that it looks at. From cron it begins anew every few minutes.
  ['watch', '--once', '--quiet'],
];
const RECORD = '1 1 RUNNING None %s gpu 1 n1 1:00 1:00:00 1 2 3602 opsctl:x %s'.replaceAll(' ', '\\037');
const PROGRAMS = {
  sbatch: '[ "$1" = --test-only ] || echo 1',
  squeue: `printf '\\036${RECORD}\\n' "$(id -un)" "$(ls "$OPSCTL_HOME/runs")"`,
  sinfo: "echo 'n1|allocated|64000|30000|none'",
  sacct: "echo 'Slurm accounting storage is disabled' >&2; exit 1",
};

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
    for (const [name, text] of Object.entries(PROGRAMS)) {
      writeFileSync(join(place, 'bin', name), `#!/bin/sh\n${text}\n`);
      chmodSync(join(place, 'bin', name), 0o755);
    }
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
