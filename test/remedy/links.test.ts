import {
  chmodSync,
  lstatSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { writeKept, writeSilences } from '../../src/alert/store.ts';
import { openOutbox } from '../../src/notify/outbox.ts';
import { addExclusions } from '../../src/remedy/exclusion.ts';
import { noteOf, readJournal, withJournal, writeEntry } from '../../src/remedy/journal.ts';
import { claimFingerprint, findRun, listRuns, saveManifest } from '../../src/run/registry.ts';
import type { System } from '../../src/system/system.ts';
import { takeWatch } from '../../src/watch/lease.ts';
import { NO_MEMORY, writeMemory } from '../../src/watch/memory.ts';
import { manifest } from '../run/known.ts';
import { fakeExec, fakeSystem } from '../support/fake-exec.ts';

const BEFORE = new Date('2025-01-01T00:00:00Z');

let place: string;
let state: string;
let victim: string;
let system: System;
beforeEach(() => {
  place = mkdtempSync(join(realpathSync(tmpdir()), 'opsctl-links-'));
  onTestFinished(() => rmSync(place, { recursive: true, force: true }));
  state = join(place, 'state');
  victim = join(place, 'victim');
  writeFileSync(victim, 'not of opsctl');
  utimesSync(victim, BEFORE, BEFORE);
  system = fakeSystem(fakeExec({}).exec, { env: { HOME: place, OPSCTL_HOME: state } });
});

/** Puts a link to the victim where opsctl writes. */
function plant(...path: string[]): string {
  const link = join(state, ...path);
  mkdirSync(dirname(link), { recursive: true, mode: 0o700 });
  symlinkSync(victim, link);
  // Old, as a lease is whose holder is gone.
  lutimesSync(link, BEFORE, BEFORE);
  return link;
}

const run = () => manifest({ outputDir: join(place, 'run'), script: join(place, 'run', 'job.sbatch') });
const lock = `.lock.${hostname()}.${process.pid}`;
const EXCLUSION = {
  node: 'gnode01',
  owner: 'ana',
  reason: 'slow',
  since: '2026-01-02T03:00:00Z',
  expires: '2026-01-03T03:00:00Z',
  runId: null,
};

/** Every file that opsctl writes under a name which can be foretold. */
const WRITES: readonly [string, string[], () => Promise<unknown>][] = [
  ['a manifest', ['runs', 'sft-tiny', 'manifest.json'], () => saveManifest(system, run())],
  ['the run of a job', ['jobs', '12'], () => saveManifest(system, run())],
  ['a claim', ['fingerprints', 'f.sft-tiny.tmp'], () => claimFingerprint(system, 'f', 'sft-tiny')],
  ['the journal’s lease', ['journal', '.lock'], () => withJournal(system, (lease) => lease.renew())],
  ['the way to the lease', ['journal', lock], () => withJournal(system, (lease) => lease.renew())],
  [
    'an entry of the journal',
    ['journal', `20260102T030405000Z-breaker-closed-${process.pid}.json`],
    () => writeEntry(system, noteOf(system, 'breaker-closed', { runId: null, fault: null, reason: 'x' })),
  ],
  ['the exclusions', ['exclusions.json'], () => addExclusions(system, [EXCLUSION])],
  ['the watch’s lease', ['watch', '.lock'], async () => (await takeWatch(system)).release()],
  ['the watcher’s memory', ['watch', 'memory.json'], () => writeMemory(system, NO_MEMORY)],
  [
    'the alerts',
    ['alerts', 'state.json'],
    () => writeKept(join(state, 'alerts'), { state: { alerts: [], groups: [] }, outgoing: [] }),
  ],
  ['the silences', ['alerts', 'silences.json'], () => writeSilences(join(state, 'alerts'), [])],
];

describe('a link that was put where opsctl writes', () => {
  it.each(WRITES)('%s: what it leads to stays as it was, to the time', async (_, path, write) => {
    mkdirSync(join(place, 'run'));
    plant(...path);
    await write();
    expect(readFileSync(victim, 'utf8')).toBe('not of opsctl');
    expect(lstatSync(victim).mtime).toEqual(BEFORE);
  });

  it('is no manifest, and no entry of the journal', async () => {
    plant('runs', 'sft-tiny', 'manifest.json');
    expect(await listRuns(system)).toEqual([]);
    const entry = plant('journal', '20260102T030405000Z-act-x.json');
    await expect(readJournal(system)).rejects.toThrow(`the journal's ${entry} cannot be read`);
  });
});

describe('a place in the state that others may write to', () => {
  const open = (...path: string[]): string => {
    const directory = join(state, ...path);
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    chmodSync(directory, 0o777);
    return directory;
  };

  it('is refused by name: a run’s, whose manifest says what is submitted', async () => {
    const directory = open('runs', 'sft-tiny');
    writeFileSync(join(directory, 'manifest.json'), JSON.stringify(run()));
    await expect(listRuns(system)).rejects.toThrow(`${directory} can be written by others`);
    await expect(findRun(system, 'sft-tiny')).rejects.toThrow(`${directory} can be written by others`);
  });

  it('is refused by name: the outbox, whose mails go out in the user’s name', async () => {
    const directory = open('alerts', 'outbox', 'pending');
    await expect(openOutbox(join(state, 'alerts'))).rejects.toThrow(`${directory} can be written by others`);
  });

  it.each(['runs', 'journal', 'alerts'])('is refused by name: %s', async (part) => {
    const directory = open(part);
    await expect(withJournal(system, async () => undefined)).rejects.toThrow(`${directory} can be written`);
    await expect(takeWatch(system)).rejects.toThrow(`${directory} can be written by others`);
    await expect(listRuns(system)).rejects.toThrow(`${directory} can be written by others`);
  });
});
