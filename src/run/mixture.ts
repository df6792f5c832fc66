import { UsageError } from '../errors.ts';
import type { PlainValue } from '../template/context.ts';
import type { ParameterValue } from '../template/parameter.ts';

type Values = Readonly<Record<string, ParameterValue>>;

/** How far the shares may be from 1 together: somebody writes 0.33 three times. */
const SLACK = 0.02;

/**
 * The directories that are mixed in beside the data.
 * @throws UsageError for one that is no absolute path, or that a list of directories could not hold.
 */
export function moreData({ more_data }: Values): string[] {
  return directoriesOf('more_data', more_data);
}

/** Directories beside the data, each list with the suffix of its files. */
export interface DataList {
  /** The parameter that names it, with its number where it names several: `more_data`, `more_data 2`. */
  readonly name: string;
  readonly directory: string;
  readonly suffix: string;
  /** Plain text, whatever the data itself holds. */
  readonly isText: boolean;
}

/**
 * What a run reads beside its data: more of it, plain text in the same batches, and what it evaluates on.
 * @throws UsageError as `moreData`.
 */
export function dataLists(values: Values): DataList[] {
  return LISTS.flatMap(([name, suffixName]) => {
    const suffix = values[suffixName];
    // Where a parameter of the name is one path, it is no list.
    if (name !== 'more_data' && suffix === undefined) return [];
    return directoriesOf(name, values[name]).map((directory, at) => ({
      name: at === 0 ? name : `${name} ${at + 1}`,
      directory,
      suffix: String(suffix ?? ''),
      isText: name.includes('pretrain'),
    }));
  });
}

const LISTS = [
  ['more_data', 'data_suffix'],
  ['pretrain_data', 'pretrain_data_suffix'],
  ['eval_data', 'eval_data_suffix'],
  ['eval_pretrain_data', 'eval_pretrain_data_suffix'],
] as const;

function directoriesOf(name: string, value: ParameterValue | undefined): string[] {
  const directories = words(value);
  const odd = directories.find((path) => !path.startsWith('/') || /[,:]/.test(path));
  if (odd !== undefined)
    throw new UsageError(
      `${name}: ${JSON.stringify(odd)} is no absolute path without a comma and a colon`,
      `Name directories with spaces between, such as ${name}: "/data/code /data/books".`,
    );
  return directories;
}

/**
 * Each directory's share of what is trained on, the data's own first; undefined when none is given.
 * @throws UsageError when there are more or fewer of them than directories, or they are not 1 together.
 */
export function dataShares(values: Values): number[] | undefined {
  const given = words(values.data_shares);
  if (given.length === 0) return undefined;
  const shares = given.map(Number);
  const wanted = moreData(values).length + 1;
  const sum = shares.reduce((total, share) => total + share, 0);
  if (shares.length === wanted && shares.every((share) => share > 0) && Math.abs(sum - 1) <= SLACK)
    return shares;
  throw new UsageError(
    `data_shares: ${JSON.stringify(values.data_shares)} is not one share above 0 for each of the ${wanted} directories of data and more_data, 1 together`,
    'Such as data_shares: "0.7 0.3", the share of `data` first.',
  );
}

/**
 * What the templates read of it.
 * @throws UsageError as `moreData` and `dataShares`, and for a split that a mixture has not.
 */
export function mixtureContext(values: Values): Record<string, PlainValue> {
  const more = moreData(values);
  if (more.length > 0 && typeof values.eval_split === 'string')
    throw new UsageError(
      `eval_split: of several directories one data set is made, which has no split "${values.eval_split}"`,
      'Leave out eval_split, or put the data into one directory.',
    );
  const shares = dataShares(values);
  // Megatron wants whole numbers beside its files, of which a directory may have many.
  const millionths = (at: number) => (shares === undefined ? null : Math.round((shares[at] ?? 0) * 1e6));
  return {
    data_share: shares?.[0] ?? null,
    data_millionths: millionths(0),
    more_directories: more.map((directory, at) => ({
      directory,
      number: at + 2,
      share: shares?.[at + 1] ?? null,
      millionths: millionths(at + 1),
    })),
    share_list: shares?.join(',') ?? null,
    directory_list: [values.data ?? '', ...more].join(','),
  };
}

function words(value: ParameterValue | undefined): string[] {
  return typeof value === 'string' ? value.split(/\s+/).filter((word) => word !== '') : [];
}
