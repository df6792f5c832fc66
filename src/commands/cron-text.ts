import type { Installation, Installed } from '../cron/install.ts';
import type { State, Status } from '../cron/status.ts';
import { formatSpan } from '../terminal/span.ts';
import { printable, type Terminal } from '../terminal/terminal.ts';

/** What would be written, whole. */
export function planLines({ scheduler, script, lines, skipped }: Installation): string[] {
  return [
    ...skipped.map((each) => `not from ${each.scheduler}: ${each.why}`),
    `${script.path}:`,
    ...script.text.trimEnd().split('\n').map(indented),
    `${scheduler}:`,
    ...lines.map(indented),
  ].map(printable);
}

export function installedLines(
  { scheduler, rhythm, script, lines, skipped }: Installation,
  { changed, movedFrom, notes }: Installed,
): string[] {
  const often = rhythm.every === 1 ? 'every minute' : `every ${rhythm.every} minutes`;
  return [
    ...skipped.map((each) => `not from ${each.scheduler}: ${each.why}`),
    `The watcher looks ${often}, from ${scheduler}${changed ? '' : ' (it did already)'}:`,
    ...lines.map(indented),
    `That starts ${script.path}.`,
    ...movedFrom.map((other) => `It is not started from ${other} any more.`),
    ...notes,
  ].map(printable);
}

const SAID: Readonly<Record<State, string>> = {
  looking: 'The watcher looks.',
  waiting: 'The watcher is installed; its first look is due soon.',
  late: 'The watcher is installed and does not look.',
  disabled: 'The watcher is installed and switched off: its job was cancelled, or its timer stopped.',
  missing: 'The watcher is not installed here, and nothing looks.',
  elsewhere: 'The watcher is not installed on this machine; it looks from another one, or by hand.',
  unknown: 'Whether the watcher is installed cannot be told.',
};

const NEXT: Readonly<Partial<Record<State, string>>> = {
  late: 'Is cron running here ("systemctl status cron" or "crond")? What it said last:',
  disabled: 'To switch it on again: opsctl cron install',
  missing: 'To install it: opsctl cron install',
};

export function statusLines(status: Status, style: Terminal['style']): string[] {
  const { state, scheduler, line, lastLook, installedAt, installedOn, every, log, unreadable } = status;
  const colour = { looking: 'green', waiting: 'green', elsewhere: 'green', unknown: 'yellow' } as const;
  const next = NEXT[state];
  return [
    style(state in colour ? colour[state as keyof typeof colour] : 'red', SAID[state]),
    ...(lastLook === null
      ? ['  last look: none that is known']
      : [`  last look: ${formatSpan(lastLook.secondsAgo)} ago, at ${lastLook.at}`]),
    ...(line === null ? [] : [`  ${scheduler}: ${line}`]),
    ...(installedAt === null ? [] : [`  installed: ${installedAt} on ${installedOn}, every ${every} min`]),
    ...unreadable.map((why) => `  ${why}`),
    ...(next === undefined ? [] : [next]),
    ...(state === 'late' ? [`  tail ${log}`] : []),
  ].map((text, index) => (index === 0 ? text : printable(text)));
}

function indented(line: string): string {
  return line === '' ? '' : `    ${line}`;
}
