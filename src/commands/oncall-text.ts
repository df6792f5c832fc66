import type { Severity } from '../alert/alert.ts';
import type { Oncall } from '../oncall/find.ts';
import type { Problem } from '../oncall/problems.ts';
import type { Language } from '../runbook/show.ts';
import { formatSpan } from '../terminal/span.ts';
import { printable, type Terminal } from '../terminal/terminal.ts';
import { wrap } from '../terminal/wrap.ts';

/** A person looks at the worst first; the rest is there with --json. */
const NAMES_SHOWN = 3;
const EVIDENCE_SHOWN = 2;
const COLOUR = { critical: 'red', warning: 'yellow', info: 'cyan' } as const;

interface Words {
  readonly severity: Readonly<Record<Severity, string>>;
  readonly quiet: (running: number, waiting: number) => string;
  readonly head: (problems: number, running: number, waiting: number) => string;
  readonly since: (clock: string, ago: string) => string;
  readonly runs: string;
  readonly nodes: string;
  readonly more: (count: number) => string;
  readonly silenced: string;
  readonly blind: string;
}

const WORDS: Readonly<Record<Language, Words>> = {
  en: {
    severity: { info: 'INFO', warning: 'WARNING', critical: 'CRITICAL' },
    quiet: (running, waiting) => `Nothing is wrong: ${running} running, ${waiting} waiting.`,
    head: (problems, running, waiting) =>
      `${problems} ${problems === 1 ? 'problem' : 'problems'}; ${running} running, ${waiting} waiting`,
    since: (clock, ago) => `since ${clock} (${ago} ago)`,
    runs: 'runs',
    nodes: 'nodes',
    more: (count) => `and ${count} more`,
    silenced: 'silenced',
    blind: 'not looked at',
  },
  'zh-CN': {
    severity: { info: '提示', warning: '警告', critical: '严重' },
    quiet: (running, waiting) => `一切正常：运行中 ${running} 个，排队 ${waiting} 个。`,
    head: (problems, running, waiting) => `${problems} 个问题；运行中 ${running} 个，排队 ${waiting} 个`,
    since: (clock, ago) => `开始于 ${clock}（${ago} 前）`,
    runs: '任务',
    nodes: '节点',
    more: (count) => `等，另有 ${count} 个`,
    silenced: '已静默',
    blind: '未能检查',
  },
};

/** How it is said. */
export interface Manner {
  readonly language: Language;
  /** Faults that have a runbook. */
  readonly books: ReadonlySet<string>;
  readonly terminal: Pick<Terminal, 'style' | 'width'>;
}

/** One line when nothing is wrong; else each problem with its evidence and the next command, which is never broken. */
export function oncallLines(found: Oncall, manner: Manner): string[] {
  const { problems, running, waiting, blind, notes } = found;
  const words = WORDS[manner.language];
  const { style, width } = manner.terminal;
  const doubts = [...blind.map((why) => `${words.blind}: ${why}`), ...notes].flatMap((line) =>
    wrap(printable(line), width, '  '),
  );
  if (problems.length === 0) {
    const quiet = words.quiet(running, waiting);
    return blind.length === 0 ? [style('green', quiet), ...doubts] : doubts;
  }
  return [
    style('bold', words.head(problems.length, running, waiting)),
    ...problems.flatMap((problem) => ['', ...problemLines(problem, found.at, manner)]),
    ...(doubts.length === 0 ? [] : ['', ...doubts]),
  ];
}

function problemLines(problem: Problem, now: Date, { language, books, terminal }: Manner): string[] {
  const { fault, severity, summary, runs, nodes, since, command, silenced, alerts } = problem;
  const words = WORDS[language];
  const { style, width } = terminal;
  const state = silenced ? `${words.severity[severity]}, ${words.silenced}` : words.severity[severity];
  const begun = words.since(clockOf(since), formatSpan((now.getTime() - Date.parse(since)) / 1000));
  const details = [
    ...(runs.length === 0 ? [] : [`${words.runs}: ${listed(runs, words)}`]),
    ...(nodes.length === 0 ? [] : [`${words.nodes}: ${listed(nodes, words)}`]),
    ...(alerts[0]?.evidence ?? [])
      .slice(0, EVIDENCE_SHOWN)
      .map(({ file, line, text }) => `> ${file === null ? '' : `${file}:${line ?? ''}: `}${text}`),
  ];
  const [head = '', ...rest] = wrap(printable(`${state}  ${fault}  ${begun}`), width, '  ');
  return [
    style(silenced ? 'dim' : COLOUR[severity], head),
    ...rest,
    ...[summary, ...details].flatMap((line) => wrap(`  ${printable(line)}`, width, '    ')),
    ...(command === null ? [] : [style('bold', `  ${printable(command)}`)]),
    ...(!books.has(fault)
      ? []
      : [`  opsctl runbook show ${fault}${language === 'en' ? '' : ` --lang ${language}`}`]),
  ];
}

function listed(names: readonly string[], words: Words): string {
  const rest = names.length - NAMES_SHOWN;
  const shown = names.slice(0, rest <= 1 ? names.length : NAMES_SHOWN).join(', ');
  return rest <= 1 ? shown : `${shown} ${words.more(rest)}`;
}

/** In the time zone of whoever reads it. */
function clockOf(iso: string): string {
  const date = new Date(iso);
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(date.getMonth() + 1)}-${two(date.getDate())} ${two(date.getHours())}:${two(date.getMinutes())}`;
}
