import { execFileSync } from 'node:child_process';
import { appendFileSync, mkdtempSync, rmSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { diagnose, fileSource } from '../../src/diagnosis/diagnose.ts';
import { openLog } from '../../src/diagnosis/open-log.ts';
import { parseLine } from '../../src/diagnosis/prefix.ts';
import { realSystem } from '../../src/system/system.ts';
import { fakeExec, fakeSystem } from '../support/fake-exec.ts';
import { diagnoseText, job, runbooks, verdict } from './engine.ts';

const directory = mkdtempSync(join(tmpdir(), 'opsctl-test-'));
afterAll(() => rmSync(directory, { recursive: true }));

const OOM = 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 1.00 GiB.\n';

function ofFiles(...names: string[]) {
  const sources = names.map((name) => fileSource(realSystem(), join(directory, name)));
  return diagnose(runbooks, sources);
}

describe('a log', () => {
  it('may hold any bytes, cut anywhere', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ maxLength: 4000 }),
        fc.integer({ min: 1, max: 999 }),
        async (bytes, size) => {
          const { status } = await diagnoseText(Buffer.from(bytes), size);
          expect(['healthy', 'unknown', 'diagnosed']).toContain(status);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('may hold any characters in any line', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
        expect(typeof parseLine(text).text).toBe('string');
      }),
    );
  });

  it('may repeat the parts of its own messages in any order', async () => {
    const words = [
      'Traceback (most recent call last):\n',
      OOM,
      '\r',
      '\u0000',
      '0: ',
      '\u001b[31m',
      '\n',
      '  File "a.py"\n',
      'Xid',
      '*** JOB ',
    ];
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...words), { maxLength: 60 }), async (parts) => {
        const text = parts.join('');
        expect((await diagnoseText(text, 7)).causes).toEqual((await diagnoseText(text)).causes);
      }),
      { numRuns: 100 },
    );
  });

  it('is read through NULs, colours, carriage returns and half characters', async () => {
    expect(await verdict(`\u0000\u0000${OOM}`)).toBe('cuda-oom');
    expect(await verdict(`10%|# | 1/10\r20%|## | 2/10\r\u001b[31m${OOM}`)).toBe('cuda-oom');
    expect(await verdict(Buffer.concat([Buffer.from([0xe4, 0xb8]), Buffer.from(` ${OOM}`)]))).toBe(
      'cuda-oom',
    );
  });

  it('may be one line of 100 MB', async () => {
    const line = Buffer.alloc(100 * 1024 * 1024, 'x');
    const before = process.memoryUsage().arrayBuffers;
    expect(await verdict(Buffer.concat([line, Buffer.from(`\n${OOM}`)]), 1 << 20)).toBe('cuda-oom');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(400 * 1024 * 1024);
  });

  it('may be packed, whatever its name, and cut while it is written', async () => {
    const packed = gzipSync('step 1\n'.repeat(5000) + OOM);
    writeFileSync(join(directory, 'packed.log'), packed);
    expect((await ofFiles('packed.log')).causes[0]?.fault).toBe('cuda-oom');
    truncateSync(join(directory, 'packed.log'), packed.length - 4);
    expect((await ofFiles('packed.log')).causes[0]?.fault).toBe('cuda-oom');
  });

  it('that was cut off while it was packed, and names nothing, is not called healthy', async () => {
    const packed = gzipSync('step 1 loss: 2.1 lr 1e-5\n'.repeat(50_000));
    for (const length of [packed.length - 4, packed.length >> 1, 12]) {
      writeFileSync(join(directory, 'cut.gz'), packed.subarray(0, length));
      const { status, readings } = await ofFiles('cut.gz');
      expect(status).toBe('unknown');
      expect(readings[0]?.problem).toMatch(/cut\.gz is packed, and cut off or damaged/);
    }
  });

  it.each([
    ['empty', ''],
    ['blank', ' \n\n \r\n'],
    ['full of NULs', '\u0000'.repeat(100_000)],
    [
      'a program',
      Buffer.from(Array.from({ length: 60_000 }, (_, index) => (index * 7919 + (index >> 3)) % 256)),
    ],
  ])('that is %s is not called healthy', async (_, text) => {
    expect(await verdict(text)).toBe('unknown');
  });

  it('of which a part could not be read is not called healthy, unless Slurm saw the job end well', async () => {
    writeFileSync(join(directory, 'fine.log'), 'step 1 loss: 2.1 lr 1e-5\n');
    expect((await ofFiles('fine.log', 'gone.log')).status).toBe('unknown');
    expect((await ofFiles('fine.log')).status).toBe('healthy');
    const gone = fileSource(realSystem(), join(directory, 'gone.log'));
    expect((await diagnose(runbooks, [gone], { newest: job('COMPLETED') })).status).toBe('healthy');
  });

  it.each([
    ['plain', Buffer.from(OOM)],
    ['packed', gzipSync(OOM)],
    ['a few bytes', Buffer.from('ok\n')],
  ])('may be a pipe: %s', async (_, bytes) => {
    const pipe = join(directory, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const [{ status }] = await Promise.all([ofFiles('pipe'), writeFile(pipe, bytes)]);
    rmSync(pipe);
    expect(status).toBe(bytes.length < 4 ? 'healthy' : 'diagnosed');
  });

  it('may be packed with zstd, where that program is', async () => {
    const { exec } = realSystem();
    writeFileSync(join(directory, 'plain'), OOM);
    const { missing } = await exec([
      'zstd',
      '-q',
      '-f',
      join(directory, 'plain'),
      '-o',
      join(directory, 'log.zst'),
    ]);
    if (!missing) expect((await ofFiles('log.zst')).causes[0]?.fault).toBe('cuda-oom');
  });

  it('packed with zstd is named where there is no such program', async () => {
    writeFileSync(join(directory, 'packed.zst'), Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, 0]));
    const { exec } = fakeExec({ 'zstd -dqf': { missing: true } });
    const source = fileSource(fakeSystem(exec), join(directory, 'packed.zst'));
    await expect(diagnose(runbooks, [source])).rejects.toThrow(/packed\.zst.* "zstd" is not installed/);
  });

  it.each([
    ['grows', (path: string) => appendFileSync(path, OOM), 'cuda-oom'],
    ['shrinks', (path: string) => truncateSync(path, 10), 'healthy'],
    ['vanishes', (path: string) => unlinkSync(path), 'healthy'],
  ])('may be one that %s while it is read', async (_, change, fault) => {
    const path = join(directory, 'changing.log');
    writeFileSync(path, 'step 1 loss: 2.1 lr 1e-5\n'.repeat(400_000));
    const { status, causes } = await diagnose(runbooks, [{ name: path, chunks: changing() }]);
    expect(causes[0]?.fault ?? status).toBe(fault);

    async function* changing() {
      let first = true;
      for await (const chunk of openLog(realSystem(), path)) {
        yield chunk;
        if (first) change(path);
        first = false;
      }
    }
  });

  it('that is a directory is named', async () => {
    writeFileSync(join(directory, 'there.log'), OOM);
    const { causes, readings } = await ofFiles('.', 'there.log');
    expect(causes[0]?.fault).toBe('cuda-oom');
    expect(readings[0]?.problem).toMatch(/cannot read .*: EISDIR/);
  });

  it.skipIf(process.getuid?.() === 0)('that may not be read is named', async () => {
    writeFileSync(join(directory, 'secret.log'), OOM, { mode: 0 });
    await expect(ofFiles('secret.log')).rejects.toThrow(/cannot read .*secret\.log: EACCES/);
  });

  it('that is not there is named, and the others are read', async () => {
    writeFileSync(join(directory, 'there.log'), OOM);
    const { causes, readings } = await ofFiles('gone.log', 'there.log');
    expect(causes[0]?.fault).toBe('cuda-oom');
    expect(readings[0]?.problem).toMatch(/cannot read .*gone\.log: ENOENT/);
  });

  it('that is not there and alone is an error', async () => {
    await expect(ofFiles('gone.log')).rejects.toThrow(/cannot read .*gone\.log/);
  });
});
