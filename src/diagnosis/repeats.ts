import { ATTEMPT_LITERALS } from './attempt-marks.ts';
import { LIVED_ON_AFTER_VERDICT } from './collect.ts';
import type { Hit } from './literal-search.ts';
import { FINISH_LITERALS, isProgress } from './progress.ts';

/** Of a text that a log says again and again, how many are read. */
const ENOUGH = 32;
/** Of a stretch of a log, the most that is looked at, from its end, for whether the run moves on. */
const LONGEST_LOOK = 128 * 1024;
const NEWLINE = 0x0a;
const ALWAYS = new Set(FINISH_LITERALS);

/** What is read of a stretch of a log. */
export interface Choice {
  readonly hits: readonly Hit[];
  /** From where on every line is, until what was found before is settled; the stretch's length where nothing was left out. */
  readonly readFrom: number;
}

/**
 * Chooses, stretch by stretch, which of the texts that a log repeats are read. What a text means is decided by what
 * comes behind it: where the run moves on far enough, it lived through it, whatever it was. A log that repeats itself is
 * full of these; so of each text some are read and no more, where the end of the stretch shows that the run goes on. All
 * of them are where it does not, or where the job begins anew.
 */
export function chooseAmongRepeats(): (stretch: Buffer, hits: readonly Hit[]) => Choice {
  const heard = new Map<string, number>();
  const isRepeat = ({ literal }: Hit): boolean => {
    const times = (heard.get(literal) ?? 0) + 1;
    heard.set(literal, times);
    return times > ENOUGH && !ALWAYS.has(literal);
  };
  return (stretch, hits) => {
    const all = { hits, readFrom: stretch.length };
    const repeated = new Set(hits.filter(isRepeat));
    if (repeated.size === 0 || hits.some(({ literal }) => ATTEMPT_LITERALS.includes(literal))) return all;
    const readFrom = startOfProgress(stretch);
    const chosen = hits.filter((hit) => hit.at >= readFrom || !repeated.has(hit));
    return chosen.length === hits.length ? all : { hits: chosen, readFrom };
  };
}

/** Where the last lines begin that hold enough progress to have lived through anything; 0 where there is too little. */
function startOfProgress(stretch: Buffer): number {
  let progress = 0;
  for (let end = stretch.length; end > 0 && stretch.length - end < LONGEST_LOOK; ) {
    const start = end < 2 ? 0 : stretch.lastIndexOf(NEWLINE, end - 2) + 1;
    if (isProgress(stretch.toString('latin1', start, end))) progress += 1;
    if (progress === LIVED_ON_AFTER_VERDICT) return start;
    end = start;
  }
  return 0;
}
