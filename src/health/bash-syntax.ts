import { UsageError } from '../errors.ts';
import type { System } from '../system/system.ts';
import type { Check } from './check-schema.ts';
import { probeFunction } from './compile.ts';

/**
 * Lets bash read a probe in the form in which it becomes part of a larger program, where an error, a here-document or a
 * bracket left open would spoil every other check.
 * @throws UsageError with the file, the line and bash's own words.
 */
export async function refuseBadBash(
  system: Pick<System, 'env' | 'exec'>,
  path: string,
  source: string,
  check: Check,
): Promise<void> {
  // Empty lines in the place of the comment, less the one that the function begins with: bash counts as the file does.
  const above = source.slice(0, source.lastIndexOf(check.probe)).split('\n').length - 2;
  const { missing, code, stderr } = await system.exec(['bash', '-n'], {
    input: `${'\n'.repeat(Math.max(0, above))}${probeFunction(check)}\n`,
    env: { ...system.env, LC_ALL: 'C' },
  });
  if (missing || (code === 0 && stderr === '')) return;
  const [, line, words] = /line (\d+): (.*)/.exec(stderr) ?? [];
  throw new UsageError(
    `${path}${line === undefined ? '' : `:${line}`}: bash cannot read it: ${words ?? stderr.trim()}`,
    `bash -n ${path}`,
  );
}
