import { closest, distance } from 'fastest-levenshtein';

/** The known name that was probably meant, or undefined when none is near: at most a third of it differs, or letters are swapped. */
export function suggest(name: string, known: Iterable<string>): string | undefined {
  const names = [...known];
  if (names.length === 0) return undefined;
  const best = closest(normal(name), names.map(normal));
  const index = names.map(normal).indexOf(best);
  const limit = Math.max(1, Math.floor(Math.max(name.length, best.length) / 3));
  const isNear = distance(normal(name), best) <= limit || letters(normal(name)) === letters(best);
  return isNear ? names[index] : undefined;
}

/** ` Did you mean X?`, or nothing: to be put behind an error. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const suggestion = suggest(name, known);
  return suggestion === undefined ? '' : ` Did you mean "${suggestion}"?`;
}

function normal(name: string): string {
  return name.toLowerCase().replaceAll('_', '-');
}

function letters(name: string): string {
  return [...name].sort().join('');
}
