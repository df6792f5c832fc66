// How fast `opsctl diagnose` reads: a log of 2 GB against ripgrep and GNU grep with the same literals, and the logs of
// 288 ranks; and how much memory it takes.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rgPath } from '@vscode/ripgrep';
import { bundled } from './bundled.mjs';
import { makeLog } from './make-log.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const opsctl = join(root, 'bin', 'opsctl.cjs');
const LOG_BYTES = Number(process.env.BENCH_LOG_BYTES ?? 2e9);
/** Lines among which one is a traceback of something that was caught. */
const DENSE = [1000, 100];
const RANKS = 288;
const MOST_MEMORY_KB = 200 * 1024;
const REPORT_MEMORY =
  "process.on('exit', () => require('node:fs').writeSync(2, `maxrss ${process.resourceUsage().maxRSS}\\n`));\n";
/** Each takes seconds, so fewer rounds than of commands that take milliseconds. */
const ROUNDS = 3;

/** @param compare (name, limit, subject, reference, rounds): what bench.mjs measures with. */
export async function benchDiagnose(compare) {
  const place = mkdtempSync(join(tmpdir(), 'opsctl-bench-'));
  try {
    const literals = join(place, 'literals');
    writeFileSync(literals, `${(await allLiterals()).join('\n')}\n`);
    const log = join(place, 'run.log');
    makeLog(log, LOG_BYTES);
    const memory = [];
    const preload = join(place, 'preload.cjs');
    writeFileSync(preload, REPORT_MEMORY);
    const diagnose = (...files) => time(preload, files, memory);
    const size = `${(LOG_BYTES / 1e9).toFixed(1)} GB`;
    const rg = () => timeOf([rgPath, '-c', '-a', '-F', '-f', literals, log]);
    const besideRipgrep = (name) => compare(name, 1.5, () => diagnose(log), rg, ROUNDS);
    besideRipgrep(`opsctl diagnose, ${size} / rg -c -a -F -f, the same literals`);
    const grep = () => timeOf(['grep', '-F', '-c', '-f', literals, log], { LC_ALL: 'C' });
    compare(`opsctl diagnose, ${size} / LC_ALL=C grep -F -c -f`, 1, () => diagnose(log), grep, 1);
    for (const lines of DENSE) {
      makeLog(log, LOG_BYTES, 1, lines);
      besideRipgrep(`opsctl diagnose, ${size}, a traceback in ${lines} lines / rg`);
    }
    rmSync(log);
    const ranks = join(place, 'ranks');
    mkdirSync(ranks);
    const files = Array.from({ length: RANKS }, (_, rank) => join(ranks, `rank-${rank}.log`));
    for (const [rank, file] of files.entries()) makeLog(file, LOG_BYTES / 200, rank + 1);
    const all = () => timeOf([rgPath, '-c', '-a', '-F', '--threads=1', '-f', literals, ...files]);
    compare(`opsctl diagnose, ${RANKS} logs / rg, one thread`, 1.5, () => diagnose(...files), all, 1);
    const most = Math.max(...memory);
    console.log(`opsctl diagnose took ${Math.round(most / 1024)} MB of memory at most (at most 200)`);
    if (most > MOST_MEMORY_KB) process.exitCode = 1;
  } finally {
    rmSync(place, { recursive: true, force: true });
  }
}

/** Every text that a signature of ours looks for. */
async function allLiterals() {
  const { loadRunbooks } = await bundled(`export { loadRunbooks } from './src/runbook/load.ts';`);
  const runbooks = await loadRunbooks({ env: { OPSCTL_RUNBOOKS: join(root, 'none') } });
  const signatures = runbooks.flatMap(({ front }) => front.signatures).filter(({ role }) => role !== 'noise');
  return [...new Set(signatures.flatMap(({ literals, text }) => literals ?? [text].flat()))];
}

/** Milliseconds of one diagnosis; its peak memory in kB goes to `memory`. It starts no other process. */
function time(preload, files, memory) {
  const start = performance.now();
  const { status, stderr } = spawnSync(
    process.execPath,
    ['--require', preload, opsctl, 'diagnose', ...files],
    {
      encoding: 'utf8',
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, OPSCTL_RUNBOOKS: join(root, 'none') },
    },
  );
  const elapsed = performance.now() - start;
  const peak = /maxrss (\d+)/.exec(stderr)?.[1];
  if (status !== 1 || peak === undefined) throw new Error(`opsctl diagnose: exit code ${status}\n${stderr}`);
  memory.push(Number(peak));
  return elapsed;
}

function timeOf([program, ...argv], env = {}) {
  const start = performance.now();
  const { status, error } = spawnSync(program, argv, {
    env: { ...process.env, ...env },
    // Not to /dev/null: grep notices that, and stops at its first match.
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  if (error || status !== 0) throw error ?? new Error(`${program}: exit code ${status}`);
  return performance.now() - start;
}
