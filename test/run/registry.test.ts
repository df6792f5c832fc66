import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Manifest } from '../../src/run/manifest.ts';
import { withNews } from '../../src/run/news.ts';
import {
  claimFingerprint,
  claimRecord,
  findRun,
  forgetRun,
  listRuns,
  lookUpRun,
  releaseFingerprint,
  saveManifest,
} from '../../src/run/registry.ts';
import { judgeRun, type Knowledge } from '../../src/run/state.ts';
import { jobState } from '../../src/slurm/states.ts';
import type { System } from '../../src/system/system.ts';
import { manifest as known } from './known.ts';

let place: string;
let system: System;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'opsctl-registry-'));
  system = {
    exec: () => Promise.reject(new Error('no program is needed')),
    env: { OPSCTL_HOME: place },
    cwd: place,
    now: () => new Date(),
  };
});
afterEach(() => rmSync(place, { recursive: true }));

function manifest(runId: string, more: Partial<Manifest> = {}): Manifest {
  const outputDir = join(place, 'out', runId);
  mkdirSync(outputDir, { recursive: true });
  return known({ runId, outputDir, jobId: '1', createdAt: '2026-05-24T03:56:00.000Z', ...more });
}

describe('the registry', () => {
  it('keeps a manifest where only its owner can read it, and a copy beside the checkpoints', async () => {
    const run = manifest('a');
    await saveManifest(system, run);
    const path = join(place, 'runs', 'a', 'manifest.json');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(statSync(join(place, 'runs')).mode & 0o777).toBe(0o700);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toEqual(run);
    expect(readFileSync(join(run.outputDir, 'manifest.json'), 'utf8')).toBe(readFileSync(path, 'utf8'));
  });

  it('gives a name free again that a submission had taken that was killed before it wrote anything', async () => {
    const record = join(place, 'runs', 'burnt');
    expect(await claimRecord(system, 'burnt')).toBe(true);
    writeFileSync(join(record, 'manifest.json.12.abc.tmp'), 'half');
    expect(await claimRecord(system, 'burnt'), 'it may be at work').toBe(false);
    const later = { ...system, now: () => new Date(Date.now() + 6 * 60_000) };
    expect(await claimRecord(later, 'burnt')).toBe(true);
    expect(readdirSync(record)).toEqual([]);
    expect(readdirSync(join(place, 'runs'))).toEqual(['burnt']);
    writeFileSync(join(record, 'manifest.json'), "unreadable, and somebody's");
    expect(await claimRecord(later, 'burnt')).toBe(false);
  });

  it('lists the newest first, and passes over what is no manifest', async () => {
    await saveManifest(system, manifest('old', { createdAt: '2026-01-01T00:00:00.000Z' }));
    await saveManifest(system, manifest('new'));
    for (const [name, text] of [
      ['half', '{"version":1,'],
      ['empty', '{}'],
      ['null', 'null'],
    ] as const) {
      mkdirSync(join(place, 'runs', name));
      writeFileSync(join(place, 'runs', name, 'manifest.json'), text);
    }
    expect((await listRuns(system)).map((run) => run.runId)).toEqual(['new', 'old']);
  });

  it('has no runs before the first one', async () => {
    expect(await listRuns(system)).toEqual([]);
    await expect(findRun(system, 'x')).rejects.toThrow('no run or job "x"');
  });

  it.each([
    ['llama-a', 'llama-a'],
    ['llama-a', 'llama-a-2n'],
    ['last', 'qwen'],
    ['qw', 'qwen'],
  ])('finds by %s', async (name, expected) => {
    await saveManifest(system, manifest(expected, { jobId: '77' }));
    expect((await findRun(system, name)).runId).toBe(expected);
  });

  it('refuses a beginning that fits several, and suggests what was meant', async () => {
    for (const name of ['llama-a', 'llama-b']) await saveManifest(system, manifest(name));
    await expect(findRun(system, 'llama')).rejects.toThrow('the beginning of 2 runs');
    await expect(findRun(system, 'lama-a')).rejects.toMatchObject({
      hint: expect.stringContaining('Did you mean "llama-a"'),
    });
  });

  it.each(['../../etc', '..', '/etc/passwd', 'a/b', ''])(
    'does not leave its directory for %j',
    async (name) => {
      expect(await lookUpRun(system, name)).toBeUndefined();
    },
  );

  it('forgets a run whole', async () => {
    const run = manifest('gone');
    await saveManifest(system, run);
    await forgetRun(system, 'gone', run.outputDir);
    expect(readdirSync(join(place, 'runs'))).toEqual([]);
    expect(readdirSync(join(place, 'out'))).toEqual([]);
  });
});

describe('a fingerprint', () => {
  it('is given to one of many that ask at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 12 }, (_, index) => claimFingerprint(system, 'same', `run-${index}`)),
    );
    expect(answers.filter((answer) => answer === undefined)).toHaveLength(1);
    const winner = `run-${answers.indexOf(undefined)}`;
    expect(new Set(answers.filter((answer) => answer !== undefined))).toEqual(new Set([winner]));
    expect(readdirSync(join(place, 'fingerprints'))).toEqual(['same']);
  });

  it('is given back by its run only', async () => {
    await claimFingerprint(system, 'f', 'a');
    await releaseFingerprint(system, 'f', 'b');
    expect(await claimFingerprint(system, 'f', 'b')).toBe('a');
    await releaseFingerprint(system, 'f', 'a');
    expect(await claimFingerprint(system, 'f', 'b')).toBeUndefined();
  });
});

describe('withNews', () => {
  const attempt = { attempt: 0, jobId: '5', nodes: ['n'], startedAt: 's', endedAt: null, exitCode: null };
  const knowledge = (word: string, source: Knowledge['source'] = 'squeue'): Knowledge => ({
    state: jobState(word),
    source,
    job: undefined,
    answered: true,
    exitCode: null,
    signal: null,
    notes: [],
  });
  const unknown = knowledge('', 'none');

  it('takes the job that was found for a submission cut short', () => {
    const cut = manifest('a', { state: 'submitting', jobId: null });
    expect(withNews(cut, { jobId: '5', attempts: [], knowledge: unknown })).toMatchObject({
      state: 'submitted',
      jobId: '5',
    });
  });

  it('takes attempts that are new or have changed, and is silent otherwise', () => {
    const run = manifest('a', { attempts: [attempt] });
    expect(withNews(run, { jobId: '1', attempts: [attempt], knowledge: unknown })).toBeUndefined();
    const changed = withNews(run, {
      jobId: '1',
      attempts: [{ ...attempt, exitCode: 0 }],
      knowledge: unknown,
    });
    expect(changed?.attempts[0]?.exitCode).toBe(0);
    expect(withNews(run, { jobId: null, attempts: [], knowledge: unknown })).toBeUndefined();
  });

  it('remembers the end that Slurm told, until the job lives again', () => {
    const ended = withNews(manifest('a'), { jobId: '1', attempts: [], knowledge: knowledge('CANCELLED') });
    expect(ended?.ended).toBe('CANCELLED');
    expect(
      withNews(ended ?? manifest('a'), { jobId: '1', attempts: [], knowledge: unknown }),
    ).toBeUndefined();
    const again = withNews(ended ?? manifest('a'), {
      jobId: '1',
      attempts: [],
      knowledge: knowledge('PENDING'),
    });
    expect(again).toBeDefined();
    expect(again).not.toHaveProperty('ended');
  });

  it("does not take the job's own record for Slurm's word", () => {
    expect(
      withNews(manifest('a'), { jobId: '1', attempts: [], knowledge: knowledge('FAILED', 'attempt') }),
    ).toBeUndefined();
  });
});

describe('a run that Slurm has forgotten', () => {
  const silent = { queue: undefined, accounting: undefined, failure: undefined };
  it('is what Slurm last said, if Slurm answers at all', () => {
    const run = manifest('a', { ended: 'CANCELLED' });
    expect(judgeRun(run, '1', [], { ...silent, queue: [] }).state.word).toBe('CANCELLED');
    expect(judgeRun(run, '1', [], silent).state.phase).toBe('unknown');
    expect(judgeRun(manifest('a'), '1', [], { ...silent, queue: [] }).state.phase).toBe('unknown');
  });
});
