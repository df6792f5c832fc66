import { redact } from '../system/secrets.ts';
import type { Alert } from './alert.ts';

const MAX_LINE = 400;
const MAX_EVIDENCE = 12;
const MAX_NAMES = 10_000;

/** CSI and OSC sequences of a terminal whole, so that no half of one is left as text. */
const ESCAPES = /\u001b(?:\[[0-?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)?)/g;
/** Control and format characters (bidirectional overrides among them), line and paragraph separators, half surrogates. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu;

/** Text from outside as one line that is safe in a header, on a terminal and in a chat: nothing unseen, no key, not long. */
export function oneLine(text: string, limit = MAX_LINE): string {
  // Nearly every text is this plain, and there are tens of thousands of them in a look at a large cluster.
  if (text.length <= limit && /^[ -~]*$/.test(text) && !text.includes('  ')) return redact(text.trim());
  const bare = text
    .slice(0, limit * 8)
    .replace(ESCAPES, '')
    .replace(UNSEEN, ' ')
    .replace(/\s+/g, ' ')
    .trim();
  const characters = [...redact(bare)];
  return characters.length > limit ? `${characters.slice(0, limit - 1).join('')}…` : characters.join('');
}

/** An alert as it is kept and sent: every text one safe line, and no more of them than a person reads. */
export function tidy(alert: Alert): Alert {
  const names = (list: readonly string[]): string[] =>
    [...new Set(list.map((name) => oneLine(name, 200)))].slice(0, MAX_NAMES);
  return {
    id: oneLine(alert.id, 200),
    fault: oneLine(alert.fault, 80),
    severity: alert.severity,
    summary: oneLine(alert.summary),
    runs: names(alert.runs),
    nodes: names(alert.nodes),
    since: alert.since,
    evidence: alert.evidence.slice(0, MAX_EVIDENCE).map(({ file, line, text }) => ({
      file: file === null ? null : oneLine(file, 300),
      line,
      text: oneLine(text),
    })),
    command: alert.command === null ? null : oneLine(alert.command, 1000),
  };
}
