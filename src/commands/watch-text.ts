import { oneLine } from '../alert/plain.ts';
import { EXIT, type ExitCode } from '../errors.ts';
import { commandLine } from '../remedy/typed.ts';
import type { Terminal } from '../terminal/terminal.ts';
import type { ShownAlert, Tick } from '../watch/tick.ts';

const COLOUR: Readonly<Record<string, 'red' | 'yellow' | 'cyan'>> = {
  critical: 'red',
  warning: 'yellow',
  info: 'cyan',
};

/** More than any command has that is to be typed. */
const MOST_CHARACTERS = 2000;

/** Alerts that were shown, by id with their severity. */
export type Shown = ReadonlyMap<string, string>;

/**
 * One look for a person: what is wrong, worst first, and what was done; quiet when nothing is. Of what an earlier look
 * has shown only the change is: worse, milder, over.
 * @returns what is shown now, for the next look.
 */
export function showTick(terminal: Terminal, result: Tick, before: Shown = new Map()): Shown {
  const { at, blind, runs, alerts, actions, told, notes } = result;
  const firing = alerts.filter(({ state }) => state === 'firing');
  const lives = runs.filter(({ job }) => job !== undefined).length;
  const clock = at.slice(11, 19);
  for (const note of notes) terminal.warn(shownLine(note));
  if (blind) terminal.warn(`${clock} Slurm did not answer: nothing is concluded and nothing is done`);
  else if (firing.length === 0) terminal.note(`${clock} ${lives} ${lives === 1 ? 'run' : 'runs'}, all well`);
  for (const alert of worstFirst(firing))
    if (before.get(alert.id) !== alert.severity) showAlert(terminal, clock, alert);
  for (const { runId, steps, held } of actions) {
    for (const { action, command, result: outcome, said } of steps) {
      // What is only proposed is for a person to type.
      const words = said === '' && outcome === 'proposed' ? commandLine(command) : said;
      terminal.out(
        shownLine(`${clock} ${outcome}: ${action} of ${runId}${words === '' ? '' : `: ${words}`}`),
      );
    }
    if (held !== null) terminal.out(shownLine(`${clock} nothing more for ${runId}: ${held}`));
  }
  for (const { receiver, status, detail } of told.deliveries)
    if (status === 'dropped') terminal.warn(shownLine(`not sent to ${receiver}, and given up: ${detail}`));
  const now = new Map(firing.map(({ id, severity }) => [id, severity]));
  for (const id of before.keys()) if (!now.has(id)) terminal.out(shownLine(`${clock} over: ${id}`));
  return now;
}

function showAlert(
  terminal: Terminal,
  clock: string,
  { severity, fault, summary, runs, command }: ShownAlert,
): void {
  const whose =
    runs.length === 0
      ? ''
      : ` [${runs.slice(0, 3).join(', ')}${runs.length > 3 ? `, ${runs.length - 3} more` : ''}]`;
  const colour = COLOUR[severity] ?? 'yellow';
  terminal.out(`${clock} ${terminal.style(colour, severity)} ${shownLine(`${fault}${whose}: ${summary}`)}`);
  if (command !== null) terminal.out(`         ${shownLine(command)}`);
}

/** What Slurm, a node or a mail server has said is one line: a second one could pass for a line of the watcher's own. */
function shownLine(text: string): string {
  return oneLine(text, MOST_CHARACTERS);
}

const ORDER = ['critical', 'warning', 'info'];

function worstFirst(alerts: readonly ShownAlert[]): ShownAlert[] {
  return [...alerts].sort((one, other) => ORDER.indexOf(one.severity) - ORDER.indexOf(other.severity));
}

export function exitCodeOf({ blind, alerts }: Tick): ExitCode {
  if (blind) return EXIT.tryAgain;
  const firing = alerts.filter(({ state }) => state === 'firing').map(({ severity }) => severity);
  if (firing.includes('critical')) return EXIT.critical;
  return firing.includes('warning') ? EXIT.failed : EXIT.ok;
}
