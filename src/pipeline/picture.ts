import { formatDuration } from '../slurm/duration.ts';
import { cells } from '../terminal/cells.ts';
import { printable, type Terminal } from '../terminal/terminal.ts';
import type { StageOutcome, StageState } from './states.ts';

/** What lines are drawn with: by characters of Unicode, or by those that every terminal has. */
interface Strokes {
  readonly down: string;
  readonly fork: string;
  readonly last: string;
  readonly gap: string;
}

const UNICODE: Strokes = { down: '│', fork: '├─', last: '└─', gap: '  ' };
const ASCII: Strokes = { down: '|', fork: '|-', last: '`-', gap: '  ' };

const MARKS: Readonly<Record<StageOutcome, readonly [string, string]>> = {
  planned: ['○', 'o'],
  active: ['◐', '>'],
  ok: ['●', '*'],
  failed: ['✗', 'x'],
  never: ['✗', 'x'],
  skipped: ['-', '-'],
  unknown: ['?', '?'],
};
const COLOURS = {
  planned: 'dim',
  active: 'cyan',
  ok: 'green',
  failed: 'red',
  never: 'yellow',
  skipped: 'dim',
  unknown: 'yellow',
} as const;

const WHEN = { ok: '', notok: 'if that fails', any: 'however that ends' } as const;

export interface PictureOptions {
  readonly width: number;
  readonly unicode: boolean;
  readonly style: Terminal['style'];
}

/** POSIX: the first of these that is set says which characters the terminal has. */
export function hasUnicode(env: Readonly<Record<string, string | undefined>>): boolean {
  return /utf-?8/i.test(env.LC_ALL || env.LC_CTYPE || env.LANG || '');
}

/**
 * The stages as a tree, each under the first of those that it waits for. A chain goes straight down, so that ten stages
 * are no wider than one; where several wait for the same stage the tree forks. What does not fit is left out from the right.
 */
export function picture(
  states: readonly Pick<
    StageState,
    'stage' | 'after' | 'when' | 'state' | 'outcome' | 'jobId' | 'reason' | 'elapsedSeconds'
  >[],
  options: PictureOptions,
): string[] {
  const strokes = options.unicode ? UNICODE : ASCII;
  const children = (name: string) => states.filter(({ after }) => after[0] === name);
  const rows: { lead: string; state: (typeof states)[number] | undefined }[] = [];
  const draw = (state: (typeof states)[number], lead: string, rest: string): void => {
    rows.push({ lead, state });
    const next = children(state.stage);
    const [only] = next;
    if (next.length === 1 && only !== undefined) {
      rows.push({ lead: rest + strokes.down, state: undefined });
      draw(only, rest, rest);
      return;
    }
    for (const [index, child] of next.entries()) {
      const isLast = index === next.length - 1;
      draw(
        child,
        rest + (isLast ? strokes.last : strokes.fork),
        rest + (isLast ? strokes.gap : `${strokes.down} `),
      );
    }
  };
  for (const root of states.filter(({ after }) => after.length === 0)) draw(root, '', '');
  const nameWidth = Math.max(
    ...rows.map(({ lead, state }) => cells(lead) + (state ? cells(state.stage) : 0)),
  );
  return rows.map(({ lead, state }) => (state === undefined ? lead : line(lead, state, nameWidth, options)));
}

function line(
  lead: string,
  state: Parameters<typeof picture>[0][number],
  nameWidth: number,
  { width, unicode, style }: PictureOptions,
): string {
  const mark = MARKS[state.outcome][unicode ? 0 : 1];
  const name = printable(state.stage).padEnd(nameWidth - cells(lead));
  const others = state.after.slice(1);
  const extra = [
    state.jobId === null ? '' : `job ${state.jobId}`,
    state.elapsedSeconds ? formatDuration(state.elapsedSeconds) : '',
    WHEN[state.when],
    others.length === 0 ? '' : `and after ${others.join(', ')}`,
    state.reason === null ? '' : `(${state.reason})`,
  ].filter((word) => word !== '');
  let text = `${lead}${style(COLOURS[state.outcome], mark)} ${name}  ${style(COLOURS[state.outcome], state.state)}`;
  for (const word of extra) {
    const more = `${text}  ${printable(word)}`;
    if (cells(more) > width) break;
    text = more;
  }
  return text;
}
