import { expect, it } from 'vitest';
import { showTick } from '../../src/commands/watch-text.ts';
import type { Terminal } from '../../src/terminal/terminal.ts';
import type { Tick } from '../../src/watch/tick.ts';
import { NOW } from '../watch/support.ts';

it('shows of a step that is only proposed the command to type, and of one that was done what became of it', () => {
  const lines: string[] = [];
  const out = (line: string) => void lines.push(line);
  const terminal: Terminal = { out, note: out, warn: out, style: (_, text) => text, width: 80 };
  const command = ['opsctl', 'runbook', 'run', 'sft-tiny', '--only', 'resubmit', '--set', 'time=1-00:00:00'];
  const steps = [
    { action: 'resubmit', command, result: 'proposed', said: '' },
    { action: 'resubmit', command, result: 'done', said: 'job 14, with time=1-00:00:00' },
  ];
  const tick: Tick = {
    tick: 1,
    at: NOW.toISOString(),
    blind: false,
    runs: [],
    alerts: [],
    actions: [{ runId: 'sft-tiny', fault: 'time-limit', level: 1, steps, held: null, waits: false }],
    slurmCalls: 2,
    told: { deliveries: [] } as unknown as Tick['told'],
    notes: [],
  };
  showTick(terminal, tick);
  const told = lines.filter((line) => line.includes('resubmit of'));
  expect(told.map((line) => line.slice(9))).toEqual([
    `proposed: resubmit of sft-tiny: ${command.join(' ')}`,
    'done: resubmit of sft-tiny: job 14, with time=1-00:00:00',
  ]);
});
