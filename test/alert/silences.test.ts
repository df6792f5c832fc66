import { chmod, mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addSilence, listSilences, removeSilence } from '../../src/alert/change-silences.ts';
import { isLike } from '../../src/alert/silence.ts';
import { parseSpan } from '../../src/alert/span.ts';
import { fakeExec, fakeSystem } from '../support/fake-exec.ts';

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'opsctl-silences-'));
});
afterEach(() => rm(home, { recursive: true }));

const HOUR = 3_600_000;
const system = (hours = 0) =>
  fakeSystem(fakeExec({}).exec, {
    env: { OPSCTL_HOME: join(home, 'state') },
    now: () => new Date(Date.parse('2026-01-02T03:00:00Z') + hours * HOUR),
  });
const match = { fault: 'storage-full', run: null, node: null };

describe('silences on disk', () => {
  it('say who made them and until when, and expired ones vanish', async () => {
    const made = await addSilence(system(), match, 2 * HOUR, 'known');
    expect(made).toMatchObject({ reason: 'known', expiresAt: '2026-01-02T05:00:00.000Z' });
    expect(made.by).toMatch(/^\S+@\S+$/);
    expect(await listSilences(system(1.9))).toEqual([made]);
    expect(await listSilences(system(2))).toEqual([]);
    const later = await addSilence(system(3), match, HOUR, 'again');
    expect(JSON.parse(await readFile(join(home, 'state/alerts/silences.json'), 'utf8'))).toEqual([later]);
  });

  it('are removed by their id, and a wrong id is told', async () => {
    const { id } = await addSilence(system(), match, HOUR, 'known');
    await expect(removeSilence(system(), 'nothing')).rejects.toThrow('there is no silence nothing');
    expect((await removeSilence(system(), id)).reason).toBe('known');
    await expect(removeSilence(system(), id)).rejects.toThrow(`there is no silence ${id}`);
  });

  it('are readable by nobody else, and a directory that others can write is refused', async () => {
    await addSilence(system(), match, HOUR, 'known');
    const modeOf = async (path: string) => (await stat(join(home, 'state', path))).mode & 0o777;
    expect(await modeOf('alerts')).toBe(0o700);
    expect(await modeOf('alerts/silences.json')).toBe(0o600);
    await chmod(join(home, 'state/alerts'), 0o770);
    await expect(listSilences(system())).rejects.toThrow('can be written by others');
  });
});

it.each([
  ['90m', 90 * 60_000],
  ['2h', 2 * HOUR],
  ['1d12h', 36 * HOUR],
  ['4:00:00', 4 * HOUR],
  ['30', HOUR / 2],
])('%s is a time', (text, ms) => expect(parseSpan(text)).toBe(ms));

it.each(['', '2 hours', '-1h', '0h', 'UNLIMITED', 'h', '99999999999999h', '1e3m'])('%s is no time', (text) =>
  expect(parseSpan(text)).toBeUndefined(),
);

it('a pattern matches what a regular expression would match', () => {
  const word = fc.string({ unit: fc.constantFrom('a', 'b', '*', '.') });
  fc.assert(
    fc.property(word, fc.string({ unit: fc.constantFrom('a', 'b', '.') }), (pattern, name) => {
      const expression = pattern
        .split('*')
        .map((piece) => piece.replaceAll('.', '\\.'))
        .join('.*');
      expect(isLike(pattern, name)).toBe(new RegExp(`^${expression}$`).test(name));
    }),
  );
});
