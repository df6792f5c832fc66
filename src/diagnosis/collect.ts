import { attemptStarted, startedAnew } from './attempt-marks.ts';
import type { Evidence, Finding } from './finding.ts';
import { type Legibility, watchLegibility } from './legibility.ts';
import { type Matcher, mayBeCaught, type Rule } from './matcher.ts';
import { type Line, parseLine } from './prefix.ts';
import { isFinished, isOrdinary, isProgress } from './progress.ts';
import { type RankWork, rankWork } from './suspect.ts';
import { followTracebacks } from './traceback.ts';

/** Progress lines behind an error from which on the run is taken to have lived through it. */
const LIVED_ON = 6;
/** The same behind a verdict of Slurm's: processes may print on until they are killed, so a restart must be seen. */
export const LIVED_ON_AFTER_VERDICT = 60;
/** Ordinary lines behind an error that nothing followed, from which on the program is taken to have gone on. */
const WENT_ON = 40;
/** The same behind a line that only says that something failed. */
const WENT_ON_AFTER_CASCADE = 10;
/** The same behind an exception that says itself how the program goes on. */
const WENT_ON_AS_SAID = 2;
/** Where a run that says that it starts is the first one of the log. */
const FIRST_LINES = 3;
const MOST_RANKS = 100_000;
const MOST_PAST = 1_000;
/** Lines that no signature claims and that are kept: half as many at least, more than a report is long. */
const MOST_RECENT = 512;
/** Characters of the longest of them: a longer one is looked at once. */
const LONGEST_KEPT = 4096;
const QUOTED_LINES = 3;
const QUOTED_CHARACTERS = 500;

export interface Collector {
  /**
   * One line, in the order of the log. `behind`: it holds no literal and is read for what it says of earlier ones.
   * True where the lines behind it matter too. `before`: what stands before it and was not handed over.
   */
  readonly line: (number: number, raw: string, behind: boolean, before: () => string) => boolean;
  /** Nothing more can be learned from the lines that follow: the run moved on after all that was found. */
  readonly isSettled: () => boolean;
  readonly findings: () => Finding[];
  /** Which start of the job its end is of, from 0; null where the source does not tell. */
  readonly attempt: () => number | null;
  readonly work: () => RankWork[];
  /** Of what was looked at. */
  readonly legibility: () => Legibility;
}

/** Not a runbook's, so it has no name there: it stands for every failure that no signature has the words of. */
const UNCLAIMED: Rule = {
  fault: 'noise',
  signature: { id: 'unclaimed', role: 'cascade', hit: [], miss: [] },
};

/** Lines of the whole source so far. */
interface Seen {
  readonly progress: number;
  readonly ordinary: number;
}

interface Recent extends Seen {
  readonly number: number;
  readonly line: Line;
}

/** What one signature said, from its first line after the run last moved on. */
interface Episode {
  readonly rule: Rule;
  readonly first: number;
  readonly evidence: Evidence[];
  last: number;
  count: number;
  /** Every line of it says how the program goes on. */
  caught: boolean;
  /** Lines of the whole source so far when it was last said. */
  progress: number;
  ordinary: number;
}

/**
 * Folds the lines of one source into findings. Keeps one episode a signature and attempt, so its memory does not grow.
 * @param attempt the start of the job that the source is of, where it is of one.
 */
export function collect(
  matcher: Matcher,
  source: number,
  file: string,
  attempt: number | null = null,
): Collector {
  const reader = watchLegibility();
  const tracebacks = followTracebacks();
  const episodes = new Map<string, Episode>();
  const works = new Map<number, RankWork>();
  /** What was found in attempts before the current one. */
  const past: Finding[] = [];
  let current = attempt;
  /** The log numbers its starts itself. */
  let isNumbered = attempt !== null;
  let progress = 0;
  let ordinary = 0;
  let finished: number | undefined;
  /** Progress lines from which on all that was found is lived through. */
  let settledAt = 0;

  /** Lines that no signature claims, as far back as one of them could still be why the log ends. */
  let recent: Recent[] = [];

  const add = (
    rule: Rule,
    number: number,
    evidence: Evidence,
    seen: Seen = { progress, ordinary },
    caught = false,
  ): void => {
    const key = `${rule.fault}/${rule.signature.id}`;
    const known = episodes.get(key);
    settledAt = Math.max(settledAt, seen.progress + enoughProgress(rule));
    if (known === undefined || seen.progress - known.progress >= enoughProgress(rule)) {
      episodes.set(key, {
        rule,
        first: number,
        last: number,
        count: 1,
        caught,
        ...seen,
        evidence: [evidence],
      });
      return;
    }
    known.last = Math.max(known.last, number);
    known.count += 1;
    known.caught &&= caught;
    known.progress = Math.max(known.progress, seen.progress);
    known.ordinary = Math.max(known.ordinary, seen.ordinary);
    if (known.evidence.length < QUOTED_LINES) known.evidence.push(evidence);
  };

  const survived = ({ rule: { signature }, ...episode }: Episode, followed: boolean): boolean => {
    if (progress - episode.progress >= enoughProgress({ signature })) return true;
    const went = progress + ordinary - episode.progress - episode.ordinary;
    if (episode.caught && went >= WENT_ON_AS_SAID) return true;
    if (signature.survivable === false) return false;
    if (finished !== undefined && finished > episode.last) return true;
    const namesNone = signature.role === 'cascade' && signature.confidence === undefined;
    // Communicators and workers that are torn down after the work is done fail in many ways.
    if (finished !== undefined && episode.first > finished && signature.role === 'cascade' && !namesNone)
      return true;
    return !followed && ordinary - episode.ordinary >= (namesNone ? WENT_ON_AFTER_CASCADE : WENT_ON);
  };

  const quote = (number: number, { text, rank, node }: Line, { signature }: Rule): Evidence => ({
    file,
    line: number,
    text: text.trim().slice(0, QUOTED_CHARACTERS),
    rank,
    node,
    role: signature.role,
  });

  const remember = (number: number, line: Line): void => {
    if (recent.length === MOST_RECENT) recent = recent.slice(MOST_RECENT / 2);
    recent.push({ number, line, progress, ordinary });
  };

  const present = (): Finding[] => {
    for (const { number, line, ...seen } of recent) {
      if (matcher.isUnclaimed(line.text)) add(UNCLAIMED, number, quote(number, line, UNCLAIMED), seen);
    }
    recent = [];
    let followed = false;
    return [...episodes.values()]
      .sort((a, b) => b.last - a.last)
      .map((episode) => {
        const lived = survived(episode, followed);
        followed ||= !lived;
        const { rule, first, count, evidence } = episode;
        return { ...rule, attempt: current, at: [source, first] as const, count, survived: lived, evidence };
      });
  };

  /** Another start of the job writes on in the same log. What stands before the first of these lines is the first's. */
  const begin = (next: number): void => {
    if (current !== null && next !== current) {
      if (past.length < MOST_PAST) past.push(...present());
      episodes.clear();
      works.clear();
      finished = undefined;
    }
    current = next;
  };

  return {
    line: (number, raw, behind, before) => {
      reader.see(raw);
      const line = parseLine(raw.replaceAll('\u0000', ''));
      const next = attempt === null ? attemptStarted(line.text) : undefined;
      if (next !== undefined) {
        isNumbered = true;
        begin(next);
        return true;
      }
      if (!isNumbered && startedAnew(line.text)) {
        if (number <= FIRST_LINES) return true;
        current ??= 0;
        begin(current + 1);
        return true;
      }
      const isQuoted = tracebacks.quotesSource(line, before);
      const known = tracebacks.exception(line);
      if (isQuoted) return false;
      // Of an exception whose traceback has lost its first line, the frames still stand before it.
      const traceback = known === '' && !behind ? before() : known;
      // An exception without a message holds no literal that could be looked for.
      const said = traceback === undefined ? line.text : line.text.trimStart();
      const rules = behind && traceback === undefined ? [] : matcher.match(said, traceback);
      const caught = rules.length > 0 && mayBeCaught(said, traceback);
      for (const rule of rules) add(rule, number, quote(number, line, rule), undefined, caught);
      if (rules.length > 0) {
        const work = rankWork(line);
        if (work && works.size < MOST_RANKS) works.set(work.rank, work);
        return true;
      }
      // Most lines are never asked whether they tell of a failure: the run goes on behind them.
      if (behind && raw.length <= LONGEST_KEPT) remember(number, line);
      else if (matcher.isUnclaimed(line.text)) {
        add(UNCLAIMED, number, quote(number, line, UNCLAIMED));
        return !behind;
      }
      if (isFinished(line.text)) finished = number;
      else if (isProgress(line.text)) progress += 1;
      if (isOrdinary(line.text)) ordinary += 1;
      return !behind && line.text.includes('Traceback');
    },
    legibility: reader.verdict,
    isSettled: () => progress >= settledAt && tracebacks.areClosed(),
    work: () => [...works.values()],
    findings: () => [...past, ...present()],
    attempt: () => current,
  };
}

function enoughProgress({ signature }: Pick<Rule, 'signature'>): number {
  return signature.survivable === false ? LIVED_ON_AFTER_VERDICT : LIVED_ON;
}
