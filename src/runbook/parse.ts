import { isMap, LineCounter, type ParsedNode, parseDocument } from 'yaml';
import { UsageError } from '../errors.ts';
import { regexProblem } from './safe-regex.ts';
import { type Front, frontSchema, MIN_LITERAL, type Parsed } from './schema.ts';

/**
 * Splits a runbook into its front matter, YAML between two lines of `---`, and its body.
 * @throws UsageError naming file, line and what is wrong there.
 */
export function parseRunbook(path: string, source: string): Parsed {
  const text = source.replace(/^\ufeff/, '').replaceAll('\r\n', '\n');
  const match = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(text);
  if (!match) {
    throw new UsageError(
      `${path}:1: a runbook begins with its front matter, YAML between two lines of "---"`,
    );
  }
  const lines = new LineCounter();
  const document = parseDocument(match[1] ?? '', { lineCounter: lines });
  // The opening "---" is line 1, so the YAML's first line is the file's second.
  const lineOf = (offset: number) => lines.linePos(offset).line + 1;
  const broken = document.errors[0];
  if (broken) throw new UsageError(`${path}:${lineOf(broken.pos[0])}: ${broken.message.split('\n')[0]}`);
  const checked = frontSchema.safeParse(document.toJS());
  if (!checked.success) {
    const issue = checked.error.issues[0];
    const where = issue?.path ?? [];
    throw new UsageError(
      `${path}:${lineOf(offsetOf(document.contents, where))}: ${where.join('.')}: ${issue?.message}`,
    );
  }
  checked.data.signatures.forEach((signature, index) => {
    const problem = signatureProblem(signature);
    if (problem === undefined) return;
    const line = lineOf(offsetOf(document.contents, ['signatures', index]));
    throw new UsageError(`${path}:${line}: signature "${signature.id}": ${problem}`);
  });
  return { front: checked.data, body: (match[2] ?? '').trim() };
}

function signatureProblem(signature: Front['signatures'][number]): string | undefined {
  if ((signature.text === undefined) === (signature.regex === undefined))
    return 'needs either "text" or "regex"';
  const literals = [signature.literals ?? signature.text ?? []].flat();
  const short = literals.find((literal) => Buffer.byteLength(literal) < MIN_LITERAL);
  if (short !== undefined && signature.role !== 'noise') {
    return `"${short}" is in too many lines to be looked for: take at least ${MIN_LITERAL} characters`;
  }
  if (signature.regex === undefined) return undefined;
  if (signature.literals === undefined) {
    return 'a "regex" needs "literals": texts of which every line it means holds at least one';
  }
  return regexProblem(signature.regex);
}

/** Where in the YAML a path of keys lies: the deepest part of it that is there. */
function offsetOf(node: unknown, path: readonly PropertyKey[]): number {
  let here = node as ParsedNode | null;
  let offset = here?.range?.[0] ?? 0;
  for (const key of path) {
    const pair = isMap(here) ? here.items.find((item) => String(item.key) === String(key)) : undefined;
    const next = (
      pair ? pair.value : (here as { get?: (k: unknown, keep: true) => unknown })?.get?.(key, true)
    ) as ParsedNode | null | undefined;
    const start = (pair?.key as ParsedNode | undefined)?.range?.[0] ?? next?.range?.[0];
    if (start === undefined) break;
    offset = start;
    here = next ?? null;
  }
  return offset;
}
