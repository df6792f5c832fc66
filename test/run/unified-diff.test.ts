import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { tokenTotals } from '../../src/run/token-totals.ts';
import { unifiedDiff } from '../../src/run/unified-diff.ts';

describe('unifiedDiff', () => {
  it('shows three lines around a change', () => {
    expect(unifiedDiff('1\n2\n3\n4\n5\n6\n7\n8\n9\n', '1\n2\n3\n4\nfive\n6\n7\n8\n9\n')).toEqual([
      '@@ -2,7 +2,7 @@',
      ' 2',
      ' 3',
      ' 4',
      '-5',
      '+five',
      ' 6',
      ' 7',
      ' 8',
    ]);
  });

  it('is empty for what is the same', () => {
    expect(unifiedDiff('a\nb\n', 'a\nb\n')).toEqual([]);
  });

  it('turns the one text into the other by patch(1), whatever they are', () => {
    const root = mkdtempSync(join(realpathSync(tmpdir()), 'opsctl-diff-'));
    onTestFinished(() => rmSync(root, { recursive: true, force: true }));
    const text = fc
      .array(fc.constantFrom('a', 'b', 'c', 'd'), { minLength: 1, maxLength: 25 })
      .map((lines) => `${lines.join('\n')}\n`);
    fc.assert(
      fc.property(text, text, (before, after) => {
        // Without the empty line behind the last line end, which patch(1) does not count as one.
        const lines = unifiedDiff(before.trimEnd(), after.trimEnd());
        expect(lines.length === 0).toBe(before === after);
        if (before === after) return;
        writeFileSync(join(root, 'f'), before);
        const input = `--- f\n+++ f\n${lines.join('\n')}\n`;
        const patched = spawnSync('git', ['apply', '--unidiff-zero', '-p0', '-'], {
          cwd: root,
          input,
          encoding: 'utf8',
        });
        expect(patched.stderr).toBe('');
        expect(readFileSync(join(root, 'f'), 'utf8')).toBe(after);
      }),
      { numRuns: 40 },
    );
  });
});

describe('tokenTotals', () => {
  it('reads what the trainers print at their start', () => {
    const log =
      '0: [default0]:Total tokens for sft: 51166867\n0: [default0]:Total response tokens for sft: 9873\n';
    expect(tokenTotals(log)).toEqual({
      'Total tokens for sft': 51166867,
      'Total response tokens for sft': 9873,
    });
    expect(tokenTotals('nothing')).toBeUndefined();
  });
});
