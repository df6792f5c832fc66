import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const OPSCTL = join(import.meta.dirname, '..', '..', 'bin', 'opsctl.cjs');
let place: string;

beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'opsctl-interrupt-'));
  for (const name of ['bin', 'data']) mkdirSync(join(place, name));
  writeFileSync(join(place, 'data', 'a.jsonl'), '{"id":"1","data":["question","answer"]}\n');
  // Stands in for a controller that takes its time: it has the job when it has been asked.
  const sbatch = `#!/bin/sh\necho $$ >${place}/asked\nwhile [ ! -e ${place}/answer ]; do sleep 0.05; done\necho 4711\n`;
  writeFileSync(join(place, 'bin', 'sbatch'), sbatch);
  chmodSync(join(place, 'bin', 'sbatch'), 0o755);
});
afterEach(() => rmSync(place, { recursive: true, force: true }));

/** A submission that waits for sbatch, with what it has said until now. */
async function submission() {
  const words = [
    'submit',
    'sft',
    '-t',
    'example',
    '--data',
    join(place, 'data'),
    '--output',
    join(place, 'runs'),
  ];
  const env = {
    ...process.env,
    PATH: `${join(place, 'bin')}:${process.env.PATH}`,
    OPSCTL_HOME: join(place, 'state'),
    SLURM_CONF: '',
  };
  const child = spawn('node', [OPSCTL, ...words, '--name', 'one', '--no-preflight', '--json'], { env });
  const said = { out: '', err: '' };
  child.stdout.on('data', (text) => (said.out += text));
  child.stderr.on('data', (text) => (said.err += text));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  await until(() => existsSync(join(place, 'asked')));
  return { child, said, ended };
}

async function until(isSo: () => boolean): Promise<void> {
  for (let left = 400; !isSo(); left--) {
    if (left === 0) throw new Error('waited 20 s in vain');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

const answer = () => writeFileSync(join(place, 'answer'), '');
const manifest = () => JSON.parse(readFileSync(join(place, 'state', 'runs', 'one', 'manifest.json'), 'utf8'));

describe('Ctrl-C while sbatch is at work', () => {
  it('does not lose the job: its answer is waited for', async () => {
    const { child, said, ended } = await submission();
    child.kill('SIGINT');
    await until(() => said.err.includes('waiting for its answer'));
    answer();
    expect(await ended).toBe(0);
    expect(JSON.parse(said.out)).toMatchObject({ jobId: '4711' });
    expect(manifest()).toMatchObject({ state: 'submitted', jobId: '4711' });
  });

  it('ends opsctl the second time, with what to do, and the intent stays', async () => {
    const { child, said, ended } = await submission();
    child.kill('SIGINT');
    await until(() => said.err.includes('waiting for its answer'));
    child.kill('SIGINT');
    await until(() => said.err.includes('opsctl status one'));
    answer();
    expect(await ended).toBe(130);
    expect(manifest()).toMatchObject({ state: 'submitting', jobId: null });
  });
});
