import { basename } from 'node:path';
import { check as validate } from '../config/check.ts';
import { parseYaml } from '../config/yaml-file.ts';
import { UsageError } from '../errors.ts';
import { type Check, checkProblems, checkSchema } from './check-schema.ts';

const HEADER = /^# ---\n((?:#.*\n)*?)# ---\n/m;

/**
 * Reads a check: YAML between two comment lines of `# ---`, and the probe below.
 * @throws UsageError with every problem, each with file and line.
 */
export function parseCheck(path: string, source: string): Check {
  const text = source.replaceAll('\r\n', '\n');
  const header = HEADER.exec(text);
  if (!header) throw new UsageError(`${path}: has no YAML between two comment lines "# ---"`);
  // Empty lines in the place of what stands above, so that the lines are those of the file.
  const above = '\n'.repeat(text.slice(0, header.index).split('\n').length);
  const front = validate(checkSchema, parseYaml(path, above + (header[1] ?? '').replace(/^# ?/gm, '')));
  const problems = checkProblems(front);
  if (`${front.id}.sh` !== basename(path))
    problems.unshift(`the id is ${front.id}: it must be the file's name`);
  if (problems.length > 0) throw new UsageError(problems.map((problem) => `${path}: ${problem}`).join('\n'));
  return { ...front, probe: text.slice(header.index + header[0].length).trim() };
}
