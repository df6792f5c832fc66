import { UsageError } from '../errors.ts';

/** More names than any cluster has: a mistyped range must not fill the memory. Slurm's own limit a range is 65,536. */
const MAX_HOSTS = 65_536;
/** What Slurm prints for "no nodes". */
const NO_NODES = /^(?:\(null\)|N\/A|None assigned|none|)$/i;

/**
 * The nodes of a Slurm hostlist in its order: `gnode[01-03,07],login1,n[1-2]x[3-4]`.
 * @throws UsageError when it is no hostlist, or names more than 65,536 nodes.
 */
export function expandHostlist(text: string): string[] {
  if (NO_NODES.test(text.trim())) return [];
  const hosts = splitOutsideBrackets(text.trim()).flatMap((part) => expandPart(part, text));
  if (hosts.length > MAX_HOSTS) throw tooMany(text);
  return hosts;
}

/** Splits at the commas between hosts, not at those between ranges. */
function splitOutsideBrackets(text: string): string[] {
  const parts = text.match(/(?:\[[^\]]*\]|[^,[\]])+/g) ?? [];
  if (parts.join(',') !== text) throw malformed(text);
  return parts;
}

/** `n[1-2]x[3-4]` is every combination, the last bracket counting fastest. */
function expandPart(part: string, whole: string): string[] {
  let hosts = [''];
  for (const piece of part.match(/\[[^\]]*\]|[^[\]]+/g) ?? []) {
    const words = piece.startsWith('[') ? expandRanges(piece.slice(1, -1), whole) : [piece];
    if (hosts.length * words.length > MAX_HOSTS) throw tooMany(whole);
    hosts = hosts.flatMap((host) => words.map((word) => host + word));
  }
  return hosts;
}

function expandRanges(ranges: string, whole: string): string[] {
  return ranges.split(',').flatMap((range) => {
    const match = /^(\d+)(?:-(\d+))?$/.exec(range.trim());
    const first = match?.[1];
    if (first === undefined) throw malformed(whole);
    const last = match?.[2] ?? first;
    const count = Number(last) - Number(first) + 1;
    if (count < 1) throw malformed(whole);
    if (count > MAX_HOSTS) throw tooMany(whole);
    return Array.from({ length: count }, (_, index) =>
      String(Number(first) + index).padStart(first.length, '0'),
    );
  });
}

/** Nodes as one short hostlist: each once, numbers rising: `gnode[01-03,07],login1`. The inverse of expandHostlist. */
export function compressHostlist(hosts: Iterable<string>): string {
  const groups = new Map<string, Set<number>>();
  for (const host of hosts) {
    const { key, number } = split(host);
    const numbers = groups.get(key) ?? new Set();
    if (number !== undefined) numbers.add(number);
    groups.set(key, numbers);
  }
  return [...groups]
    .map(([key, numbers]) => {
      const [prefix = '', width = '0', suffix = ''] = key.split('\0');
      return prefix + ranges([...numbers], Number(width)) + suffix;
    })
    .join(',');
}

/** The last number of a name is what counts; hosts whose numbers have equally many digits belong together. */
function split(host: string): { key: string; number?: number } {
  const match = /^(.*?)(\d{1,9})(\D*)$/.exec(host);
  if (!match) return { key: host };
  const [, prefix = '', digits = '', suffix = ''] = match;
  return { key: `${prefix}\0${digits.length}\0${suffix}`, number: Number(digits) };
}

function ranges(numbers: readonly number[], width: number): string {
  const sorted = [...numbers].sort((a, b) => a - b);
  const spans: { first: number; last: number }[] = [];
  for (const number of sorted) {
    const span = spans.at(-1);
    if (span && span.last === number - 1) span.last = number;
    else spans.push({ first: number, last: number });
  }
  const padded = (number: number): string => String(number).padStart(width, '0');
  const words = spans.map(({ first, last }) =>
    first === last ? padded(first) : `${padded(first)}-${padded(last)}`,
  );
  return sorted.length > 1 ? `[${words.join(',')}]` : words.join('');
}

function malformed(text: string): UsageError {
  return new UsageError(
    `"${text}" is no list of nodes`,
    'Write nodes as Slurm does: gnode01,gnode[03-05,07].',
  );
}

function tooMany(text: string): UsageError {
  return new UsageError(`"${text}" names more than ${MAX_HOSTS} nodes`, 'Check the range in the brackets.');
}
