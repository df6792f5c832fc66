/** Generic resources of one kind, as a node or a job has them. */
export interface GresCount {
  readonly count: number;
  /** Null when there is no type, or more than one. */
  readonly type: string | null;
}

const SUFFIXES: Readonly<Record<string, number>> = { '': 1, K: 1024, M: 1024 ** 2, G: 1024 ** 3 };

/**
 * Counts one kind in a GRES list as sinfo and scontrol print it: `gpu:a100:8(S:0-1),nic:2`, `gpu:4`, `(null)`.
 * Types of one kind are added up.
 */
export function parseGres(text: string, kind: string): GresCount {
  const entries = text
    .replace(/\([^)]*\)/g, '')
    .split(',')
    .map((entry) => entry.trim().split(':'))
    .filter((parts) => parts[0] === kind);
  const types = new Set<string>();
  let count = 0;
  for (const parts of entries) {
    const number = /^(\d+)([KMG]?)$/.exec(parts.at(-1) ?? '');
    // A list without a number, as older gres.conf files have it, means one.
    count += number ? Number(number[1]) * (SUFFIXES[number[2] ?? ''] ?? 1) : 1;
    const type = parts.slice(1, number ? -1 : undefined).find((part) => part !== 'no_consume');
    if (type) types.add(type);
  }
  const [only, ...others] = types;
  return { count, type: only !== undefined && others.length === 0 ? only : null };
}
