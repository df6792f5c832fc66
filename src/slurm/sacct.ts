import { EXIT, OpsError } from '../errors.ts';
import type { System } from '../system/system.ts';
import { complaintOf, notAList, slurm } from './command.ts';
import { EPOCH_TIMES, parseTimestamp } from './duration.ts';
import { FIELD_SEPARATOR, finiteOrNull, type JobQuery, type SlurmJob, wordOrNull } from './job.ts';
import { jobState } from './states.ts';

/** The fields asked for, in this order: sacct(1), all known to Slurm 20.11. The name is free text, so it comes last. */
const FIELDS = [
  'JobIDRaw',
  'JobID',
  'State',
  'ExitCode',
  'User',
  'Partition',
  'NNodes',
  'NodeList',
  'ElapsedRaw',
  'TimelimitRaw',
  'Submit',
  'Start',
  'End',
  'JobName',
] as const;

type Field = (typeof FIELDS)[number];

/** What accounting said. `disabled` is a cluster's answer, not a failure; an empty list of jobs means nothing is known. */
export type Accounting =
  | { readonly kind: 'jobs'; readonly jobs: readonly SlurmJob[] }
  | { readonly kind: 'disabled' };

/**
 * The newest attempt of the jobs as accounting has it, which lags the truth by seconds; with `duplicates` every
 * attempt, oldest first.
 * @param since seconds since 1970: older records are another job with a used-again id.
 * @throws OpsError 69 or 75 from slurm(); 75 when sacct failed in any other way, or printed no list or half of one.
 */
export async function sacct(
  system: System,
  query: JobQuery,
  since: number,
  options: { timeoutMs?: number; duplicates?: boolean } = {},
): Promise<Accounting> {
  if ('jobIds' in query && query.jobIds.length === 0) return { kind: 'jobs', jobs: [] };
  const argv = [
    'sacct',
    '--noheader',
    '--allocations',
    ...(options.duplicates ? ['--duplicates'] : []),
    '--parsable2',
    `--delimiter=${FIELD_SEPARATOR}`,
    `--format=${FIELDS.join(',')}`,
    `--starttime=${localTime(since)}`,
    ...filters(query),
  ];
  const answer = await slurm(system, argv, {
    ...options,
    env: { ...EPOCH_TIMES, SACCT_FORMAT: undefined },
  });
  if (/accounting storage is disabled/i.test(answer.stderr)) return { kind: 'disabled' };
  if (answer.ok) return { kind: 'jobs', jobs: parseSacct(answer.stdout) };
  throw new OpsError(`sacct failed: ${complaintOf(answer)}`, { exitCode: EXIT.tryAgain });
}

function filters(query: JobQuery): string[] {
  if ('jobIds' in query) return [`--jobs=${query.jobIds.join(',')}`];
  return [`--user=${query.user}`, ...(query.names ? [`--name=${query.names.join(',')}`] : [])];
}

/** `YYYY-MM-DDTHH:MM:SS` in local time: the only form with seconds that every sacct takes. */
function localTime(epochSeconds: number): string {
  const date = new Date(epochSeconds * 1000);
  const shifted = new Date(date.getTime() - date.getTimezoneOffset() * 60_000);
  return shifted.toISOString().slice(0, 19);
}

/** A record's first line: a raw id and the separator. Any other line goes on with the name of the job before it. */
const RECORD_START = new RegExp(`^\\d+${FIELD_SEPARATOR}`);

/**
 * Reads what sacct printed.
 * @throws OpsError 75 when that is not a whole list.
 */
export function parseSacct(stdout: string): SlurmJob[] {
  if (stdout === '') return [];
  const records: string[] = [];
  for (const line of stdout.replace(/\n$/, '').split('\n')) {
    if (RECORD_START.test(line)) records.push(line);
    else if (records.length > 0) records.push(`${records.pop()}\n${line}`);
    else throw notAList('sacct');
  }
  const rows = records.map((record) => record.split(FIELD_SEPARATOR));
  const isWhole = stdout.endsWith('\n') && rows.every(({ length }) => length >= FIELDS.length);
  if (!isWhole) throw notAList('sacct');
  return rows.map(toJob);
}

function toJob(values: readonly string[]): SlurmJob {
  const get = (field: Field): string => values[FIELDS.indexOf(field)] ?? '';
  const state = jobState(get('State'));
  // `exit:signal`; a job that has not ended shows 0:0 there.
  const [exitCode, signal] = get('ExitCode').split(':').map(Number);
  const limitMinutes = /^\d+$/.test(get('TimelimitRaw')) ? Number(get('TimelimitRaw')) : undefined;
  return {
    source: 'sacct',
    jobId: get('JobID'),
    rawId: get('JobIDRaw'),
    name: values.slice(FIELDS.indexOf('JobName')).join(FIELD_SEPARATOR),
    user: get('User'),
    partition: get('Partition'),
    state,
    reason: null,
    nodeCount: Number(get('NNodes')) || 0,
    nodes: wordOrNull(get('NodeList')) ?? '',
    elapsedSeconds: /^\d+$/.test(get('ElapsedRaw')) ? Number(get('ElapsedRaw')) : null,
    limitSeconds: finiteOrNull(limitMinutes === undefined ? undefined : limitMinutes * 60),
    submitTime: parseTimestamp(get('Submit')),
    startTime: parseTimestamp(get('Start')),
    endTime: parseTimestamp(get('End')),
    // Many sites keep none, so it would say nothing.
    comment: null,
    exitCode: state.phase === 'ended' && Number.isInteger(exitCode) ? (exitCode ?? null) : null,
    signal: state.phase === 'ended' && signal ? signal : null,
  };
}
