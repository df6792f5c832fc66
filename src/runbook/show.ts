import { UsageError } from '../errors.ts';
import type { System } from '../system/system.ts';
import { didYouMean } from '../terminal/suggest.ts';
import type { Runbook } from './schema.ts';

export const LANGUAGES = ['en', 'zh-CN'] as const;
export type Language = (typeof LANGUAGES)[number];

/** The language asked for, else that of the locale as gettext reads it. */
export function language(asked: string | undefined, env: System['env']): Language {
  if (asked !== undefined) {
    const known = LANGUAGES.find((each) => each.toLowerCase() === asked.replace('_', '-').toLowerCase());
    if (known) return known;
    throw new UsageError(`there are no runbooks in "${asked}"`, `--lang takes ${LANGUAGES.join(' or ')}.`);
  }
  const locale = env.LANGUAGE || env.LC_ALL || env.LC_MESSAGES || env.LANG || '';
  return /^zh/i.test(locale) ? 'zh-CN' : 'en';
}

/** The body in that language, the English one where there is no other. */
export function bodyIn(runbook: Runbook, wanted: Language): string {
  return wanted === 'zh-CN' && runbook.bodyZh !== '' ? runbook.bodyZh : runbook.body;
}

/** What is no fault has signatures only: it is never listed as one. */
export function faultsOf(runbooks: readonly Runbook[]): Runbook[] {
  return runbooks.filter(({ front }) =>
    front.signatures.some(({ role, confidence }) => role === 'root' || confidence),
  );
}

/** @throws UsageError naming the nearest id. */
export function findRunbook(runbooks: readonly Runbook[], id: string): Runbook {
  const found = runbooks.find(({ fault }) => fault === id);
  if (found) return found;
  const ids = runbooks.map(({ fault }) => fault);
  throw new UsageError(
    `there is no runbook "${id}".${didYouMean(id, ids)}`,
    '"opsctl runbook list" shows them all.',
  );
}
