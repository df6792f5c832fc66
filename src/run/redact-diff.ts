import { isReference, namesSecret, REMOVED, redact } from '../system/secrets.ts';

/** In these a value without quotes is an expression, and `next_token = logits.argmax()` is what the reader is after. */
const PROGRAM = /\.(?:py|pyx|ipynb|[cm]?[jt]sx?|c|cc|cpp|cu|cuh|h|hpp|go|rs|java|jl|lua)"?$/;
/** A line without one of these has no name of a key in it. */
const SUSPECT = /key|token|secret|pass|credential|wandb/i;

const NAME = '(?<name>(?<![\\w.-])-{0,2}[A-Za-z_][\\w.-]{0,80})';
const QUOTED = '[bfru]{0,2}(?<quote>\\\\?["\'])(?<text>(?:(?!\\k<quote>)(?:\\\\.|.)){1,2000})\\k<quote>';
/** `x = "…"`, `"x": "…"`, `env["x"] = "…"`, `x: str = "…"`, `x == "…"`, `setdefault("X", "…")`. */
const BETWEEN = '(?:\\\\?["\'])?\\]?\\s{0,20}(?:[!=:]?=|:(?:[\\w.[\\]| ]{1,60}=)?|(?<=["\']),)\\s{0,20}';
const QUOTED_VALUE = new RegExp(`(?<before>${NAME}${BETWEEN})${QUOTED}`, 'g');
/** `x=…` is one word, `x: …` and `x = …` are the rest of the line; `--x …`, `ENV X …` and netrc's `password …` one word. */
const BARE_VALUE = new RegExp(
  `(?<before>${NAME}(?:=|(?<=--[\\w.-]{1,80}|(?:ENV|setenv|define|login \\S{1,80}) +\\w{1,80})\\s{1,20}))(?<text>(?!-)[^\\s"',;&|)]+)`,
  'g',
);
const BARE_REST = new RegExp(`(?<before>${NAME}["']?\\s{0,20}[:=]\\s{1,20})(?<text>[^\\s"'][^"'#]*)`, 'g');
/** wandb's keys have the form of a git commit, which nobody wants to lose: only where the line speaks of them. */
const HEX = /(?<![0-9a-f])[0-9a-f]{40}(?![0-9a-f])/g;

/**
 * What `git diff` printed, without the keys that somebody has written into code, scripts or configuration. Line by line;
 * what a value refers to (`$HF_TOKEN`, `os.environ[…]`) stays.
 */
export function redactDiff(diff: string): string {
  let isProgram = false;
  const lines = diff.split('\n').map((line) => {
    // No line of a file begins so: its own begin with a blank, a plus or a minus.
    if (line.startsWith('diff --git ')) isProgram = PROGRAM.test(line);
    if (line.startsWith('@@') || !SUSPECT.test(line)) return line;
    return line.slice(0, 1) + withoutKeys(line.slice(1), isProgram);
  });
  return redact(lines.join('\n'));
}

function withoutKeys(line: string, isProgram: boolean): string {
  const shapes = isProgram ? [QUOTED_VALUE] : [QUOTED_VALUE, BARE_VALUE, BARE_REST];
  const named = shapes.reduce((text, shape) => text.replace(shape, replaced), line);
  return /wandb|key/i.test(line) ? named.replace(HEX, REMOVED) : named;
}

function replaced(all: string, ...found: unknown[]): string {
  const {
    before = '',
    name = '',
    quote = '',
    text = '',
  } = found.at(-1) as Record<string, string | undefined>;
  return namesSecret(name) && !isReference(text.trim().replace(/,$/, ''))
    ? `${before}${quote}${REMOVED}${quote}`
    : all;
}
