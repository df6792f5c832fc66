import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { scanData } from '../../src/health/data.ts';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'opsctl-data-'));
});
afterEach(() => rmSync(directory, { recursive: true }));

const GOOD = '{"id":"1","data":["q","a"]}\n';
const put = (name: string, text: string) => writeFileSync(join(directory, name), text);
const scan = () => scanData(directory, '.jsonl', ['id', 'data']);

describe('scanData', () => {
  it('counts files and bytes and finds good data good', async () => {
    put('a.jsonl', GOOD.repeat(3));
    put('b.jsonl', GOOD.trimEnd());
    put('notes.txt', 'not data');
    expect(await scan()).toEqual({ files: 2, bytes: GOOD.length * 4 - 1, problems: [], warnings: [] });
  });

  it.each([
    ['an empty file', '', 'is empty'],
    ['a first line that is no JSON', `hello\n${GOOD}`, 'line 1 is not JSON: "hello"'],
    ['a last line that was cut off', `${GOOD}{"id":"2","da`, 'the last line is not JSON'],
    ['a key that the trainer needs and is not there', '{"id":"1","text":"x"}\n', 'has no "data"'],
    ['a line that is JSON and no object', '[1]\n', 'line 1 is not a JSON object'],
    ['a file of another kind', '\u0000\u0001binary', 'line 1 is not JSON'],
  ])('finds %s', async (_, text, words) => {
    put('good.jsonl', GOOD);
    put('x.jsonl', text);
    const { problems } = await scan();
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(join(directory, 'x.jsonl'));
    expect(problems[0]).toContain(words);
  });

  it('says that there is no such directory, that it is a file, or that nothing has the suffix', async () => {
    expect((await scanData(join(directory, 'none'), '.jsonl', [])).problems[0]).toContain('does not exist');
    put('file', '');
    expect((await scanData(join(directory, 'file'), '.jsonl', [])).problems[0]).toContain('is a file');
    expect((await scan()).problems[0]).toContain('no file in');
  });

  it.each(['<endoftext>', '<|endoftext|>'])('warns of %s as plain text', async (token) => {
    put('good.jsonl', GOOD);
    put('x.jsonl', `${GOOD}{"id":"2","data":["q","a${token}"]}\n`);
    const { problems, warnings } = await scan();
    expect(problems).toEqual([]);
    expect(warnings).toEqual([expect.stringContaining(join(directory, 'x.jsonl'))]);
  });

  it('warns of a file that pyarrow cannot hold in one array', async () => {
    put('huge.jsonl', GOOD);
    truncateSync(join(directory, 'huge.jsonl'), 2_147_483_647);
    writeFileSync(join(directory, 'huge.jsonl'), `\n${GOOD}`, { flag: 'a' });
    const { problems, warnings } = await scan();
    expect([problems, warnings]).toEqual([[], [expect.stringContaining('ArrowCapacityError')]]);
  });

  it('does not read a file beyond its ends, and does not judge a line longer than it reads', async () => {
    put('long.jsonl', `{"id":"${'x'.repeat(3 << 20)}"}`);
    expect((await scan()).problems).toEqual([]);
  });

  it('names a file that is a directory instead of failing', async () => {
    mkdirSync(join(directory, 'odd.jsonl'));
    expect((await scan()).problems[0]).toContain('odd.jsonl cannot be read');
  });
});
