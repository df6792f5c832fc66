import { type Alert, digest } from './alert.ts';

/** What a silence is for: each name may hold `*` for any characters; what is null is not asked. */
export interface SilenceMatch {
  readonly fault: string | null;
  readonly run: string | null;
  readonly node: string | null;
}

/** Keeps matching alerts from being told, for a time. */
export interface Silence extends SilenceMatch {
  readonly id: string;
  readonly reason: string;
  /** `user@host` of who made it. */
  readonly by: string;
  readonly createdAt: string;
  readonly expiresAt: string;
}

/** Its id follows from the rest, so that the same one twice is one. */
export function newSilence(fields: Omit<Silence, 'id'>): Silence {
  return { id: digest(JSON.stringify(fields)).slice(0, 8), ...fields };
}

/**
 * The silence that holds an alert back now, if there is one. One for a run or node holds back an alert only if all the
 * alert's runs or nodes match: a fault that has spread beyond what was silenced is told.
 */
export function silencedBy(alert: Alert, silences: readonly Silence[], now: Date): Silence | undefined {
  return inForce(silences, now).find((silence) => matches(silence, alert));
}

export function inForce(silences: readonly Silence[], now: Date): Silence[] {
  return silences.filter(({ expiresAt }) => Date.parse(expiresAt) > now.getTime());
}

function matches({ fault, run, node }: SilenceMatch, alert: Alert): boolean {
  if (fault === null && run === null && node === null) return false;
  return (
    (fault === null || isLike(fault, alert.fault)) &&
    (run === null || allLike(run, alert.runs)) &&
    (node === null || allLike(node, alert.nodes))
  );
}

function allLike(pattern: string, names: readonly string[]): boolean {
  return names.length > 0 && names.every((name) => isLike(pattern, name));
}

/** `*` stands for any characters. Looked for piece by piece: a regular expression could be made to take for ever. */
export function isLike(pattern: string, name: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return pattern === name;
  if (!name.startsWith(first)) return false;
  let at = first.length;
  for (const piece of rest) {
    const found = name.indexOf(piece, at);
    if (found === -1) return false;
    at = found + piece.length;
  }
  return name.length - last.length >= at && name.endsWith(last);
}
