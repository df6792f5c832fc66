import { isAbsolute, join, normalize } from 'node:path';
import { UsageError } from '../errors.ts';
import { parseDuration } from '../slurm/duration.ts';

/** What a template's front matter says of one parameter. */
export interface Parameter {
  readonly name: string;
  readonly type: ParameterType;
  readonly help: string;
  readonly unit?: string;
  /** Why this program cannot have it: a value is an error with this text. */
  readonly refused?: string;
  readonly default?: ParameterValue;
  readonly required?: boolean;
  readonly min?: number;
  readonly max?: number;
  readonly choices?: readonly string[];
  /** Of one that names a checkpoint: the format in which the program reads it, or `any`. */
  readonly format?: string;
  /** The file that declares it: the heading it stands under in --help. */
  readonly group: string;
}

/**
 * - `string`: one line of text; `path`: made absolute; `paths`: several with spaces between; `model`: a path that exists, or
 *   a hub id
 * - `name`: letters, digits, `._-`, as a directory and a job are named
 * - `slurm`: a partition, account, QOS or node list, as Slurm spells them
 * - `duration`: Slurm's own forms, `2-00:00:00` or minutes; `memory`: `64G`, `0` for all of the node
 */
export const PARAMETER_TYPES = [
  'string',
  'path',
  'paths',
  'model',
  'name',
  'slurm',
  'duration',
  'memory',
  'int',
  'float',
  'bool',
  'choice',
] as const;
export type ParameterType = (typeof PARAMETER_TYPES)[number];
export type ParameterValue = string | number | boolean | null;

/** A value as it was given, and where: `--nodes`, `--set nodes`, `recipe.yaml:3`, `opsctl.yaml:12`. */
export interface Given {
  readonly value: unknown;
  readonly where: string;
}

export interface Surroundings {
  /** Relative paths are below it. */
  readonly cwd: string;
  readonly home: string;
  /** Whether a path exists, as `model` needs to tell a directory from a hub id. */
  readonly exists: (path: string) => boolean;
}

const MAX_TEXT = 4096;
/** Linux's NAME_MAX is 255; the name also becomes part of file names. */
const MAX_NAME = 128;

/**
 * Reads one value by its declaration.
 * @throws UsageError that names the value, the parameter, the place and what would be right.
 */
export function readValue(parameter: Parameter, given: Given, around: Surroundings): ParameterValue {
  if (given.value === null) return null;
  if (parameter.refused !== undefined)
    throw new UsageError(`${parameter.name} (from ${given.where}): ${parameter.refused}`);
  if (typeof given.value === 'object')
    throw wrong(parameter, given, 'is a list or a map; one value is wanted');
  const value = READERS[parameter.type](parameter, given, around);
  if (typeof value === 'number') checkRange(parameter, given, value);
  return value;
}

type Reader = (parameter: Parameter, given: Given, around: Surroundings) => ParameterValue;

const READERS: Readonly<Record<ParameterType, Reader>> = {
  string: (parameter, given) => line(parameter, given),
  path: (parameter, given, around) => absolute(line(parameter, given), around),
  paths: (parameter, given, around) => {
    const words = line(parameter, given).split(' ');
    const paths = words.filter((word) => word !== '').map((word) => absolute(word, around));
    if (paths.length === 0) throw wrong(parameter, given, 'is empty');
    const odd = paths.find((path) => path.includes(' '));
    if (odd !== undefined)
      throw wrong(parameter, given, `would be ${odd}: in a list of paths a space stands between two of them`);
    return paths.join(' ');
  },
  model: (parameter, given, around) => {
    const value = line(parameter, given);
    const path = absolute(value, around);
    return /^(\.{0,2}\/|~)/.test(value) || around.exists(path) ? path : value;
  },
  name: (parameter, given) => {
    const value = String(given.value);
    // Where a run is named, digits are a job's id and "last" is the newest run.
    if (/^[^A-Za-z]*$/.test(value) || value === 'last')
      throw wrong(parameter, given, 'needs a letter, and may not be "last"');
    return runNameOf(parameter, given);
  },
  slurm: (parameter, given) =>
    matching(parameter, given, /^[A-Za-z0-9][A-Za-z0-9_.,@[\]-]*$/, 'a name as Slurm spells it', MAX_TEXT),
  memory: (parameter, given) =>
    matching(
      parameter,
      given,
      /^[0-9]+[KMGT]?$/i,
      'a number with K, M, G or T, such as 64G (0: all of the node)',
      MAX_NAME,
    ),
  duration: (parameter, given) => {
    const value = line(parameter, given);
    if (parseDuration(value) === 0)
      throw wrong(parameter, given, 'is no time limit to Slurm: write UNLIMITED if that is meant');
    if (parseDuration(value) === undefined)
      throw wrong(
        parameter,
        given,
        'is no time that Slurm knows: days-hours:minutes:seconds such as 2-00:00:00, hours:minutes:seconds, or minutes',
      );
    return value;
  },
  int: (parameter, given) => {
    const value = Number(line(parameter, given));
    if (!/^[+-]?\d+$/.test(line(parameter, given)) || !Number.isSafeInteger(value))
      throw wrong(parameter, given, 'is no whole number');
    return value;
  },
  float: (parameter, given) => {
    const value = Number(line(parameter, given));
    if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(line(parameter, given)) || !Number.isFinite(value))
      throw wrong(parameter, given, 'is no number');
    return value;
  },
  bool: (parameter, given) => {
    const value = line(parameter, given).toLowerCase();
    if (['true', 'yes', 'on', '1'].includes(value)) return true;
    if (['false', 'no', 'off', '0'].includes(value)) return false;
    throw wrong(parameter, given, 'is neither true nor false');
  },
  choice: (parameter, given) => {
    const value = line(parameter, given);
    if (!parameter.choices?.includes(value))
      throw wrong(parameter, given, `is none of: ${parameter.choices?.join(', ')}`);
    return value;
  },
};

/**
 * One line of printable text. Line breaks and control characters are refused in every parameter: no place in a
 * batch script (an #SBATCH line, a comment) could carry them, and no path of a training run needs them.
 */
function line(parameter: Parameter, given: Given): string {
  const value = String(given.value);
  if (value === '') throw wrong(parameter, given, 'is empty');
  if (/[\u0000-\u001f\u007f-\u009f\u2028\u2029]/.test(value))
    throw wrong(parameter, given, 'holds a line break or another control character');
  if (/\p{Surrogate}/u.test(value)) throw wrong(parameter, given, 'is not valid Unicode');
  if (value.length > MAX_TEXT) throw wrong(parameter, given, `is longer than ${MAX_TEXT} characters`);
  const isText = parameter.type !== 'int' && parameter.type !== 'float';
  if (isText && value.startsWith('-'))
    throw wrong(
      parameter,
      given,
      'begins with "-": a program would take it for an option (write ./-name for a path)',
    );
  return value;
}

function runNameOf(parameter: Parameter, given: Given): string {
  return matching(
    parameter,
    given,
    /^[A-Za-z0-9][A-Za-z0-9._-]*$/,
    'letters, digits, ".", "_" and "-", beginning with a letter or digit',
    MAX_NAME,
  );
}

function matching(
  parameter: Parameter,
  given: Given,
  pattern: RegExp,
  wanted: string,
  maxLength: number,
): string {
  const value = line(parameter, given);
  if (!pattern.test(value)) throw wrong(parameter, given, `is not ${wanted}`);
  if (value.length > maxLength) throw wrong(parameter, given, `is longer than ${maxLength} characters`);
  return value;
}

function absolute(value: string, around: Surroundings): string {
  const path = value === '~' || value.startsWith('~/') ? join(around.home, value.slice(1)) : value;
  return normalize(isAbsolute(path) ? path : join(around.cwd, path));
}

function checkRange(parameter: Parameter, given: Given, value: number): void {
  const unit = parameter.unit === undefined ? '' : ` ${parameter.unit}`;
  if (parameter.min !== undefined && value < parameter.min)
    throw wrong(parameter, given, `is below the least, ${parameter.min}${unit}`);
  if (parameter.max !== undefined && value > parameter.max)
    throw wrong(parameter, given, `is above the most, ${parameter.max}${unit}`);
}

function wrong(parameter: Parameter, given: Given, what: string): UsageError {
  const shown = String(given.value).slice(0, 200);
  return new UsageError(
    `${parameter.name}: ${JSON.stringify(shown)} (from ${given.where}) ${what}`,
    parameter.help,
  );
}
