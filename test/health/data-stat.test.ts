import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { dataStat } from '../../src/health/data-stat.ts';

function directory(files: Record<string, string | Buffer>): string {
  const root = mkdtempSync(join(realpathSync(tmpdir()), 'opsctl-data-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(root, name), content);
  return root;
}

describe('dataStat', () => {
  it('counts samples and bytes of each file, and names broken lines and literal end tokens', async () => {
    const root = directory({
      'a.jsonl': '{"id":1}\n\n{"id":\n"text"\n{"t":"x <endoftext>"}\n{"t":"<|endoftext|>"}',
      'b.jsonl.gz': gzipSync('{"id":2}\n{"long":"yes, longer than any"}\n'),
      'other.txt': 'no',
    });
    const found = await dataStat(root, '.jsonl');
    expect(found.files).toMatchObject([
      { file: join(root, 'a.jsonl'), samples: 3, brokenLines: 2, literalEndOfText: 2 },
      {
        file: join(root, 'b.jsonl.gz'),
        samples: 2,
        bytes: 41,
        brokenLines: 0,
        longest: { line: 2, bytes: 31 },
      },
    ]);
    expect(found).toMatchObject({ samples: 5 });
    expect(found.broken).toEqual([
      { file: join(root, 'a.jsonl'), line: 3, problem: 'is not JSON: "{\\"id\\":"' },
      { file: join(root, 'a.jsonl'), line: 4, problem: 'is no JSON object' },
    ]);
  });

  it('tells of bytes that are not UTF-8 and of a packed file that was cut off', async () => {
    const whole = gzipSync(Buffer.from(`${JSON.stringify({ t: 'x'.repeat(5000) })}\n`.repeat(50)));
    const root = directory({
      'a.jsonl': Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]),
      'b.jsonl.gz': whole.subarray(0, whole.length - 9),
    });
    const { broken } = await dataStat(root, '.jsonl');
    expect(broken.map(({ problem }) => problem)).toEqual([
      'holds bytes that are not UTF-8',
      expect.stringContaining('cannot be unpacked from here on'),
    ]);
  });

  it('counts what is there, wherever the pieces of a file are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'binary' }), { minLength: 1, maxLength: 30 }),
        async (texts) => {
          const lines = texts.map((text) => JSON.stringify({ text }));
          const root = directory({ 'a.jsonl': lines.join('\n') });
          const { files, samples } = await dataStat(root, '.jsonl');
          expect(samples).toBe(lines.length);
          expect(files[0]?.bytes).toBe(Buffer.byteLength(lines.join('\n')));
        },
      ),
      { numRuns: 30 },
    );
  });

  it('says what is wrong with a directory that has nothing', async () => {
    await expect(dataStat('/no/such', '.jsonl')).rejects.toThrow('/no/such does not exist');
    await expect(dataStat(directory({ 'a.txt': '' }), '.jsonl')).rejects.toThrow('ends in ".jsonl"');
  });
});
