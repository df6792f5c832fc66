import type { Alert, Evidence } from '../alert/alert.ts';
import { type Message, namesOf } from '../alert/message.ts';
import { oneLine } from '../alert/plain.ts';
import { type Words, wordsOf } from './words.ts';

const NAMES_IN_SUBJECT = 2;
const NAMES_IN_BODY = 20;
const ALERTS_IN_BODY = 8;
const EVIDENCE_IN_BODY = 6;
const SUBJECT_LIMIT = 180;

/** How a message is worded for a receiver. */
export interface Wording {
  readonly language: 'en' | 'zh';
  /** IANA name: in which times are written. */
  readonly timeZone: string;
  /** Messages to this receiver that were given up since the last one arrived. */
  readonly dropped: number;
}

/** One paragraph of a message: mail and chats differ in how they show it, not in what it says. */
export type Block =
  | { readonly kind: 'title'; readonly text: string }
  | { readonly kind: 'text'; readonly text: string }
  /** Not the news itself: where it comes from, what can be done about being told. */
  | { readonly kind: 'note'; readonly text: string }
  | { readonly kind: 'lines'; readonly label: string; readonly lines: readonly string[] }
  | { readonly kind: 'command'; readonly label: string; readonly command: string };

/** `[opsctl] CRITICAL disk-full: sft-a, sft-b and 38 more`. One line, whatever is in the names. */
export function subjectOf(message: Message, { language }: Pick<Wording, 'language'>): string {
  const words = wordsOf(language);
  const about = [...message.alerts, ...message.cleared];
  const runs = namesOf(about, 'runs');
  const names = runs.length > 0 ? runs : namesOf(about, 'nodes');
  const target = names.length > 0 ? `: ${listed(names, NAMES_IN_SUBJECT, words)}` : '';
  return oneLine(`[opsctl] ${stateOf(message, words)} ${message.fault}${target}`, SUBJECT_LIMIT);
}

/** What a message says, in reading order. */
export function blocksOf(message: Message, wording: Wording): Block[] {
  const words = wordsOf(wording.language);
  const shown = message.alerts.slice(0, ALERTS_IN_BODY);
  const rest = message.alerts.length - shown.length;
  const since = `${words.since} ${timeIn(wording.timeZone, message.since)}`;
  const isTest = message.reason === 'test';
  const blocks: Block[] = [
    {
      kind: 'text',
      text: isTest ? words.reason.test : `${words.reason[message.reason]} ${message.fault}, ${since}`,
    },
    ...(wording.dropped > 0 ? [{ kind: 'text', text: words.dropped(wording.dropped) } as const] : []),
    ...names(message.alerts, words),
    ...shown.flatMap((alert) => blocksOfAlert(alert, words, wording.timeZone)),
    ...(rest > 0 ? [{ kind: 'text', text: words.more(rest) } as const] : []),
    ...clearedBlocks(message, words),
    { kind: 'note', text: words.footer },
  ];
  return blocks.map(safe);
}

/** The blocks as plain text, one line each. */
export function plainLines(blocks: readonly Block[]): string[] {
  return blocks.flatMap((block) => {
    if (block.kind === 'title') return ['', block.text];
    if (block.kind === 'text' || block.kind === 'note') return [block.text];
    if (block.kind === 'command') return [`${block.label}:`, `    ${block.command}`];
    return [`${block.label}:`, ...block.lines.map((line) => `  ${line}`)];
  });
}

function stateOf({ reason, severity }: Message, words: Words): string {
  if (reason === 'test') return words.test;
  return reason === 'resolved' ? words.cleared : words.severity[severity];
}

function names(alerts: readonly Alert[], words: Words): Block[] {
  return (['runs', 'nodes'] as const).flatMap((kind) => {
    const all = namesOf(alerts, kind);
    const lines = [listed(all, NAMES_IN_BODY, words)];
    return all.length > 0 ? [{ kind: 'lines', label: `${words[kind]} (${all.length})`, lines } as const] : [];
  });
}

function blocksOfAlert(alert: Alert, words: Words, timeZone: string): Block[] {
  const since = `${words.since} ${timeIn(timeZone, alert.since)}`;
  const evidence = alert.evidence.slice(0, EVIDENCE_IN_BODY).map(evidenceLine);
  return [
    { kind: 'title', text: `${words.severity[alert.severity]} ${alert.summary} (${since})` },
    ...(evidence.length > 0 ? [{ kind: 'lines', label: words.evidence, lines: evidence } as const] : []),
    ...(alert.command === null
      ? []
      : [{ kind: 'command', label: words.type, command: alert.command } as const]),
  ];
}

function clearedBlocks({ cleared }: Message, words: Words): Block[] {
  const lines = cleared.slice(0, ALERTS_IN_BODY).map((alert) => {
    const target = alert.runs.length > 0 ? alert.runs : alert.nodes;
    return target.length > 0
      ? `${alert.summary} (${listed(target, NAMES_IN_SUBJECT, words)})`
      : alert.summary;
  });
  const rest = cleared.length - lines.length;
  if (lines.length === 0) return [];
  return [{ kind: 'lines', label: words.over, lines: rest > 0 ? [...lines, words.more(rest)] : lines }];
}

function evidenceLine({ file, line, text }: Evidence): string {
  if (file === null) return text;
  return `${file}${line === null ? '' : `:${line}`}: ${text}`;
}

function listed(all: readonly string[], limit: number, words: Words): string {
  const rest = all.length - limit;
  // One name is as short as "and 1 more".
  if (rest <= 1) return all.join(', ');
  return `${all.slice(0, limit).join(', ')} ${words.more(rest)}`;
}

/** `2026-01-02 11:04 GMT+8`. */
function timeIn(timeZone: string, iso: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return oneLine(iso, 40);
  const parts = new Intl.DateTimeFormat('en-CA', {
    timeZone,
    year: 'numeric',
    month: '2-digit',
    day: '2-digit',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZoneName: 'short',
  }).formatToParts(date);
  const part = (type: string): string => parts.find((found) => found.type === type)?.value ?? '';
  return `${part('year')}-${part('month')}-${part('day')} ${part('hour')}:${part('minute')} ${part('timeZoneName')}`;
}

/** Whatever came in, each text is one line with nothing unseen in it. */
function safe(block: Block): Block {
  const limit = 1000;
  if (block.kind === 'lines') return { ...block, lines: block.lines.map((line) => oneLine(line, limit)) };
  if (block.kind === 'command') return { ...block, command: oneLine(block.command, limit) };
  return { ...block, text: oneLine(block.text, limit) };
}
