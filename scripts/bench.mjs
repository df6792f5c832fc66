// Every figure is a ratio against something measured in the same run, alternating, so that a noisy machine is noisy
// for both. Reported: the median of the ratios of neighbouring measurements, and both medians in milliseconds.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { benchLint } from './bench-lint.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const opsctl = join(root, 'bin', 'opsctl.cjs');
const node = process.execPath;
const rounds = Number(process.env.BENCH_ROUNDS ?? 25);

const bare = () => time([node, '-e', '0']);
const rows = [];

const place = mkdtempSync(join(tmpdir(), 'opsctl-bench-'));
try {
  const data = join(place, 'data');
  execFileSync('/usr/bin/python3', [
    join(root, 'examples/sft/make_data.py'),
    '--out',
    data,
    '--samples',
    '200',
    '--files',
    '2',
    '--seed',
    '1',
  ]);
  const env = { ...process.env, OPSCTL_HOME: join(place, 'state'), XDG_CONFIG_HOME: join(place, 'config') };
  const sft = ['sft', '-t', 'example', '--data', data, '--output', join(place, 'runs')];
  compare('opsctl --version / node -e 0', 1.3, () => time([node, opsctl, '--version'], env), bare);
  compare('opsctl --help / node -e 0', undefined, () => time([node, opsctl, '--help'], env), bare);
  compare('opsctl render sft / node -e 0', 2, () => time([node, opsctl, 'render', ...sft], env), bare);
  const linted = benchLint();
  if (linted === undefined) console.log('shellcheck is not installed here: lint is not measured');
  else
    rows.push({
      name: 'opsctl lint / shellcheck, 1,000 files',
      ratio: linted.subject / linted.reference,
      limit: 1,
      ...linted,
    });
  if (hasSlurm()) benchSubmit(env, sft);
  else console.log('Slurm is not installed here: submit is not measured');
} finally {
  rmSync(place, { recursive: true, force: true });
}
report();

function benchSubmit(env, sft) {
  const dir = join(place, 'sandbox');
  const up = JSON.parse(
    run([node, opsctl, 'sandbox', 'up', '--dir', dir, '--nodes', '4', '--share', place, '--json'], env),
  );
  const inside = { ...env, ...up.env };
  try {
    mkdirSync(join(place, 'plain'));
    const script = join(place, 'plain', 'job.sh');
    execFileSync('bash', ['-c', `printf '#!/bin/bash\\ntrue\\n' >"$1"`, '-', script]);
    // All wait for a job that never starts: the two cores are left to the measurement.
    const held = run(['sbatch', '--parsable', '--hold', '--output=/dev/null', script], inside).trim();
    let serial = 0;
    const submit = () =>
      time(
        [
          node,
          opsctl,
          'submit',
          ...sft,
          '--seed',
          String(serial),
          '--name',
          `bench-${serial++}`,
          '--after',
          held,
        ],
        inside,
      );
    const sbatch = () =>
      time(['sbatch', `--dependency=afterok:${held}`, '--output=/dev/null', script], inside);
    // What submit asks before it submits, by itself: Slurm's word and the state of the code.
    const checks = () =>
      Math.max(
        time(['sbatch', '--test-only', script], inside),
        time(['git', '-C', root, 'diff', 'HEAD'], inside),
      );
    compare(
      'opsctl submit / (node -e 0 + sbatch + checks)',
      undefined,
      submit,
      () => bare() + sbatch() + checks(),
    );
    compare(
      '(opsctl submit - sbatch - checks) / node -e 0',
      undefined,
      () => submit() - sbatch() - checks(),
      bare,
    );
    compare('opsctl submit / node -e 0 (submitit: 100 ms where node takes 57, 1.75)', 1.75, submit, bare);
  } finally {
    spawnSync(node, [opsctl, 'sandbox', 'down', '--dir', dir], { env });
  }
}

function compare(name, limit, subject, reference) {
  subject();
  reference();
  const pairs = Array.from({ length: rounds }, () => [subject(), reference()]);
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

/** Wall time of one process in milliseconds; one that fails ends the bench. */
function time([program, ...argv], env = process.env) {
  const start = performance.now();
  const result = spawnSync(program, argv, { env, stdio: ['ignore', 'ignore', 'pipe'] });
  const elapsed = performance.now() - start;
  if (result.status !== 0) throw new Error(`${program} ${argv.join(' ')}: ${result.stderr}`);
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
