import type { Runbook } from '../runbook/schema.ts';
import { collect } from './collect.ts';
import type { SourceReading } from './finding.ts';
import { compileMatcher, type Matcher } from './matcher.ts';
import { type Diagnosis, rank } from './rank.ts';
import { scan } from './reader.ts';

/** Reads one source to its end; a source that fails half-way counts as far as it was read. */
export async function readSource(
  matcher: Matcher,
  index: number,
  name: string,
  chunks: AsyncIterable<Buffer>,
): Promise<SourceReading> {
  const collector = collect(matcher, index, name);
  const scanner = scan(matcher, collector);
  let problem: string | null = null;
  try {
    for await (const chunk of chunks) scanner.push(chunk);
  } catch (error) {
    problem = error instanceof Error ? error.message : String(error);
  }
  scanner.end();
  return {
    name,
    findings: collector.findings(),
    lines: scanner.lines(),
    bytes: scanner.bytes(),
    problem,
  };
}

/** Diagnoses a text in memory. Pure. */
export function diagnoseText(
  text: string,
  runbooks: readonly Runbook[],
  matcher = compileMatcher(runbooks),
): Diagnosis {
  const collector = collect(matcher, 0, 'log');
  const scanner = scan(matcher, collector);
  scanner.push(Buffer.from(text, 'utf8'));
  scanner.end();
  return rank(collector.findings(), runbooks);
}
