import { REGEX_WINDOW } from '../runbook/safe-regex.ts';
import type { Runbook, Signature } from '../runbook/schema.ts';
import { FINISH_LITERALS } from './progress.ts';

/** A signature with the fault that it belongs to. */
export interface Rule {
  readonly fault: string;
  readonly signature: Signature;
}

export interface Matcher {
  /** Finds any literal of any signature in a stretch of a log: lines without one need no look. */
  readonly prefilter: RegExp;
  readonly literals: readonly string[];
  /** What a line says. `isException`: it ends a traceback. */
  readonly match: (text: string, isException: boolean) => Rule[];
}

interface Compiled extends Rule {
  readonly literals: readonly string[];
  readonly pattern: RegExp | undefined;
  readonly order: number;
}

/** Lines that no signature looks for and that matter to what others mean. */
const OPENERS = ['Traceback (most recent call last)', ...FINISH_LITERALS];

export function compileMatcher(runbooks: readonly Runbook[]): Matcher {
  const byLiteral = new Map<string, Compiled[]>();
  let order = 0;
  for (const { fault, front } of runbooks) {
    for (const signature of front.signatures) {
      const literals = literalsOf(signature);
      const pattern = signature.regex === undefined ? undefined : new RegExp(signature.regex, 'u');
      const rule = { fault, signature, literals, pattern, order: order++ };
      for (const literal of literals) byLiteral.set(literal, [...(byLiteral.get(literal) ?? []), rule]);
    }
  }
  // Noise only speaks against other signatures on their own lines, so nobody looks for it.
  const sought = [...byLiteral].filter(([, rules]) =>
    rules.some(({ signature }) => signature.role !== 'noise'),
  );
  const literals = [...new Set([...sought.map(([literal]) => literal), ...OPENERS])].sort();
  const entries = [...byLiteral];
  return {
    prefilter: prefilterOf(literals),
    literals,
    match: (text, isException) => {
      const found = new Set<Compiled>();
      const mild = isMild(text);
      for (const [literal, rules] of entries) {
        const at = text.indexOf(literal);
        if (at === -1) continue;
        for (const rule of rules) if (!found.has(rule) && says(rule, text, at, isException)) found.add(rule);
      }
      const loud = mild ? [...found].filter(({ signature }) => signature.anyLevel) : [...found];
      return settle(loud.sort((a, b) => a.order - b.order));
    },
  };
}

export function literalsOf(signature: Signature): readonly string[] {
  if (signature.literals) return signature.literals;
  return typeof signature.text === 'string' ? [signature.text] : (signature.text ?? []);
}

function says(rule: Compiled, text: string, at: number, isException: boolean): boolean {
  const { signature, pattern } = rule;
  if (signature.unless?.some((other) => text.includes(other))) return false;
  if (signature.in === 'start' && pattern === undefined && !startsWith(text, rule.literals)) return false;
  if (pattern && !pattern.test(around(text, at))) return false;
  return signature.in !== 'exception' || isException;
}

/** A logger's level near the beginning: who only warns or informs does not say why a run died. */
const MILD = /^.{0,80}?\b(?:INFO|WARNING|DEBUG)\b|^\[?[WI](?:\d{4} \d\d:| [\w.]{1,40}:\d)/u;
function isMild(text: string): boolean {
  return MILD.test(text) && !text.includes('*** JOB ') && !text.includes('*** STEP ');
}

function startsWith(text: string, literals: readonly string[]): boolean {
  const trimmed = text.trimStart();
  return literals.some((literal) => trimmed.startsWith(literal));
}

/** The part of a long line that a pattern is tried on. */
function around(text: string, at: number): string {
  if (text.length <= REGEX_WINDOW) return text;
  const start = Math.max(0, at - REGEX_WINDOW / 4);
  return text.slice(start, start + REGEX_WINDOW);
}

/** Noise silences the line; what is generic speaks only where nothing particular does. */
function settle(rules: readonly Compiled[]): Rule[] {
  if (rules.some((rule) => rule.signature.role === 'noise')) return [];
  const particular = rules.filter((rule) => !rule.signature.generic);
  return particular.length > 0 ? particular : [...rules];
}

function prefilterOf(literals: readonly string[]): RegExp {
  // The log is searched as latin1, one character a byte: so are the literals.
  const bytes = literals.map((literal) => Buffer.from(literal, 'utf8').toString('latin1'));
  return new RegExp(bytes.map((literal) => literal.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')).join('|'), 'g');
}
