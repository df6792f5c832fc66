import { fstatSync, statSync } from 'node:fs';
import { devNull } from 'node:os';
import { styleText } from 'node:util';
import { write } from './output.ts';

type Style = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** Where a command speaks: results to standard output, progress and warnings to standard error. */
export interface Terminal {
  /** A line of the result. */
  readonly out: (line: string) => void;
  /** A line about the work: silent with --quiet. */
  readonly note: (line: string) => void;
  /** A line that must be seen: a warning or an error. */
  readonly warn: (line: string) => void;
  readonly style: (style: Style, text: string) => string;
  /** Columns of standard output; 80 where there is no terminal. */
  readonly width: number;
}

const DEFAULT_WIDTH = 80;

export function processTerminal(): Terminal {
  const isTerminal = mayBeTerminal(1) && process.stdout.isTTY;
  const colour = wantsColour(process.env, isTerminal);
  return {
    out: (line) => write(1, `${line}\n`),
    note: (line) => write(2, `${line}\n`),
    warn: (line) => write(2, `${line}\n`),
    style: (style, text) => (colour ? styleText(style, text) : text),
    width: isTerminal ? process.stdout.columns : DEFAULT_WIDTH,
  };
}

/**
 * A terminal is a character device, and not the one that swallows everything. Asked first, because Node loads streams and
 * sockets only to tell whether it is one.
 */
function mayBeTerminal(descriptor: number): boolean {
  try {
    const found = fstatSync(descriptor);
    return found.isCharacterDevice() && found.rdev !== statSync(devNull).rdev;
  } catch {
    return false;
  }
}

/** The terminal with notes silenced, as --quiet asks. */
export function quiet(terminal: Terminal): Terminal {
  return { ...terminal, note: () => undefined };
}

/** https://no-color.org: any non-empty NO_COLOR wins; FORCE_COLOR helps pagers and CI. */
export function wantsColour(env: Readonly<Record<string, string | undefined>>, isTerminal: boolean): boolean {
  if (env.NO_COLOR) return false;
  if (env.FORCE_COLOR && env.FORCE_COLOR !== '0') return true;
  return isTerminal && env.TERM !== 'dumb';
}

/**
 * Text from a log, a name or another program, made safe to show: no control or escape codes reach the terminal, and
 * none that turn the direction of what stands behind them.
 */
export function printable(text: string): string {
  return text
    .replace(/\u001b\[[0-9;?]*[ -/]*[@-~]/g, '')
    .replace(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, '?');
}
