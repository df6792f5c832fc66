import { appendFile, mkdir, mkdtemp, rename, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { follow } from '../../src/run/follow.ts';
import { findLogs } from '../../src/run/log-files.ts';
import { judgeJob, type Knowledge } from '../../src/run/state.ts';
import { lastLines, readEnd, tailFile } from '../../src/run/tail.ts';
import { job, manifest } from './known.ts';

/** A limit for what hangs, not for what is slow. */
const until = (holds: () => void) => vi.waitFor(holds, { timeout: 30_000 });

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'follow-'));
  path = join(directory, 'job.log');
});
afterEach(() => rm(directory, { recursive: true }));

describe('a tail', () => {
  it('reads each line once, and half a line or half a character never', async () => {
    const tail = tailFile(path);
    expect((await tail.read()).state).toBe('absent');
    const bytes = Buffer.from('eins\n你好');
    await writeFile(path, bytes.subarray(0, 7));
    expect((await tail.read()).lines).toEqual(['eins']);
    await appendFile(path, bytes.subarray(7));
    expect((await tail.read()).lines).toEqual([]);
    await appendFile(path, ' welt\n');
    expect((await tail.read()).lines).toEqual(['你好 welt']);
    expect(await tail.read()).toEqual({ state: 'same', restarted: false, lines: [] });
  });

  it('starts anew when the file was cut off or replaced', async () => {
    const tail = tailFile(path);
    await writeFile(path, 'one\ntwo\n');
    await tail.read();
    await truncate(path);
    await appendFile(path, 'new\n');
    expect(await tail.read()).toMatchObject({ restarted: true, lines: ['new'] });
    await writeFile(`${path}.2`, 'another file\n');
    await rename(`${path}.2`, path);
    expect(await tail.read()).toMatchObject({ restarted: true, lines: ['another file'] });
  });

  it('shows a progress bar that has no line end yet', async () => {
    const tail = tailFile(path);
    await writeFile(path, ' 1%|a\r 2%|b\r 3%');
    await tail.read();
    expect(tail.bar()).toEqual([' 1%|a\r 2%|b']);
    expect(tail.rest()).toEqual([' 3%']);
  });
});

describe('the last lines', () => {
  it('are found from the end of a file, for one rank too', async () => {
    const lines = Array.from(
      { length: 60_000 },
      (_, index) => `${index % 3000 === 0 ? 'rank' : 'other'} ${index}`,
    );
    await writeFile(path, `${lines.join('\n')}\n`);
    const { lines: found } = await lastLines(path, 2, (line) => line.startsWith('rank'));
    expect(found).toEqual(['rank 54000', 'rank 57000']);
    expect((await lastLines(path, 30, (line) => line.startsWith('rank'))).lines).toHaveLength(20);
    expect((await lastLines(path, 0, () => true)).lines).toEqual([]);
  });

  it('are cut at a line, not in one', async () => {
    await writeFile(path, 'first line\nsecond line\nthird');
    expect(await readEnd(path, 12)).toBe('third');
    expect(await readEnd(path, 1000)).toBe('first line\nsecond line\nthird');
    expect(await readEnd(join(directory, 'none'), 10)).toBeUndefined();
  });
});

const answer = (state: string | undefined): Knowledge =>
  judgeJob('12', {
    queue: state === undefined ? [] : [job({ state, reason: state === 'PENDING' ? 'Resources' : null })],
    accounting: undefined,
    failure: undefined,
  });
const silent = judgeJob('12', { queue: undefined, accounting: undefined, failure: undefined });

/** Follows `path`; each turn of the job is an answer that lasts until the next is set. */
function following(first: Knowledge) {
  const lines: string[] = [];
  const notes: string[] = [];
  const stop = new AbortController();
  const now = { known: first };
  const ended = follow({
    files: async () => [{ path, label: '', attempt: undefined, keep: () => true }],
    knowledge: async () => now.known,
    record: async () => '',
    emit: (line) => lines.push(line),
    note: (text) => notes.push(text),
    lines: 10,
    signal: stop.signal,
    pace: { look: 5, ask: 10, askAtMost: 20 },
  });
  return { lines, notes, stop, now, ended };
}

describe('following a job', () => {
  it('waits for a pending one, says so, and ends with it', async () => {
    const { lines, notes, now, ended } = following(answer('PENDING'));
    await until(() => expect(notes).toEqual(['job 12 is PENDING (Resources); waiting for more']));
    now.known = answer('RUNNING');
    await writeFile(path, 'begin\n');
    await until(() => expect(lines).toEqual(['begin']));
    now.known = answer('COMPLETED');
    await appendFile(path, 'the end, without a line end');
    expect((await ended)?.state.word).toBe('COMPLETED');
    expect(lines).toEqual(['begin', 'the end, without a line end']);
  });

  it('survives a requeue and a silent Slurm', async () => {
    const { lines, notes, now, ended } = following(answer('RUNNING'));
    now.known = silent;
    await until(() => expect(notes).toContain('Slurm does not answer; still following'));
    await writeFile(path, 'still here\n');
    await until(() => expect(lines).toEqual(['still here']));
    now.known = answer('PENDING');
    await until(() => expect(notes.at(-1)).toContain('PENDING'));
    now.known = answer('RUNNING');
    await appendFile(path, 'second attempt\n');
    await until(() => expect(lines).toContain('second attempt'));
    now.known = answer('FAILED');
    expect((await ended)?.state.outcome).toBe('failed');
  });

  it('gives up on a job that Slurm has forgotten, but not at the first word', async () => {
    const { ended } = following(answer(undefined));
    expect((await ended)?.state.phase).toBe('unknown');
  });

  it('stops quietly when asked', async () => {
    const { stop, ended } = following(answer('RUNNING'));
    stop.abort();
    expect(await ended).toBeUndefined();
  });
});

describe("a run's log files", () => {
  const run = () => manifest({ outputDir: directory });
  const none = { node: undefined, rank: undefined, attempt: undefined };
  beforeEach(async () => {
    for (const attempt of [0, 1]) {
      await mkdir(join(directory, 'logs', `attempt-${attempt}`), { recursive: true });
      for (const node of [0, 1]) {
        await writeFile(
          join(directory, 'logs', `attempt-${attempt}`, `node-${node}-gnode0${node + 1}.log`),
          '',
        );
      }
    }
  });
  const names = async (choice: Partial<typeof none> | object) =>
    (await findLogs(run(), { ...none, ...choice })).map((file) => file.path.slice(directory.length + 1));

  it('are the batch log when nothing is chosen', async () => {
    expect(await names({})).toEqual(['logs/job.log']);
  });

  it("are a node's by number or name, of every attempt", async () => {
    const files = ['logs/attempt-0/node-1-gnode02.log', 'logs/attempt-1/node-1-gnode02.log'];
    expect(await names({ node: '1' })).toEqual(files);
    expect(await names({ node: 'gnode02' })).toEqual(files);
    expect(await names({ node: 'gnode02', attempt: 1 })).toEqual(files.slice(1));
  });

  it("hold a rank's lines by torchrun's label", async () => {
    const [file] = await findLogs(run(), { ...none, rank: 3, attempt: 0 });
    expect(file?.path).toContain('node-1-gnode02');
    expect(file?.keep('[default1]:mine')).toBe(true);
    expect(file?.keep('[default0]:not mine')).toBe(false);
  });

  it('refuse a rank or node that cannot be', async () => {
    await expect(names({ rank: 4 })).rejects.toThrow('rank 4 is not one');
    await expect(names({ node: 'gnod02' })).rejects.toThrow('Did you mean "gnode02"');
  });
});
