import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorCode } from '../system/files.ts';
import { shortHostname } from '../system/system.ts';
import { type DataScan, NO_DATA, scanData } from './data.ts';
import type { Status, Verdict } from './verdict.ts';

/** The paths of a run, as far as the login node can look at them. */
export interface RunPaths {
  readonly model: string;
  /** Null for a run that reads none. */
  readonly data: string | null;
  readonly dataSuffix: string;
  readonly dataKeys: readonly string[];
  /** From how many files on opening them costs time and inodes. */
  readonly dataFilesMax: number;
  readonly output: string;
  /** Directories of data beside it, by the parameter that names each. */
  readonly lists: readonly { name: string; directory: string; suffix: string; isText: boolean }[];
  /** Files and directories that the job reads, by the parameter that names them. */
  readonly needed: Readonly<Record<string, string>>;
  readonly secretsFile: string | null;
}

export interface LoginChecks {
  readonly verdicts: readonly Verdict[];
  readonly data: DataScan;
}

type Judgement = Pick<Verdict, 'status' | 'message' | 'value' | 'fix'>;

/** Looks at what a run will read and write, from here, before anything is queued. */
export async function checkLogin(paths: RunPaths): Promise<LoginChecks> {
  let data = NO_DATA;
  const verdicts = await Promise.all([
    ...[paths.data ?? []].flat().map((directory) =>
      timed('data', 'files', async () => {
        data = await scanData(directory, paths.dataSuffix, paths.dataKeys);
        return judgeData(data, directory, paths.dataFilesMax);
      }),
    ),
    ...paths.lists.map(({ name, directory, suffix, isText }) =>
      timed(name, 'files', async () => {
        const keys = isText ? ['text'] : paths.dataKeys;
        return judgeData(await scanData(directory, suffix, keys), directory, paths.dataFilesMax, name);
      }),
    ),
    timed('output', 'writable', () => judgeOutput(paths.output)),
    timed('model', 'path', () => judgeModel(paths.model)),
    ...Object.entries(paths.needed).map(([name, path]) => timed(name, 'path', () => judgePath(name, path))),
    ...(paths.secretsFile === null
      ? []
      : [timed('secrets', 'mode', () => judgeSecrets(paths.secretsFile ?? ''))]),
  ]);
  return { verdicts, data };
}

async function timed(check: string, fact: string, judge: () => Promise<Judgement>): Promise<Verdict> {
  // Not `performance`: Node loads it on first use, which takes longer than these checks.
  const start = process.hrtime.bigint();
  const judgement = await judge();
  return {
    check,
    node: shortHostname(),
    fact,
    limit: null,
    ...judgement,
    seconds: Number((process.hrtime.bigint() - start) / 1_000_000n) / 1000,
  };
}

function judgeData(data: DataScan, directory: string, dataFilesMax: number, name = 'data'): Judgement {
  const { files, bytes, problems, warnings } = data;
  if (problems.length > 0)
    return {
      ...findings('critical', problems),
      value: files,
      fix: `set ${name} to what is there, and the suffix to how its files end`,
    };
  if (warnings.length > 0)
    return { ...findings('warning', warnings), value: files, fix: `opsctl data stat ${directory}` };
  if (files > dataFilesMax)
    return {
      status: 'warning',
      message: `${files} files in ${directory}: opening so many costs time and inodes`,
      value: files,
      fix: 'cat them into fewer files',
    };
  const message = `${files} files, ${megabytes(bytes)} in ${directory}`;
  return { status: 'ok', message, value: files, fix: null };
}

/** The first of several, and how many more there are. */
function findings(
  status: Status,
  [first = '', ...rest]: readonly string[],
): Pick<Verdict, 'status' | 'message'> {
  return { status, message: rest.length === 0 ? first : `${first} (and ${rest.length} more)` };
}

async function judgeOutput(output: string): Promise<Judgement> {
  const existing = await nearestExisting(output);
  try {
    if (!(await stat(existing)).isDirectory())
      return critical(`${existing} is a file; a directory is wanted`, 'set output to another directory');
    await access(existing, constants.W_OK | constants.X_OK);
    const space = await statfs(existing);
    if (space.blocks === 0)
      return critical(
        `${existing} is on a file system that holds no files`,
        'set output to another directory',
      );
    if (space.bavail === 0) return critical(`the file system of ${existing} is full`, `df -h ${existing}`);
    return { status: 'ok', message: `${output} can be written`, value: existing, fix: null };
  } catch (error) {
    const code = errorCode(error);
    const why =
      code === 'EROFS' ? 'is on a read-only file system' : `cannot be written (${code ?? String(error)})`;
    return critical(`${existing} ${why}`, 'set output to another directory');
  }
}

async function judgeModel(model: string): Promise<Judgement> {
  if (model.startsWith('/')) return judgePath('model', model);
  return { status: 'ok', message: `${model} is a name, not a path`, value: model, fix: null };
}

async function judgePath(name: string, path: string): Promise<Judgement> {
  try {
    await access(path, constants.R_OK);
    return { status: 'ok', message: `${path} is there`, value: path, fix: null };
  } catch (error) {
    return critical(
      `the ${name} ${path} cannot be read (${errorCode(error) ?? String(error)})`,
      `set ${name} to what is there`,
    );
  }
}

/** The same question that the job asks on each node before it reads the file. */
async function judgeSecrets(path: string): Promise<Judgement> {
  try {
    const mode = (await stat(path)).mode & 0o777;
    const shown = mode.toString(8).padStart(4, '0');
    if ((mode & 0o177) !== 0)
      return critical(`${path} has mode ${shown}: others could read it`, `chmod 600 ${path}`);
    return { status: 'ok', message: `${path} is its owner's alone`, value: shown, fix: null };
  } catch (error) {
    return critical(
      `the secrets file ${path} cannot be read (${errorCode(error) ?? String(error)})`,
      'set secrets_file to what is there',
    );
  }
}

function critical(message: string, fix: string): Judgement {
  return { status: 'critical' satisfies Status, message, value: null, fix };
}

async function nearestExisting(path: string): Promise<string> {
  let current = path;
  while (current !== dirname(current)) {
    const there = await stat(current).then(
      () => true,
      (error: unknown) => errorCode(error) !== 'ENOENT',
    );
    if (there) return current;
    current = dirname(current);
  }
  return current;
}

function megabytes(bytes: number): string {
  return bytes < 1e6 ? `${(bytes / 1e3).toFixed(1)} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
