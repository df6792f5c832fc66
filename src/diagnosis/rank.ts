import type { Remedy, Runbook } from '../runbook/schema.ts';
import type { Evidence, Finding } from './finding.ts';

/** Why a cause stands where it stands. */
export type Reason =
  | 'slurm-or-kernel-verdict'
  | 'named-by-what-failed'
  | 'application-message'
  | 'generic-message'
  | 'confirmed'
  | 'explains-others'
  | 'others-compete'
  | 'recurring'
  | 'only-cascade';

export interface Cause {
  readonly fault: string;
  /** 0 to 1. From 0.8 on, automation may act on it. */
  readonly confidence: number;
  readonly summary: string;
  readonly why: readonly Reason[];
  /** The decisive line first. */
  readonly evidence: readonly Evidence[];
  readonly remedies: readonly Remedy[];
}

export interface RuledOut {
  readonly fault: string;
  readonly reason: string;
  readonly evidence: readonly Evidence[];
}

export interface Diagnosis {
  readonly status: 'diagnosed' | 'unknown' | 'healthy';
  readonly causes: readonly Cause[];
  readonly ruledOut: readonly RuledOut[];
  /** Where no cause is known: the lines that say that something failed, in their order. */
  readonly seen: readonly Evidence[];
}

/** The runbook whose signatures name nothing. */
const NO_FAULT = 'noise';
const VERDICT = 90;
const NAMED = 70;
const APPLICATION = 50;
const DEFAULT_STRENGTH = 60;
const DEFAULT_CONFIDENCE = 0.75;
/** A rival this much weaker does not make the first one doubtful. */
const RIVAL = 20;
const DOUBT = 0.78;
const MOST_SURE = 0.98;
const QUOTES = 6;

/** All that speaks for one fault. */
interface Group {
  readonly runbook: Runbook;
  readonly findings: readonly Finding[];
  readonly best: Finding;
  readonly strength: number;
}

/**
 * One cause out of all findings. Roots beat cascades; a root that another root brings about comes behind it; then what
 * is said with more authority; then what was said first. Pure: the same findings give the same answer.
 */
export function rank(findings: readonly Finding[], runbooks: readonly Runbook[]): Diagnosis {
  const live = findings.filter((finding) => !finding.survived);
  const groups = groupByFault(live, runbooks);
  const roots = groups.filter((group) => group.best.signature.role === 'root');
  const contenders = roots.length > 0 ? roots : groups.filter((group) => namesFault(group.best, live));
  const explainedBy = new Map(contenders.map((group) => [group, explainer(group, contenders)] as const));
  const ordered = [...contenders].sort(
    (a, b) => Number(!!explainedBy.get(a)) - Number(!!explainedBy.get(b)) || compare(a, b),
  );
  const unexplained = ordered.filter((group) => !explainedBy.get(group));
  const chosen = unexplained.length > 0 ? unexplained : ordered;
  const causes = chosen.map((group) => causeOf(group, chosen, live));
  const ruledOut = [
    ...survived(findings, groups),
    ...ordered
      .filter((group) => !chosen.includes(group))
      .map((group) => explained(group, explainedBy.get(group))),
    ...(roots.length > 0 ? groups.filter((group) => !roots.includes(group)).map(follows) : []),
  ];
  if (causes.length > 0) return { status: 'diagnosed', causes, ruledOut, seen: [] };
  const cascades = live.filter((finding) => finding.signature.role === 'cascade').sort(earlier);
  if (cascades.length === 0) return { status: 'healthy', causes, ruledOut, seen: [] };
  const named = groups.filter(({ runbook }) => runbook.fault !== NO_FAULT);
  const seen = cascades.flatMap(({ evidence }) => evidence).slice(0, QUOTES);
  return { status: 'unknown', causes, ruledOut: [...ruledOut, ...named.map(follows)], seen };
}

function groupByFault(findings: readonly Finding[], runbooks: readonly Runbook[]): Group[] {
  const groups: Group[] = [];
  for (const runbook of runbooks) {
    const own = findings.filter((finding) => finding.fault === runbook.fault);
    const best = own
      .filter((finding) => finding.signature.role === 'root' || finding.signature.role === 'cascade')
      .sort((a, b) => strengthOf(b) - strengthOf(a) || earlier(a, b))[0];
    if (best) groups.push({ runbook, findings: own, best, strength: strengthOf(best) });
  }
  return groups;
}

function namesFault({ signature, at: [source, line] }: Finding, live: readonly Finding[]): boolean {
  if (signature.role !== 'cascade' || signature.confidence === undefined) return false;
  return !live.some(
    (other) =>
      signature.follows?.includes(other.signature.id) && other.at[0] === source && other.at[1] < line,
  );
}

/** A root is stronger than any cascade, whatever their numbers. */
function strengthOf({ signature }: Finding): number {
  return signature.role === 'root'
    ? (signature.strength ?? DEFAULT_STRENGTH) + 100
    : (signature.strength ?? 0);
}

function compare(a: Group, b: Group): number {
  return band(b) - band(a) || earlier(a.best, b.best) || b.strength - a.strength;
}

function band(group: Group): number {
  return Math.floor(group.strength / 10);
}

function earlier(a: Finding, b: Finding): number {
  return a.at[0] - b.at[0] || a.at[1] - b.at[1];
}

function explainer(group: Group, others: readonly Group[]): Group | undefined {
  return others.find(
    (other) =>
      other.best.signature.role === 'root' &&
      other.runbook.front.explains?.includes(group.runbook.fault) &&
      !(group.runbook.front.explains?.includes(other.runbook.fault) && compare(group, other) < 0),
  );
}

function causeOf(group: Group, rivals: readonly Group[], live: readonly Finding[]): Cause {
  const { runbook, best } = group;
  const why: Reason[] = [authority(group)];
  let doubt = 1 - (best.signature.confidence ?? DEFAULT_CONFIDENCE);
  if (best.signature.role === 'root') {
    if (group.findings.some((finding) => isConfirmed(best, finding))) {
      doubt *= 0.7;
      why.push('confirmed');
    }
    const explains = runbook.front.explains ?? [];
    if (live.some((finding) => explains.includes(finding.fault))) why.push('explains-others');
  }
  let confidence = Math.min(MOST_SURE, 1 - doubt);
  const competing = rivals.some(
    (other) => other !== group && (other.strength > group.strength - RIVAL || endedLater(other, group)),
  );
  if (competing) {
    confidence = Math.min(confidence * 0.85, DOUBT);
    why.push('others-compete');
  }
  // Who stands behind another is at most half as likely.
  if (rivals[0] !== group) confidence *= 0.5;
  return {
    fault: runbook.fault,
    confidence: Math.round(confidence * 100) / 100,
    summary: runbook.front.summary,
    why,
    evidence: quote(group),
    remedies: runbook.front.remedies ?? [],
  };
}

/**
 * The same log goes on to another failure, of which this one is no reason: it may be of another run, which somebody
 * appended. Slurm and the kernel have the last word, whatever programs say after it.
 */
function endedLater(other: Group, group: Group): boolean {
  const [source, line] = group.best.at;
  const isLater = other.best.at[0] === source && other.best.at[1] > line;
  return isLater && other.best.signature.role === 'root' && group.strength < VERDICT + 100;
}

/** Another line says it too. Several signatures on one line, or the same words in several logs, are one voice. */
function isConfirmed(best: Finding, other: Finding): boolean {
  if (other.signature.role === 'cascade') return false;
  const said = new Set(best.evidence.map(({ text }) => text));
  return other.evidence.some(({ text }) => !said.has(text));
}

function authority({ best, strength }: Group): Reason {
  if (best.signature.role !== 'root') return 'only-cascade';
  const own = strength - 100;
  if (own >= VERDICT) return 'slurm-or-kernel-verdict';
  if (own >= NAMED) return 'named-by-what-failed';
  return own >= APPLICATION ? 'application-message' : 'generic-message';
}

function quote(group: Group): Evidence[] {
  const others = group.findings.filter((finding) => finding !== group.best).sort(earlier);
  return [...group.best.evidence, ...others.flatMap((finding) => finding.evidence.slice(0, 1))].slice(
    0,
    QUOTES,
  );
}

function survived(findings: readonly Finding[], groups: readonly Group[]): RuledOut[] {
  const seen = new Set(groups.map((group) => group.runbook.fault));
  return findings
    .filter((finding) => finding.survived && finding.signature.role === 'root' && !seen.has(finding.fault))
    .map((finding) => ({
      fault: finding.fault,
      reason: 'the run moved on after it',
      evidence: finding.evidence.slice(0, 1),
    }));
}

function explained(group: Group, by: Group | undefined): RuledOut {
  return {
    fault: group.runbook.fault,
    reason: `follows from ${by?.runbook.fault ?? 'another cause'}`,
    evidence: group.best.evidence.slice(0, 1),
  };
}

function follows(group: Group): RuledOut {
  return {
    fault: group.runbook.fault,
    reason: 'a consequence: it shows that something failed, not what',
    evidence: group.best.evidence.slice(0, 1),
  };
}
