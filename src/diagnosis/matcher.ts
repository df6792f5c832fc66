import { REGEX_WINDOW } from '../runbook/safe-regex.ts';
import type { Runbook, Signature } from '../runbook/schema.ts';
import { ATTEMPT_LITERALS } from './attempt-marks.ts';
import { type LiteralSearch, searchLiterals } from './literal-search.ts';
import { FINISH_LITERALS } from './progress.ts';
import { isTrouble, WARNED } from './unclaimed.ts';

/** A signature with the fault that it belongs to. */
export interface Rule {
  readonly fault: string;
  readonly signature: Signature;
}

export interface Matcher {
  /**
   * A search for the literals of all signatures, made fast for logs like the sample. Lines without one need no look.
   */
  readonly search: (sample: Uint8Array) => LiteralSearch['hits'];
  /** What a line says. `traceback`: the frames that it ends; undefined where it ends none. */
  readonly match: (text: string, traceback: string | undefined) => Rule[];
  /** A line that no signature claims, and that says that something failed. */
  readonly isUnclaimed: (text: string) => boolean;
}

interface Compiled extends Rule {
  readonly literals: readonly string[];
  readonly pattern: RegExp | undefined;
  readonly order: number;
}

/** Lines that no signature looks for and that matter to what others mean. */
const MILESTONES = ['Traceback (most recent call last)', ...ATTEMPT_LITERALS, ...FINISH_LITERALS];

export function compileMatcher(runbooks: readonly Runbook[]): Matcher {
  const rules = runbooks
    .flatMap(({ fault, front }) => front.signatures.map((signature) => ({ fault, signature })))
    .map((rule, order) => compile(rule, order));
  // Noise only speaks against other signatures on their own lines, so nobody looks for it.
  const noise = rules.filter(({ signature }) => signature.role === 'noise');
  const byLiteral = new Map<string, Compiled[]>();
  for (const rule of rules.filter(({ signature }) => signature.role !== 'noise')) {
    for (const literal of rule.literals) byLiteral.set(literal, [...(byLiteral.get(literal) ?? []), rule]);
  }
  const literals = [...new Set([...byLiteral.keys(), ...MILESTONES])];
  const search = searchLiterals(literals);
  const adviceFrom = (text: string, traceback?: string): number =>
    Math.min(...noise.map((rule) => silencesFrom(rule, text, traceback)));
  return {
    search: (sample) => searchLiterals(literals, sample).hits,
    isUnclaimed: (text) => {
      if (!isTrouble(text) || isMild(text)) return false;
      const said = text.slice(0, adviceFrom(text));
      return isTrouble(said) && (said === text || !PLACE.test(said));
    },
    match: (text, traceback) => {
      const mild = isMild(text, traceback);
      const found = new Map<Compiled, number>();
      for (const literal of search.all(text)) {
        for (const rule of byLiteral.get(literal) ?? []) {
          if (mild && !rule.signature.anyLevel) continue;
          if (!found.has(rule) && says(rule, text, literal, traceback))
            found.set(rule, text.indexOf(literal));
        }
      }
      if (found.size === 0) return [];
      // Advice speaks of what it goes on to name, not of the error that it stands behind.
      const advice = adviceFrom(text, traceback);
      const left = [...found].filter(([, at]) => at < advice).map(([rule]) => rule);
      return particular(left.sort((a, b) => a.order - b.order));
    },
  };
}

function compile({ fault, signature }: Rule, order: number): Compiled {
  const literals = signature.literals ?? [signature.text ?? []].flat().flatMap(inBothCases);
  const pattern = signature.regex === undefined ? undefined : new RegExp(signature.regex, 'u');
  return { fault, signature, literals, pattern, order };
}

/** The text, and with its first letter in the other case: what begins a message here stands within one there. */
function inBothCases(text: string): string[] {
  const first = text.charAt(0);
  const other = first === first.toUpperCase() ? first.toLowerCase() : first.toUpperCase();
  return /^[A-Za-z][a-z]+ /.test(text) ? [text, other + text.slice(1)] : [text];
}

function says(
  { signature, pattern }: Compiled,
  text: string,
  literal: string,
  traceback: string | undefined,
): boolean {
  if (signature.unless?.some((other) => text.includes(other))) return false;
  if (signature.in === 'start' && !text.trimStart().startsWith(literal)) return false;
  if (pattern && !pattern.test(around(text, text.indexOf(literal)))) return false;
  if (signature.within && !signature.within.some((frame) => traceback?.includes(frame))) return false;
  return signature.in !== 'exception' || traceback !== undefined;
}

/** From where on what a line says does not count; infinite where it is not noise. */
function silencesFrom(rule: Compiled, text: string, traceback: string | undefined): number {
  const places = rule.literals
    .filter((literal) => text.includes(literal) && says(rule, text, literal, traceback))
    .map((literal) => text.indexOf(literal));
  return Math.min(...places);
}

/** A level, a time and a place in the source: what a C++ logger puts before its words. */
const PLACE = /^\[?[A-Z][^\]]{0,120}:\d{1,6}\] ?$/;
/** A logger's level near the beginning: who only warns or informs does not say why a run died. */
const MILD =
  /^.{0,80}?\b(?:INFO|WARNING|DEBUG)\b|^\[?[WI](?:\d{4} \d\d:| [\w.]{1,40}:\d)|^(?:[\w./-]{1,60}: )?warning: /u;
/** Who says in the same breath how it goes on does not say why a run died either. */
const GOES_ON =
  /\b(?:fall(?:ing|s)? back (?:to|on)|skipping|ignoring|will be ignored|trying (?:again|another|batch|with|\d+)|defaulting to|(?:start|train)(?:ing)? (?:fresh|over|new|from (?:scratch|the beginning|random))|using (?:the )?CPU|using \S{1,40} instead)\b/i;

/** What a program is ended by, at the line's beginning: it names levels and other ways to say what was wrong. */
const RAISED = /^(?:[A-Za-z_][\w.]{0,120}\.)?_?[A-Z]\w{0,60}(?:Error|Exception): /;

function isMild(text: string, traceback?: string): boolean {
  if (text.includes('*** JOB ') || text.includes('*** STEP ')) return false;
  if (traceback?.includes('File "') || RAISED.test(text)) return false;
  return MILD.test(text) || goesOn(text);
}

/**
 * A warning of Python's, or an exception that says how the program goes on and of which no frames are left. If it did go
 * on something follows; if not, this is the last that was said.
 */
export function mayBeCaught(text: string, traceback: string | undefined): boolean {
  return WARNED.test(text) || (!traceback?.includes('File "') && RAISED.test(text) && goesOn(text));
}

/** What a person is told to do is nothing that the program has done: `use --scratch to start from scratch`. */
const ADVISES = /\b(?:use|pass|set|add|run|try|hint|want|wish|should|must|please)\b[^.]{0,80}$/i;

function goesOn(text: string): boolean {
  const at = text.search(GOES_ON);
  return at !== -1 && !ADVISES.test(text.slice(0, at));
}

/** The part of a long line that a pattern is tried on. */
function around(text: string, at: number): string {
  if (text.length <= REGEX_WINDOW) return text;
  const start = Math.max(0, at - REGEX_WINDOW / 4);
  return text.slice(start, start + REGEX_WINDOW);
}

/** What is generic speaks only where nothing particular does. */
function particular(rules: readonly Compiled[]): Rule[] {
  const own = rules.filter((rule) => !rule.signature.generic);
  return own.length > 0 ? own : [...rules];
}
