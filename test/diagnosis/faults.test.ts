import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { faultsOf } from '../../src/runbook/show.ts';
import { diagnoseText, runbooks, verdict } from './engine.ts';

const directory = join(import.meta.dirname, '..', 'fixtures', 'faults');
const logs = readdirSync(directory).map(
  (file) => [file.replace(/\.log$/, ''), readFileSync(join(directory, file))] as const,
);

describe('the fixture of each fault', () => {
  it('is there for every runbook, and one for a healthy run', () => {
    const faults = faultsOf(runbooks).map(({ fault }) => fault);
    expect(logs.map(([name]) => name).sort()).toEqual([...faults, 'healthy'].sort());
  });

  it.each(logs)('%s is what comes first for its own log and for no other', async (name, text) => {
    expect(await verdict(text)).toBe(name);
  });

  it.each(logs)('%s is the same whatever the chunks it is read in', async (_name, text) => {
    const whole = await diagnoseText(text);
    for (const size of [1, 17, 4096]) expect(await diagnoseText(text, size)).toEqual(whole);
  });
});

/** Wordings of many versions of many programs, of which no signature has the whole. */
const messages = readFileSync(join(directory, '..', 'messages.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { fault: string; text: string });

describe('a message alone', () => {
  it.each(messages)('$fault: $text', async ({ fault, text }) => {
    expect(await verdict(`${text}\n`)).toBe(fault);
  });
});

/** What runs that are fine print, and what looks like a fault there. */
const harmless = readFileSync(join(directory, '..', 'harmless.txt'), 'utf8')
  .trim()
  .split('\n');

describe('a line of a run that goes on', () => {
  it.each(harmless)('is nothing to act on: %s', async (line) => {
    const text = `loading the model\nepoch 0\n${line}\nstep 1 loss 2.1 lr 1e-4\nstep 2 loss 2.0 lr 1e-4\nsaved to /data/out\n`;
    const { causes } = await diagnoseText(text);
    expect(causes.filter(({ confidence }) => confidence >= 0.8)).toEqual([]);
  });
});

describe('an answer', () => {
  const log = (name: string) => logs.find(([each]) => each === name)?.[1] ?? Buffer.alloc(0);

  it('quotes the decisive line first, with its number, rank and node', async () => {
    const { causes } = await diagnoseText(log('node-fail'));
    expect(causes[0]?.evidence[0]).toMatchObject({ line: 13, node: 'gnode02', role: 'root' });
  });

  it('names the rank that completed least where only a timeout is left', async () => {
    const { causes, suspect } = await diagnoseText(log('nccl-timeout'));
    expect(causes[0]?.confidence).toBeLessThan(0.8);
    expect(suspect).toMatchObject({ rank: 2 });
  });

  it('says unknown where ranks only complain about each other', async () => {
    const text =
      '0: RuntimeError: [./gloo/transport/tcp/pair.cc:598] Connection closed by peer\nsrun: error: n1: task 0: Exited with exit code 1\n';
    const { status, suspect } = await diagnoseText(text);
    expect([status, suspect?.rank]).toEqual(['unknown', 0]);
  });

  it('tells a full /dev/shm from a full disk by the frames, and is not sure where nothing tells', async () => {
    const error = 'OSError: [Errno 28] No space left on device\n';
    const frames =
      'Traceback (most recent call last):\n  File "/usr/lib/python3.11/multiprocessing/shared_memory.py", line 118, in __init__\n';
    expect(await verdict(frames + error)).toBe('shm-exhausted');
    const { causes } = await diagnoseText(error);
    expect(causes[0]?.fault).toBe('disk-full');
    expect(causes[0]?.confidence).toBeLessThan(0.8);
  });

  it('does not know what an empty log says', async () => {
    expect(await verdict('')).toBe('unknown');
  });

  it('believes the whole of a run that went on rather than an error that it caught', async () => {
    const steps = Array.from(
      { length: 30 },
      (_, step) => `step ${step} loss: 2.${step} lr 1e-5 | 2.1 it/s\n`,
    ).join('');
    const caught =
      'Traceback (most recent call last):\n  File "a.py", line 1, in f\nOSError: [Errno 116] Stale file handle\n';
    expect(await verdict(steps + caught + steps)).toBe('healthy');
    expect(await verdict(steps + caught)).toBe('filesystem-error');
  });

  it('names the last attempt’s cause, not one that a requeue has healed', async () => {
    const steps = Array.from(
      { length: 80 },
      (_, step) => `step ${step} loss: 2.${step} lr 1e-5 | 2.1 it/s\n`,
    ).join('');
    const lost =
      'slurmstepd: error: *** JOB 4 ON n1 CANCELLED AT 2026-11-23T19:02:37 DUE TO NODE FAILURE, SEE SLURMCTLD LOG FOR DETAILS ***\n';
    expect(await verdict(lost + steps)).toBe('healthy');
    expect(
      await verdict(`${lost + steps}torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1 GiB\n`),
    ).toBe('cuda-oom');
  });
});
