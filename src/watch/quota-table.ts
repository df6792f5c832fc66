/** One line of `quota -uvs` or `lfs quota`. Space is in KiB; a limit of 0 is none. */
export interface QuotaLine {
  /** A device, an NFS export, or for Lustre the mount point. */
  readonly filesystem: string;
  readonly usedKib: number;
  readonly limitKib: number;
  readonly files: number;
  readonly filesLimit: number;
  /** The `*` behind an amount: more than allowed. */
  readonly isOver: boolean;
  /** What is left of the time of grace, such as `6days`; null when none runs. */
  readonly grace: string | null;
}

const AMOUNT = /^\[?(\d{1,15}(?:\.\d+)?)([kKmMgGtTpP]?)\]?(\*?)$/;
const POWERS = 'kmgtp';
const TITLE = /Filesystem.*\bquota\b.*\blimit\b.*\bfiles\b/;

/**
 * Reads the table that `quota -uvs` and `lfs quota -u USER DIR` print. A long device name stands on a line of its own,
 * and a time of grace that does not run is left out or a `-`.
 * @returns undefined when it is no such table: then nothing is known, which is not the same as no quota.
 */
export function parseQuota(text: string): QuotaLine[] | undefined {
  const lines: QuotaLine[] = [];
  let words: string[] = [];
  let hasTitle = false;
  for (const line of text.split('\n')) {
    if (/^Disk quotas for .*: none$/.test(line.trim())) return [];
    if (TITLE.test(line)) hasTitle = true;
    else if (hasTitle && line.trim() !== '' && !/^(?:Disk quotas for|uid \d+ is using)/.test(line.trim())) {
      words.push(...line.trim().split(/\s+/));
      if (words.length < 2) continue;
      const row = rowOf(words);
      if (row === undefined) return undefined;
      lines.push(row);
      words = [];
    }
  }
  return hasTitle && words.length === 0 ? lines : undefined;
}

/** DEVICE USED SOFT HARD [GRACE] FILES SOFT HARD [GRACE] */
function rowOf([filesystem = '', ...rest]: readonly string[]): QuotaLine | undefined {
  const space = amounts(rest, 1024);
  if (space === undefined) return undefined;
  const files = amounts(space.rest, 1000);
  if (files === undefined || files.rest.length > 0) return undefined;
  return {
    filesystem,
    usedKib: space.used,
    limitKib: space.limit,
    files: files.used,
    filesLimit: files.limit,
    isOver: space.isOver || files.isOver,
    grace: space.grace ?? files.grace,
  };
}

interface Amounts {
  readonly used: number;
  readonly limit: number;
  readonly isOver: boolean;
  readonly grace: string | null;
  readonly rest: readonly string[];
}

/** USED SOFT HARD [GRACE]; where there is a soft limit it is the one that is watched. */
function amounts(words: readonly string[], step: 1000 | 1024): Amounts | undefined {
  const [used, soft, hard] = words.slice(0, 3).map((word) => amount(word, step));
  if (used === undefined || soft === undefined || hard === undefined) return undefined;
  const next = words[3];
  const hasGrace = next !== undefined && !AMOUNT.test(next);
  const runs = hasGrace && next !== '-';
  return {
    used,
    limit: soft > 0 ? soft : hard,
    isOver: words[0]?.endsWith('*') === true,
    grace: runs ? (next === 'none' ? 'expired' : next) : null,
    rest: words.slice(hasGrace ? 4 : 3),
  };
}

/** Space in KiB: a number without a letter is in KiB already. Files are counted in ones, and their letters are thousands. */
function amount(word: string, step: 1000 | 1024): number | undefined {
  const match = AMOUNT.exec(word);
  if (!match) return undefined;
  const letter = (match[2] ?? '').toLowerCase();
  const power = letter === '' ? 0 : POWERS.indexOf(letter) + (step === 1000 ? 1 : 0);
  return Number(match[1]) * step ** power;
}
