/** Characters that mean nothing to bash, anywhere in a word. */
const PLAIN = /^[A-Za-z0-9_@%+:,./-]+$/;

/** A value as one word of bash, whatever it holds (POSIX shell, 2.2.2: within single quotes nothing is special). */
export function shellWord(value: string): string {
  // Quotes hold in a word, not in a heredoc around it: there a line of its own could end the text.
  if (/[\n\r\0]/.test(value)) throw new TypeError('a line break cannot be put into a script');
  return PLAIN.test(value) ? value : `'${value.replaceAll("'", "'\\''")}'`;
}

/**
 * A value behind the `=` of an #SBATCH line. Slurm reads these lines by itself, with its own quotes: inside double
 * quotes a backslash keeps the next character (sbatch's option parser; shown on 22.05 by the end-to-end test).
 */
export function directiveValue(value: string): string {
  return /^[A-Za-z0-9_@%+:,./=[\]-]+$/.test(value) ? value : `"${value.replace(/["\\]/g, '\\$&')}"`;
}

/** In a file name of an #SBATCH line, `%` begins a pattern such as %j; doubled it stands for itself. */
export function directivePath(value: string): string {
  return directiveValue(value.replaceAll('%', '%%'));
}

/**
 * A value of a Hydra override. Within quotes everything is literal but the quote itself, backslashes before it, and an
 * interpolation (Hydra 1.3, extended override syntax).
 * @throws TypeError for an interpolation, which would be replaced.
 */
export function hydraValue(value: string): string {
  if (/\$\{/.test(value)) throw new TypeError(`Hydra would replace what is in ${JSON.stringify(value)}`);
  if (/^[A-Za-z0-9_@%+:./-]+$/.test(value)) return value;
  return `"${value.replace(/\\*(?="|$)/g, '$&$&').replaceAll('"', '\\"')}"`;
}
