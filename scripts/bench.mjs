// Every figure is a ratio against something measured in the same run, alternating, so that a noisy machine is noisy
// for both. Reported: the median of the ratios of neighbouring measurements, and both medians in milliseconds.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { benchDiagnose } from './bench-diagnose.mjs';
import { benchLint } from './bench-lint.mjs';
import { benchNhc, benchNodes } from './bench-preflight.mjs';
import { benchTemplates } from './bench-templates.mjs';
import { benchWatch } from './bench-watch.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const opsctl = join(root, 'bin', 'opsctl.cjs');
const node = process.execPath;
const rounds = Number(process.env.BENCH_ROUNDS ?? 25);

const bare = () => time([node, '-e', '0']);
const rows = [];

/** `npm run bench -- PART...` runs these alone. */
const PARTS = {
  start: benchStart,
  templates: () => benchTemplates({ opsctl, compare, time, bare, env: ownEnv() }),
  diagnose: () => benchDiagnose(compare),
  lint: lintBesideShellcheck,
  preflight: benchPreflight,
  watch: watchOfMany,
};
const asked = process.argv.slice(2);
const unknown = asked.find((part) => !(part in PARTS));
if (unknown !== undefined) throw new Error(`there is no part "${unknown}": ${Object.keys(PARTS).join(', ')}`);

const place = mkdtempSync(join(tmpdir(), 'opsctl-bench-'));
try {
  for (const [part, bench] of Object.entries(PARTS)) {
    if (asked.length === 0 || asked.includes(part)) await bench();
  }
} finally {
  rmSync(place, { recursive: true, force: true });
}
report();

function lintBesideShellcheck() {
  const measured = benchLint();
  if (measured === undefined) return console.log('shellcheck is not installed here: lint is not measured');
  const ratio = measured.subject / measured.reference;
  rows.push({ name: 'opsctl lint / shellcheck, 1,000 files', ratio, limit: 1, ...measured });
}

/** No state and no configuration of whoever runs this. */
function ownEnv() {
  return { ...process.env, OPSCTL_HOME: join(place, 'state'), XDG_CONFIG_HOME: join(place, 'config') };
}

function benchStart() {
  const data = join(place, 'data');
  execFileSync('/usr/bin/python3', [
    join(root, 'examples/lm/make_data.py'),
    '--out',
    data,
    '--samples',
    '200',
    '--files',
    '2',
    '--seed',
    '1',
  ]);
  const env = ownEnv();
  const sft = ['sft', '-t', 'example', '--data', data, '--output', join(place, 'runs')];
  compare('opsctl --version / node -e 0', 1.3, () => time([opsctl, '--version'], env), bare);
  compare('opsctl --help / node -e 0', undefined, () => time([opsctl, '--help'], env), bare);
  compare('opsctl render sft / node -e 0', 2, () => time([opsctl, 'render', ...sft], env), bare);
  if (hasSlurm()) benchSubmit(env, sft);
  else console.log('Slurm is not installed here: submit is not measured');
}

function benchPreflight() {
  const tools = { opsctl, place, compare, time };
  benchNhc(tools);
  if (hasSlurm()) benchNodes(tools);
  else console.log('Slurm is not installed here: preflight is not measured');
}

function watchOfMany() {
  if (hasSlurm()) benchWatch({ opsctl, place, compare, time });
  else console.log('Slurm is not installed here: watch is not measured');
}

function benchSubmit(env, sft) {
  const dir = join(place, 'sandbox');
  const up = JSON.parse(
    run([opsctl, 'sandbox', 'up', '--dir', dir, '--nodes', '4', '--share', place, '--json'], env),
  );
  const inside = { ...env, ...up.env };
  try {
    mkdirSync(join(place, 'plain'));
    const script = join(place, 'plain', 'job.sh');
    execFileSync('bash', ['-c', `printf '#!/bin/bash\\ntrue\\n' >"$1"`, '-', script]);
    // All wait for a job that has every node: the two cores are left to the measurement.
    run(['sbatch', '--nodes=4', '--exclusive', '--output=/dev/null', '--wrap', 'sleep 3600'], inside);
    let serial = 0;
    const submit = (...more) =>
      time(
        [opsctl, 'submit', ...sft, '--seed', String(serial), '--name', `bench-${serial++}`, ...more],
        inside,
      );
    const sbatch = () => time(['sbatch', '--output=/dev/null', script], inside);
    compare('opsctl submit / sbatch', undefined, submit, sbatch);
    // Without its checks, those of the flags among them, and without what sbatch itself takes: what opsctl adds.
    compare(
      '(opsctl submit without checks - sbatch) / node -e 0',
      1,
      () => submit('--no-preflight', '--flag-check', 'off') - sbatch(),
      bare,
    );
    compare('opsctl submit / node -e 0 (submitit: 100 ms where node takes 57, 1.75)', 1.75, submit, bare);
  } finally {
    spawnSync(opsctl, ['sandbox', 'down', '--dir', dir], { env });
  }
}

function compare(name, limit, subject, reference, times = rounds) {
  subject();
  reference();
  const pairs = Array.from({ length: times }, () => [subject(), reference()]);
  rows.push({
    name,
    ratio: median(pairs.map(([a, b]) => a / b)),
    limit,
    subject: median(pairs.map(([a]) => a)),
    reference: median(pairs.map(([, b]) => b)),
  });
}

function report() {
  for (const { name, ratio, limit, subject, reference } of rows) {
    const verdict =
      limit === undefined ? '' : ratio <= limit ? `  (at most ${limit})` : `  (MORE than ${limit})`;
    console.log(
      `${ratio.toFixed(2).padStart(6)}  ${name}  ${subject.toFixed(1)} / ${reference.toFixed(1)} ms${verdict}`,
    );
  }
  process.exitCode = rows.some(({ ratio, limit }) => limit !== undefined && ratio > limit) ? 1 : 0;
}

/** Wall time of one process in milliseconds; one that ends with another exit code than these ends the bench. */
function time([program, ...argv], env = process.env, codes = [0]) {
  const start = performance.now();
  const result = spawnSync(program, argv, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const elapsed = performance.now() - start;
  if (!codes.includes(result.status)) throw new Error(`${program} ${argv.join(' ')}: ${result.stderr}`);
  return elapsed;
}

function run([program, ...argv], env) {
  return execFileSync(program, argv, { env, encoding: 'utf8' });
}

function hasSlurm() {
  return (process.env.PATH ?? '').split(':').some((directory) => existsSync(join(directory, 'sbatch')));
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
