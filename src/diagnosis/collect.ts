import type { Evidence, Finding } from './finding.ts';
import type { Matcher, Rule } from './matcher.ts';
import { parseLine } from './prefix.ts';
import { isFinished, isProgress } from './progress.ts';
import { followTracebacks } from './traceback.ts';

/** Progress lines behind an error from which on the run is taken to have lived through it. */
const LIVED_ON = 6;
/** Lines of any kind behind a mere sign of failure from which on the script is taken to have gone on. */
const WENT_ON = 20;
/** The same behind a verdict of Slurm's: processes may print on until they are killed, so a restart must be seen. */
const LIVED_ON_AFTER_VERDICT = 60;
const QUOTED_LINES = 3;
const QUOTED_CHARACTERS = 500;

export interface Collector {
  /** One line, in the order of the log. `behind`: it holds no literal and is read for what it says of earlier ones. */
  readonly line: (number: number, raw: string, behind: boolean) => boolean;
  /** `lines`: how many the source has. */
  readonly findings: (lines: number) => Finding[];
  readonly finished: () => boolean;
}

interface Episode {
  rule: Rule;
  first: number;
  last: number;
  count: number;
  /** Progress lines of the whole source when it was last said. */
  progress: number;
  evidence: Evidence[];
}

/** Folds the lines of one source into findings. Keeps one episode a signature, so its memory does not grow. */
export function collect(matcher: Matcher, source: number, file: string): Collector {
  const tracebacks = followTracebacks();
  const episodes = new Map<string, Episode>();
  let progress = 0;
  let finished = false;
  const add = (rule: Rule, number: number, evidence: Evidence): void => {
    const key = `${rule.fault}/${rule.signature.id}`;
    const episode = episodes.get(key);
    if (episode === undefined || progress - episode.progress >= enoughProgress(rule)) {
      episodes.set(key, { rule, first: number, last: number, count: 1, progress, evidence: [evidence] });
      return;
    }
    episode.count += 1;
    episode.last = number;
    episode.progress = progress;
    if (episode.evidence.length < QUOTED_LINES) episode.evidence.push(evidence);
  };
  const livedOn = ({ rule, progress: then, last }: Episode, lines: number): boolean => {
    if (progress - then >= enoughProgress(rule)) return true;
    const { role, confidence, survivable } = rule.signature;
    if (finished && survivable !== false) return true;
    return role === 'cascade' && confidence === undefined && lines - last >= WENT_ON;
  };
  return {
    line: (number, raw, behind) => {
      const line = parseLine(raw);
      let asked: boolean | undefined;
      const isException = () => {
        asked ??= tracebacks.isException(line);
        return asked;
      };
      isException();
      const rules = behind ? [] : matcher.match(line.text, isException);
      if (rules.length === 0) {
        if (isFinished(line.text)) finished = true;
        else if (isProgress(line.text)) progress += 1;
        else return !behind && line.text.includes('Traceback');
        return false;
      }
      finished = false;
      const text = line.text.trim().slice(0, QUOTED_CHARACTERS);
      for (const rule of rules) {
        const { role } = rule.signature;
        add(rule, number, { file, line: number, text, rank: line.rank, node: line.node, role });
      }
      return true;
    },
    findings: (lines) =>
      [...episodes.values()].map((episode) => ({
        fault: episode.rule.fault,
        signature: episode.rule.signature,
        at: [source, episode.first] as const,
        count: episode.count,
        survived: livedOn(episode, lines),
        evidence: episode.evidence,
      })),
    finished: () => finished,
  };
}

function enoughProgress({ signature }: Rule): number {
  return signature.survivable === false ? LIVED_ON_AFTER_VERDICT : LIVED_ON;
}
