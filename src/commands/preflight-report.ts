import { EXIT, type ExitCode } from '../errors.ts';
import { type Status, type Verdict, worst } from '../health/verdict.ts';
import { compressHostlist } from '../slurm/hostlist.ts';
import { printable } from '../terminal/terminal.ts';
import { type Context, printJson } from './command.ts';

const CODE: Readonly<Record<Status, ExitCode>> = {
  ok: EXIT.ok,
  warning: EXIT.failed,
  critical: EXIT.critical,
  unknown: EXIT.unknown,
};
const STYLE = { ok: 'green', warning: 'yellow', unknown: 'yellow', critical: 'red' } as const;
const NAGIOS: Readonly<Record<Status, string>> = {
  ok: 'OK',
  warning: 'WARNING',
  critical: 'CRITICAL',
  unknown: 'UNKNOWN',
};

/** Shows verdicts in the form that was asked for, and gives the exit code of the worst. */
export function report(
  verdicts: readonly Verdict[],
  nagios: boolean,
  { terminal, options }: Context,
): ExitCode {
  const status = worst(verdicts.map((verdict) => verdict.status));
  if (options.json) printJson(terminal, { status, verdicts });
  else if (nagios) terminal.out(nagiosLine(status, verdicts));
  else for (const line of lines(verdicts, terminal)) terminal.out(line);
  return CODE[status];
}

/**
 * One line, with performance data behind the only `|`: how many verdicts of each kind, and the slowest probe in seconds. Nagios
 * keeps 1 KiB of it by old habit, so what is worst comes first and the data is short.
 * https://nagios-plugins.org/doc/guidelines.html
 */
export function nagiosLine(status: Status, verdicts: readonly Verdict[]): string {
  const bad = alike(verdicts);
  const said = bad.map(([{ check, message }, nodes]) => `${nodes} ${check}: ${message}`).join('; ');
  const text = bad.length === 0 ? `${verdicts.length} checks are ok` : said;
  const counts = (Object.keys(NAGIOS) as Status[]).map(
    (kind) => `${kind}=${verdicts.filter((verdict) => verdict.status === kind).length};;;0`,
  );
  const slowest = Math.max(0, ...verdicts.map(({ seconds }) => seconds));
  const data = [...counts, `slowest=${slowest.toFixed(3)}s;;;0`].join(' ');
  return `${nagiosHead(status, text)} | ${data}`;
}

/** What stands before the performance data: no line break and no bar, either of which would begin another part. */
export function nagiosHead(status: Status, text: string): string {
  const line = printable(text.replace(/\s+/g, ' ')).replaceAll('|', '/');
  return `PREFLIGHT ${NAGIOS[status]} - ${line}`;
}

/** Worst first; nodes of which the same is said stand together, and what is ok is counted. */
function lines(verdicts: readonly Verdict[], terminal: Context['terminal']): string[] {
  const shown = alike(verdicts).flatMap(([first, where]) => {
    const head = `${terminal.style(STYLE[first.status], first.status.padEnd(8))}  ${where}  ${first.check}: ${printable(first.message)}`;
    return first.fix === null ? [head] : [head, `          ${terminal.style('dim', printable(first.fix))}`];
  });
  const good = verdicts.filter(({ status }) => status === 'ok');
  const checks = new Set(good.map(({ check }) => check)).size;
  const nodes = compressHostlist(new Set(good.map(({ node }) => node)));
  const ok = `${terminal.style(STYLE.ok, 'ok'.padEnd(8))}  ${good.length} answers to ${checks} questions on ${nodes}`;
  return good.length === 0 ? shown : [...shown, ok];
}

/** What is not ok, each verdict once with all the nodes that show it, in the order in which they stand. */
function alike(verdicts: readonly Verdict[]): [first: Verdict, nodes: string][] {
  const groups = new Map<string, [Verdict, ...Verdict[]]>();
  for (const verdict of verdicts.filter(({ status }) => status !== 'ok')) {
    const key = [verdict.status, verdict.check, verdict.message].join('\0');
    const known = groups.get(key);
    if (known) known.push(verdict);
    else groups.set(key, [verdict]);
  }
  return [...groups.values()].map((group) => [
    group[0],
    compressHostlist(new Set(group.map(({ node }) => node))),
  ]);
}
