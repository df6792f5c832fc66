import { describe, expect, it } from 'vitest';
import { type Alert, alertId, type Severity } from '../../src/alert/alert.ts';
import { newSilence } from '../../src/alert/silence.ts';
import { oncallLines } from '../../src/commands/oncall-text.ts';
import type { Oncall } from '../../src/oncall/find.ts';
import { problemsOf, severityOf } from '../../src/oncall/problems.ts';
import { cells } from '../../src/terminal/cells.ts';

const NOW = new Date('2026-01-02T03:04:05Z');

function alert(fault: string, run: string, over: Partial<Alert> = {}): Alert {
  return {
    id: alertId(fault, run),
    fault,
    severity: 'warning',
    summary: `${fault} hit ${run}`,
    runs: [run],
    nodes: [],
    since: '2026-01-02T03:00:00.000Z',
    evidence: [],
    command: `opsctl runbook run ${run}`,
    ...over,
  };
}

function silence(fault: string | null, run: string | null) {
  const expiresAt = '2026-01-03T00:00:00Z';
  return newSilence({
    fault,
    run,
    node: null,
    reason: 'known',
    by: 'me',
    createdAt: NOW.toISOString(),
    expiresAt,
  });
}

describe('what is wrong now', () => {
  it('is one problem for a cause, however many runs it has', () => {
    const [problem, ...others] = problemsOf(
      [
        alert('disk-full', 'a'),
        alert('disk-full', 'b', { severity: 'critical', since: '2026-01-02T02:00:00.000Z' }),
      ],
      [],
      NOW,
    );
    expect(others).toEqual([]);
    expect(problem).toMatchObject({
      severity: 'critical',
      summary: 'disk-full hit b',
      runs: ['b', 'a'],
      since: '2026-01-02T02:00:00.000Z',
      command: 'opsctl runbook run b',
    });
  });

  it('has the worst first, then what most runs suffer from, then the oldest', () => {
    const order = problemsOf(
      [
        alert('one', 'a'),
        alert('old', 'a', { since: '2026-01-01T00:00:00.000Z' }),
        alert('many', 'a'),
        alert('many', 'b'),
        alert('mild', 'a', { severity: 'info', since: '2025-01-01T00:00:00.000Z' }),
        alert('worst', 'a', { severity: 'critical' }),
      ],
      [],
      NOW,
    ).map(({ fault }) => fault);
    expect(order).toEqual(['worst', 'many', 'old', 'one', 'mild']);
  });

  it('shows what is silenced last and does not count it, unless part of it is not silenced', () => {
    const alerts = [alert('disk-full', 'a', { severity: 'critical' }), alert('slow', 'b')];
    const silenced = problemsOf(alerts, [silence('disk-full', null)], NOW);
    expect(silenced.map(({ fault, silenced: is }) => [fault, is])).toEqual([
      ['slow', false],
      ['disk-full', true],
    ]);
    expect(severityOf(silenced)).toBe('warning');
    const spread = problemsOf([...alerts, alert('disk-full', 'c')], [silence(null, 'a')], NOW);
    expect(severityOf(spread)).toBe('critical');
    expect(severityOf([])).toBeNull();
  });
});

const PLAIN = { style: (_style: string, text: string) => text, width: 60 };

function shown(
  alerts: readonly Alert[],
  over: Partial<Oncall> = {},
  language: 'en' | 'zh-CN' = 'en',
): string[] {
  const found: Oncall = {
    at: NOW,
    problems: problemsOf(alerts, [], NOW),
    running: 3,
    waiting: 1,
    blind: [],
    notes: [],
    ...over,
  };
  return oncallLines(found, { language, books: new Set(['disk-full']), terminal: PLAIN });
}

describe('what a person reads at night', () => {
  it('is one line when nothing is wrong', () => {
    expect(shown([])).toEqual(['Nothing is wrong: 3 running, 1 waiting.']);
    expect(shown([], {}, 'zh-CN')).toEqual(['一切正常：运行中 3 个，排队 1 个。']);
  });

  it('never says that nothing is wrong when it could not look', () => {
    expect(shown([], { blind: ['sinfo did not answer within 8 s'] })).toEqual([
      'not looked at: sinfo did not answer within 8 s',
    ]);
  });

  it('ends each problem with the command, whole, and the runbook where there is one', () => {
    const run = `sft-${'long-name-'.repeat(8)}1`;
    const lines = shown([alert('disk-full', run, { severity: 'critical' }), alert('odd', 'b')]);
    expect(lines.find((line) => line.startsWith('CRITICAL  disk-full  since '))).toMatch(/\(4 min ago\)$/);
    expect(lines).toContain(`  opsctl runbook run ${run}`);
    expect(lines).toContain('  opsctl runbook show disk-full');
    expect(lines.join('\n')).not.toContain('runbook show odd');
  });

  it('fits a narrow terminal, but for commands, which are copied', () => {
    const evidence = [
      {
        file: `/data/${'x/'.repeat(60)}a.log`,
        line: 7,
        text: 'OSError: [Errno 28] 磁盘空间已用完 '.repeat(9),
      },
    ];
    const lines = shown([
      alert('disk-full', 'a'.repeat(150), { evidence, command: null, nodes: ['n1', 'n2', 'n3', 'n4', 'n5'] }),
    ]);
    expect(lines.filter((line) => cells(line) > 60)).toEqual([]);
    expect(lines).toContain('  nodes: n1, n2, n3 and 2 more');
  });

  it.each<Severity>(['critical', 'warning', 'info'])('shows nothing raw of a log: %s', (severity) => {
    const text = '\u001b]0;title\u0007\u001b[2J\u001b[31mred\u0007\r\nCC: x@y\u202e';
    const lines = shown([
      alert('disk-full', `a\u001b[2J`, {
        severity,
        summary: text,
        evidence: [{ file: text, line: 1, text }],
        command: text,
      }),
    ]).join('\n');
    expect(lines).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
    expect(lines).toContain('red CC: x@y');
  });
});
