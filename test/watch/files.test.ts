import { appendFile, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { lookAtPlaces, parseDf } from '../../src/watch/places.ts';
import { parseQuota } from '../../src/watch/quota-table.ts';
import { readNewLines } from '../../src/watch/read-log.ts';
import { fakeExec, fakeSystem } from '../support/fake-exec.ts';

const GIB = 1024 * 1024;
const recorded = (name: string) => readFile(join('test/fixtures/checks', name), 'utf8');

describe('quota as it was printed', () => {
  it('knows the * and the time of grace', async () => {
    expect(parseQuota(await recorded('quota/star-6days.txt'))).toEqual([
      {
        filesystem: '/dev/sda1',
        usedKib: 2862 * GIB,
        limitKib: 2852 * GIB,
        files: 96_582,
        filesLimit: 2_900_000,
        isOver: true,
        grace: '6days',
      },
    ]);
  });

  it('reads devices that stand on a line of their own, and a grace that is over', async () => {
    expect(parseQuota(await recorded('quota/long-device-files-star-none.txt'))).toMatchObject([
      { filesystem: 'storage:/export/users', isOver: true, grace: 'expired' },
    ]);
    expect(
      parseQuota(await recorded('quota/two-long-devices-full.txt'))?.map(({ filesystem }) => filesystem),
    ).toEqual(['storage2.data.blcu:/data', 'storage1.data.blcu:/home']);
  });

  it.each(['near-full-kbytes', 'healthy-h', 'default-settings-h'])(
    'reads what Lustre printed: %s',
    async (name) => {
      const lines = parseQuota(await recorded(`lfs/${name}.txt`));
      expect(lines?.length).toBeGreaterThan(0);
      expect(lines?.every(({ limitKib, isOver }) => limitKib > 0 && !isOver)).toBe(true);
    },
  );

  it.each([
    '',
    'quota: Cannot open quotafile',
    'Filesystem space quota limit grace files quota limit grace\n/dev/sda1 12G 5G',
  ])('does not take %j for "no quota"', (text) => {
    expect(parseQuota(text)).toBeUndefined();
  });
});

it('does not take amounts for true that Lustre itself calls inaccurate', async () => {
  expect(parseQuota(await recorded('lfs/bracket-inaccurate.txt'))).toBeUndefined();
});

describe('where runs write', () => {
  const title = 'Filesystem Type 1K-blocks Used Avail Inodes IUsed Mounted on\n';

  it('counts used space as df does, and no inodes where there are none', () => {
    expect(parseDf(`${title}srv:/x nfs4 1000 450 450 - - /data disk\n`)).toMatchObject({
      mount: '/data disk',
      usedPercent: 50,
      inodesPercent: 0,
    });
    expect(parseDf('df: something')).toBeUndefined();
  });

  it('says which file system did not answer, and looks at the others', async () => {
    const { exec } = fakeExec({
      'df -k --output=source,fstype,size,used,avail,itotal,iused,target -- /hung': {
        timedOut: true,
        code: null,
      },
      'df -k --output=source,fstype,size,used,avail,itotal,iused,target -- /data': `${title}/dev/vda lustre 100 95 5 10 1 /data\n`,
      'quota -uvs': { missing: true },
      'lfs quota': { code: 0, stdout: await recorded('lfs/healthy-h.txt') },
    });
    const { places, silent } = await lookAtPlaces(fakeSystem(exec), ['/hung', '/data']);
    expect(silent).toEqual(['/hung']);
    expect(places).toMatchObject([{ mount: '/data', usedPercent: 95 }]);
    expect(places[0]?.quotas?.length).toBeGreaterThan(0);
  });
});

describe('a growing log', () => {
  async function log(): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), 'opsctl-watch-'));
    onTestFinished(() => rm(directory, { recursive: true, force: true }));
    return join(directory, 'job.log');
  }

  it('hands over every line once, wherever a write was cut', async () => {
    const pieces = fc.array(fc.string({ unit: fc.constantFrom('a', 'é', '中', '\n', '\r') }), {
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(pieces, async (written) => {
        const path = await log();
        await writeFile(path, '');
        let mark = null;
        const lines: string[] = [];
        for (const piece of [...written, '\n']) {
          await appendFile(path, piece);
          const grown = await readNewLines(path, mark);
          mark = grown?.mark ?? null;
          lines.push(...(grown?.lines ?? []));
        }
        expect(lines).toEqual(
          written
            .join('')
            .split(/[\r\n]+/)
            .filter((line) => line !== ''),
        );
      }),
      { numRuns: 40 },
    );
  });

  it('is read from its start when it was replaced or cut off', async () => {
    const path = await log();
    await writeFile(path, 'one\ntwo\n');
    const first = await readNewLines(path, null);
    await writeFile(path, 'new\n');
    const cut = await readNewLines(path, first?.mark ?? null);
    expect(cut?.lines).toEqual(['new']);
    await writeFile(`${path}.2`, 'other file\n');
    await rename(`${path}.2`, path);
    expect((await readNewLines(path, cut?.mark ?? null))?.lines).toEqual(['other file']);
  });

  it('is read at its end alone when it is long, from a whole line on', async () => {
    const path = await log();
    await writeFile(path, `${'x'.repeat(3_000_000)}\n${'step=1 loss=0.5\n'.repeat(100_000)}`);
    const grown = await readNewLines(path, null);
    expect(grown?.lines.every((line) => line === 'step=1 loss=0.5')).toBe(true);
    expect(grown?.lines.length).toBeGreaterThan(60_000);
  });

  it('is nothing when it is not there', async () => {
    expect(await readNewLines('/nonexistent/job.log', null)).toBeUndefined();
  });
});
