import { expect, it } from 'vitest';
import { tidy } from '../../src/alert/plain.ts';
import { oncallLines } from '../../src/commands/oncall-text.ts';
import { showTick } from '../../src/commands/watch-text.ts';
import { problemsOf } from '../../src/oncall/problems.ts';
import { printable, type Terminal } from '../../src/terminal/terminal.ts';
import type { Tick } from '../../src/watch/tick.ts';
import { troubleOf } from '../../src/watch/trouble.ts';
import { job } from '../run/known.ts';
import { memoryOf, NOW } from '../watch/support.ts';

/** What a log, a node's reason or a job's name may hold: codes of a terminal, new lines, a mail's header, text turned round. */
const HOSTILE = 'a\u001b[2J\u001b]0;owned\u0007b\r\nBcc: eve@example.org\u202etxt\u009b31m\u0000';
/** A line of a terminal holds none of these. */
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

const cause = {
  fault: 'nccl-timeout',
  confidence: 0.9,
  summary: HOSTILE,
  why: [],
  remedies: [],
  evidence: [{ file: HOSTILE, line: 1, text: HOSTILE, rank: null, node: HOSTILE, role: 'root' as const }],
};
const { alert } = troubleOf(
  {
    runId: 'sft-tiny',
    memory: memoryOf(),
    job: job({ name: HOSTILE }),
    attempt: '12@1',
    isRequeued: false,
    diagnosis: { status: 'diagnosed', causes: [cause] },
  },
  NOW,
);

function recorder(): { terminal: Terminal; lines: string[] } {
  const lines: string[] = [];
  const write = (line: string) => void lines.push(line);
  return { lines, terminal: { out: write, note: write, warn: write, style: (_, text) => text, width: 80 } };
}

it('what a log says reaches nobody’s terminal raw through oncall', () => {
  const found = {
    at: NOW,
    problems: problemsOf([{ ...alert, command: `opsctl diagnose ${HOSTILE}` }], [], NOW),
    running: 0,
    waiting: 0,
    blind: [HOSTILE],
    notes: [HOSTILE],
  };
  const manner = { language: 'en' as const, books: new Set<string>(), terminal: recorder().terminal };
  const lines = oncallLines(found, manner);
  expect(lines.join('\n')).toContain('Bcc: eve@example.org');
  expect(lines.flatMap((line) => line.split('\n')).filter((line) => UNSEEN.test(line))).toEqual([]);
  expect(lines.filter((line) => line.trimStart().startsWith('Bcc'))).toEqual([]);
});

it('what a log, a node or Slurm says reaches nobody’s terminal raw through watch', () => {
  const { terminal, lines } = recorder();
  const steps = [{ action: 'requeue', command: [HOSTILE], result: 'done', said: HOSTILE }];
  const tick: Tick = {
    tick: 1,
    at: NOW.toISOString(),
    blind: false,
    runs: [],
    alerts: [{ ...tidy(alert), state: 'firing' }],
    actions: [{ runId: HOSTILE, fault: 'x', level: 2, steps, held: HOSTILE, waits: false }],
    slurmCalls: 2,
    told: {
      deliveries: [{ id: 'x', receiver: 'mail', address: null, status: 'dropped', detail: HOSTILE }],
    } as unknown as Tick['told'],
    notes: [HOSTILE],
  };
  showTick(terminal, tick);
  expect(lines.length).toBeGreaterThanOrEqual(5);
  expect(lines.filter((line) => UNSEEN.test(line))).toEqual([]);
});

it.each([
  ['\u202egnp.exe', '?gnp.exe'],
  ['a\u2066b\u2069', 'a?b?'],
  ['e\u0301 中文', 'e\u0301 中文'],
])('text that is turned round shows that it was: %j is %j', (text, shown) =>
  expect(printable(text)).toBe(shown),
);
