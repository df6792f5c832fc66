/** Unknown ranks above ok and warning: what could not be asked is not known to be fine. */
export type Status = 'ok' | 'warning' | 'unknown' | 'critical';

/** What one check says of one node, in the form that `preflight --json` promises. */
export interface Verdict {
  readonly check: string;
  readonly node: string;
  readonly status: Status;
  readonly message: string;
  /** The name of the fact that was judged, its value and the limit it was held against. */
  readonly fact: string;
  readonly value: string | number | null;
  readonly limit: string | number | null;
  /** A command or an option that can be typed. */
  readonly fix: string | null;
  readonly seconds: number;
}

const RANK: readonly Status[] = ['ok', 'warning', 'unknown', 'critical'];

/** The worst of several; ok when there is none. */
export function worst(statuses: readonly Status[]): Status {
  return statuses.reduce<Status>((a, b) => (rank(b) > rank(a) ? b : a), 'ok');
}

/** Higher is worse. */
export function rank(status: Status): number {
  return RANK.indexOf(status);
}

/** For `sort`: the worst first, and equals as they stood. */
export function worstFirst(one: Pick<Verdict, 'status'>, other: Pick<Verdict, 'status'>): number {
  return rank(other.status) - rank(one.status);
}
