import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimFingerprint, saveManifest } from '../../src/run/registry.ts';
import { claimTurn, takeTurn } from '../../src/run/turn.ts';
import { shortHostname } from '../../src/system/system.ts';
import { fakeExec, fakeSystem } from '../support/fake-exec.ts';
import { manifest as known } from './known.ts';

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'opsctl-turn-'));
});
afterEach(() => rmSync(place, { recursive: true }));

/** A submission whose end was not known, asked about so many seconds later: the queue is empty, accounting answers. */
async function askAfter(seconds: number): Promise<void> {
  const since = '2026-11-23T20:00:00.000Z';
  const now = () => new Date(Date.parse(since) + seconds * 1000);
  const { exec } = fakeExec({ squeue: '', sacct: '' });
  const system = fakeSystem(exec, { env: { OPSCTL_HOME: place }, cwd: place, now });
  const outputDir = join(place, 'out');
  mkdirSync(outputDir);
  const unsure = { since, host: shortHostname() };
  const cut = known({ state: 'submitting', jobId: null, createdAt: since, outputDir, unsure });
  await saveManifest(system, cut);
  await claimFingerprint(system, 'same', cut.runId);
  await claimTurn(system, 'same', 'again');
  expect(await claimFingerprint(system, 'same', 'third')).toBe('again');
}

describe('the turn of a submission whose end nobody knew', () => {
  it('is free when Slurm and its accounting know no such job minutes later', async () => {
    await askAfter(301);
  });

  it('is kept until then', async () => {
    await expect(askAfter(30)).rejects.toThrow(
      'the same thing was submitted before, as run sft-tiny: whether it has ended is not known',
    );
  });
});

it('goes to the run that was asked for beside another: the next one is held against that', async () => {
  const { exec } = fakeExec({});
  const system = fakeSystem(exec, { env: { OPSCTL_HOME: place }, cwd: place });
  await claimFingerprint(system, 'same', 'first');
  await takeTurn(system, 'same', 'beside');
  expect(await claimFingerprint(system, 'same', 'third')).toBe('beside');
});
