import { EXIT, OpsError } from '../errors.ts';
import type { System } from '../system/system.ts';
import { complaintOf, notAList, slurm } from './command.ts';
import { EPOCH_TIMES, parseDuration, parseTimestamp } from './duration.ts';
import { FIELD_SEPARATOR, finiteOrNull, type JobQuery, type SlurmJob, wordOrNull } from './job.ts';
import { jobState } from './states.ts';

/**
 * The fields asked for, in this order: squeue(1) `--format`, the same letters since Slurm 2. The long `--Format`
 * cuts each field at a width. The name is the only free text, so it comes last and may hold anything.
 */
const FIELDS = {
  rawId: '%A',
  jobId: '%i',
  state: '%T',
  reason: '%r',
  user: '%u',
  partition: '%P',
  nodeCount: '%D',
  nodes: '%N',
  elapsed: '%M',
  limit: '%l',
  submit: '%V',
  start: '%S',
  end: '%e',
  comment: '%k',
  name: '%j',
} as const;

type Field = keyof typeof FIELDS;
const NAMES = Object.keys(FIELDS) as Field[];
/** Where each stands in a record: ten thousand records are read in one look. */
const AT = Object.fromEntries(NAMES.map((name, index) => [name, index])) as Readonly<Record<Field, number>>;

/** Opens each record: a job name may hold line ends. */
const RECORD = '\u001e';
/** Of a record, also of one that was cut off: the number that comes first, or a part of it. */
const BEGINNING = new RegExp(`^\\d*(?:${FIELD_SEPARATOR}|\n?$)`);
const FORMAT = RECORD + Object.values(FIELDS).join(FIELD_SEPARATOR);

/** A person's own squeue defaults would filter jobs away or change the form. */
const NO_DEFAULTS = {
  SQUEUE_ACCOUNT: undefined,
  SQUEUE_ARRAY: undefined,
  SQUEUE_ARRAY_UNIQUE: undefined,
  SQUEUE_FORMAT: undefined,
  SQUEUE_FORMAT2: undefined,
  SQUEUE_LICENSES: undefined,
  SQUEUE_NAMES: undefined,
  SQUEUE_PARTITION: undefined,
  SQUEUE_QOS: undefined,
  SQUEUE_SORT: undefined,
  SQUEUE_STATES: undefined,
  SQUEUE_USERS: undefined,
} as const;

/**
 * The jobs that the controller knows, ended ones too until MinJobAge has passed: a job that is not in the answer may
 * have ended well, so its absence says nothing.
 * @throws OpsError 69 or 75 from slurm(); 75 when squeue failed in any other way, or printed no list or half of one.
 */
export async function squeue(
  system: System,
  query: JobQuery,
  options: { timeoutMs?: number } = {},
): Promise<SlurmJob[]> {
  if ('jobIds' in query && query.jobIds.length === 0) return [];
  const argv = ['squeue', '--noheader', '--all', '--states=all', `--format=${FORMAT}`, ...filters(query)];
  const answer = await slurm(system, argv, { ...options, env: { ...EPOCH_TIMES, ...NO_DEFAULTS } });
  if (answer.ok) return parseSqueue(answer.stdout);
  // Said only when a single id was asked for; of several, squeue passes over the unknown ones.
  if (/Invalid job id specified/.test(answer.stderr)) return [];
  throw new OpsError(`squeue failed: ${complaintOf(answer)}`, { exitCode: EXIT.tryAgain });
}

function filters(query: JobQuery): string[] {
  if ('jobIds' in query) return [`--jobs=${query.jobIds.join(',')}`];
  return [`--user=${query.user}`, ...(query.names ? [`--name=${query.names.join(',')}`] : [])];
}

/**
 * Reads what squeue printed under FORMAT.
 * @throws OpsError 75 when that is not a whole list: of a job that it may have left out nothing is known.
 */
export function parseSqueue(stdout: string): SlurmJob[] {
  // Some versions name the cluster above its jobs when SLURM_CLUSTERS asks for one.
  const text = stdout.replace(/^CLUSTER: \S+\n/gm, '');
  if (text === '') return [];
  const [before, ...pieces] = text.split(RECORD);
  const records: string[] = [];
  for (const piece of pieces)
    if (BEGINNING.test(piece)) records.push(piece);
    // A job's name may hold anything, this character too.
    else records.push(`${records.pop() ?? ''}${RECORD}${piece}`);
  const rows = records.map((record) => record.replace(/\n$/, '').split(FIELD_SEPARATOR));
  const isWhole = before === '' && text.endsWith('\n') && rows.every(({ length }) => length >= NAMES.length);
  if (!isWhole) throw notAList('squeue');
  return rows.map(toJob);
}

function toJob(values: readonly string[]): SlurmJob {
  const get = (field: Exclude<Field, 'name'>): string => values[AT[field]] ?? '';
  const state = jobState(get('state'));
  return {
    source: 'squeue',
    jobId: get('jobId'),
    rawId: get('rawId'),
    name: values.slice(AT.name).join(FIELD_SEPARATOR),
    user: get('user'),
    partition: get('partition'),
    state,
    reason: wordOrNull(get('reason')),
    nodeCount: Number(get('nodeCount')) || 0,
    nodes: wordOrNull(get('nodes')) ?? '',
    elapsedSeconds: finiteOrNull(parseDuration(get('elapsed'))),
    limitSeconds: finiteOrNull(parseDuration(get('limit'))),
    submitTime: parseTimestamp(get('submit')),
    startTime: parseTimestamp(get('start')),
    // While a job runs this is the moment its limit ends it, not an end.
    endTime: state.phase === 'ended' ? parseTimestamp(get('end')) : null,
    comment: wordOrNull(get('comment')),
    exitCode: null,
    signal: null,
  };
}
