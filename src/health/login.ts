import { constants } from 'node:fs';
import { access, stat, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { errorCode } from '../system/files.ts';
import { shortHostname } from '../system/system.ts';
import { type DataScan, scanData } from './data.ts';
import type { Status, Verdict } from './verdict.ts';

/** The paths of a run, as far as the login node can look at them. */
export interface RunPaths {
  readonly model: string;
  readonly data: string;
  readonly dataSuffix: string;
  readonly dataKeys: readonly string[];
  readonly output: string;
}

export interface LoginChecks {
  readonly verdicts: readonly Verdict[];
  readonly data: DataScan;
}

type Judgement = Pick<Verdict, 'status' | 'message' | 'value' | 'fix'>;

/** Looks at what a run will read and write, from here, before anything is queued. */
export async function checkLogin(paths: RunPaths): Promise<LoginChecks> {
  let data: DataScan = { files: 0, bytes: 0, problems: [] };
  const verdicts = await Promise.all([
    timed('data', 'files', async () => {
      data = await scanData(paths.data, paths.dataSuffix, paths.dataKeys);
      return judgeData(data, paths);
    }),
    timed('output', 'writable', () => judgeOutput(paths.output)),
    timed('model', 'path', () => judgeModel(paths.model)),
  ]);
  return { verdicts, data };
}

async function timed(check: string, fact: string, judge: () => Promise<Judgement>): Promise<Verdict> {
  const start = performance.now();
  const judgement = await judge();
  return {
    check,
    node: shortHostname(),
    fact,
    limit: null,
    ...judgement,
    seconds: Math.round(performance.now() - start) / 1000,
  };
}

function judgeData(data: DataScan, { data: directory }: RunPaths): Judgement {
  const [first, ...rest] = data.problems;
  if (first === undefined) {
    return {
      status: 'ok',
      message: `${data.files} files, ${megabytes(data.bytes)} in ${directory}`,
      value: data.files,
      fix: null,
    };
  }
  const more = rest.length === 0 ? '' : ` (and ${rest.length} more)`;
  return {
    status: 'critical',
    message: first + more,
    value: data.files,
    fix: '--data DIR --data-suffix SUFFIX',
  };
}

async function judgeOutput(output: string): Promise<Judgement> {
  const existing = await nearestExisting(output);
  try {
    await access(existing, constants.W_OK | constants.X_OK);
    if (!(await stat(existing)).isDirectory())
      return critical(`${existing} is a file; a directory is wanted`, '--output DIR');
    const space = await statfs(existing);
    if (space.bavail === 0) return critical(`the file system of ${existing} is full`, `df -h ${existing}`);
    return { status: 'ok', message: `${output} can be written`, value: existing, fix: null };
  } catch (error) {
    const code = errorCode(error);
    const why =
      code === 'EROFS' ? 'is on a read-only file system' : `cannot be written (${code ?? String(error)})`;
    return critical(`${existing} ${why}`, '--output DIR');
  }
}

async function judgeModel(model: string): Promise<Judgement> {
  if (!model.startsWith('/'))
    return { status: 'ok', message: `${model} is a name, not a path`, value: model, fix: null };
  try {
    await access(model, constants.R_OK);
    return { status: 'ok', message: `${model} is there`, value: model, fix: null };
  } catch (error) {
    return critical(
      `the model ${model} cannot be read (${errorCode(error) ?? String(error)})`,
      '--model PATH',
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
