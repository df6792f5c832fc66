export type SlurmProgram = 'sbatch' | 'srun';

export interface SlurmOption {
  readonly name: string;
  readonly letter: string | undefined;
  /** `optional`: a value only where it is attached, `--kill-on-bad-exit=1`, `-K1`. */
  readonly takes: 'none' | 'value' | 'optional';
  /** First and last version that has it, of those that were read: 20.11 to 26.05. */
  readonly since: string;
  readonly until: string;
}

/** Versions that were read. */
const OLDEST = '20.11';
const NEWEST = '26.05';

type Row = readonly [
  takes: SlurmOption['takes'],
  programs: readonly SlurmProgram[],
  /** `name,letter` or `name`, separated by spaces. */
  names: string,
  since?: string,
  until?: string,
];

/**
 * Options by what they take, whose they are and which versions have them. From the option tables in
 * `src/common/slurm_opt.c` of Slurm's release branches 20.11, 21.08, 22.05, 23.02, 23.11, 24.05, 24.11, 25.05, 25.11
 * and 26.05, as they were in August 2026; 22.05 compared with the `--help` and the manual pages of Debian 12.
 */
const TABLE: readonly Row[] = [
  [
    'value',
    ['srun'],
    'accel-bind cpu-bind cpu_bind epilog het-group jobid mpi msg-timeout pack-group prolog relative,r ' +
      'slurmd-debug task-epilog task-prolog threads,T wait,W',
  ],
  [
    'value',
    ['sbatch', 'srun'],
    'account,A acctg-freq bb bbf begin,b chdir,D cluster cluster-constraint clusters,M comment ' +
      'constraint,C core-spec,S cores-per-socket cpu-freq cpus-per-gpu cpus-per-task,c deadline ' +
      'delay-boot dependency,d distribution,m error,e exclude,x export extra-node-info,B gpu-bind gpu-freq ' +
      'gpus,G gpus-per-node gpus-per-socket gpus-per-task gres gres-flags hint input,i job-name,J ' +
      'licenses,L mail-type mail-user mcs-label mem mem-bind mem-per-cpu mem-per-gpu mincpus network ' +
      'nodefile,F nodelist,w nodes,N ntasks,n ntasks-per-core ntasks-per-gpu ntasks-per-node ' +
      'ntasks-per-socket ntasks-per-tres open-mode output,o partition,p priority profile qos,q reservation ' +
      'signal sockets-per-node switches tasks-per-node thread-spec threads-per-core time,t time-min tmp ' +
      'wckey',
  ],
  ['value', ['sbatch'], 'array,a batch export-file gid kill-on-invalid-dep uid wait-all-nodes wrap'],
  ['none', ['srun'], 'async', '26.05', '26.05'],
  ['value', ['sbatch', 'srun'], 'autocomplete container-id extra tres-per-task', '23.02', '26.05'],
  ['optional', ['srun'], 'bcast compress immediate,I kill-on-bad-exit,K overlap pty resv-ports x11'],
  ['value', ['srun'], 'bcast-exclude', '21.08', '26.05'],
  ['none', ['sbatch', 'srun'], 'consolidate-segments spread-segments', '25.11', '26.05'],
  ['value', ['sbatch', 'srun'], 'container context', '21.08', '26.05'],
  ['value', ['sbatch', 'srun'], 'container-type mem-update', '26.05', '26.05'],
  [
    'none',
    ['sbatch', 'srun'],
    'contiguous help,h hold,H overcommit,O oversubscribe,s quiet,Q reboot spread-job test-only usage ' +
      'use-min-nodes verbose,v version,V',
  ],
  [
    'none',
    ['srun'],
    'debugger-test disable-status,X exact interactive label,l multi-prog no-allocate,Z preserve-env,E ' +
      'quit-on-interrupt unbuffered,u whole',
  ],
  ['optional', ['sbatch', 'srun'], 'exclusive nice no-kill,k propagate'],
  ['none', ['sbatch'], 'external', '25.05', '26.05'],
  ['optional', ['srun'], 'external-launcher', '23.11', '26.05'],
  ['optional', ['sbatch'], 'get-user-env requeue'],
  ['value', ['srun'], 'gid uid', '20.11', '22.05'],
  ['none', ['sbatch'], 'ignore-pbs no-requeue parsable wait,W'],
  ['value', ['srun'], 'ignore-signals', '26.05', '26.05'],
  ['optional', ['sbatch', 'srun'], 'oom-kill-step', '24.11', '26.05'],
  ['value', ['sbatch', 'srun'], 'power', '20.11', '23.11'],
  ['value', ['sbatch', 'srun'], 'prefer', '22.05', '26.05'],
  ['value', ['sbatch', 'srun'], 'resources', '25.11', '26.05'],
  ['optional', ['sbatch'], 'resv-ports', '24.05', '26.05'],
  ['value', ['sbatch', 'srun'], 'segment', '24.05', '26.05'],
  ['optional', ['srun'], 'send-libs', '21.08', '26.05'],
  ['none', ['sbatch', 'srun'], 'stepmgr', '24.05', '26.05'],
  ['value', ['srun'], 'treewidth', '23.11', '26.05'],
  ['value', ['sbatch', 'srun'], 'tres-bind', '23.11', '26.05'],
  ['none', ['srun'], 'wait-for-children', '25.05', '26.05'],
];

/** The options of a program by long name. */
export function slurmOptions(program: SlurmProgram): ReadonlyMap<string, SlurmOption> {
  const known = tables.get(program) ?? new Map(optionsOf(program).map((option) => [option.name, option]));
  tables.set(program, known);
  return known;
}

const tables = new Map<SlurmProgram, ReadonlyMap<string, SlurmOption>>();

function optionsOf(program: SlurmProgram): SlurmOption[] {
  return TABLE.filter(([, programs]) => programs.includes(program)).flatMap(
    ([takes, , names, since = OLDEST, until = NEWEST]) =>
      names.split(' ').map((entry) => {
        const [name = '', letter] = entry.split(',');
        return { name, letter, takes, since, until };
      }),
  );
}

/** One option as it was typed. */
export interface TypedOption {
  /** Long name without dashes, completed where it was abbreviated; as typed where there is no such option. */
  readonly name: string;
  readonly value: string | undefined;
  readonly known: boolean;
  /** The options that it may stand for, where its beginning is that of several in every version of Slurm. */
  readonly ambiguous?: readonly string[];
  /** Index of its first word, and how many words it took. */
  readonly index: number;
  readonly words: number;
}

/**
 * Reads the options at the head of an argument list as getopt_long does (unambiguous beginnings, `-N2`, `-N 2`,
 * `-n=2` as the value `=2`), and says at which word the command begins. A word for which `isOpaque` is true may be
 * anything (`$OPTIONS`) and is passed over; the value of an unknown option is only what stands behind its `=`.
 */
export function readSlurmOptions(
  program: SlurmProgram,
  words: readonly string[],
  isOpaque: (index: number) => boolean = () => false,
): { options: TypedOption[]; rest: number } {
  const known = slurmOptions(program);
  const options: TypedOption[] = [];
  let index = 0;
  while (index < words.length) {
    const word = words[index] ?? '';
    if (word === '--') return { options, rest: index + 1 };
    if (!word.startsWith('-') || word === '-') {
      if (!isOpaque(index)) break;
      index += 1;
      continue;
    }
    const option = word.startsWith('--') ? long(word, known) : short(word, known);
    const takesNext = option.wantsValue && option.value === undefined && index + 1 < words.length;
    options.push({
      name: option.name,
      value: takesNext ? words[index + 1] : option.value,
      known: option.known,
      ...(option.ambiguous ? { ambiguous: option.ambiguous } : {}),
      index,
      words: takesNext ? 2 : 1,
    });
    index += takesNext ? 2 : 1;
  }
  return { options, rest: index };
}

interface Read {
  readonly name: string;
  readonly value: string | undefined;
  readonly known: boolean;
  readonly ambiguous?: readonly string[];
  readonly wantsValue: boolean;
}

function long(word: string, known: ReadonlyMap<string, SlurmOption>): Read {
  const equals = word.indexOf('=');
  const typed = word.slice(2, equals === -1 ? undefined : equals);
  const value = equals === -1 ? undefined : word.slice(equals + 1);
  const begins = [...known.keys()].filter((name) => name.startsWith(typed));
  const option = known.get(typed) ?? (begins.length === 1 ? known.get(begins[0] ?? '') : undefined);
  if (!option) {
    // glibc refuses a beginning that several options have.
    const always = begins.filter((name) => {
      const { since, until } = known.get(name) ?? {};
      return since === OLDEST && until === NEWEST;
    });
    const ambiguous = always.length > 1 ? { ambiguous: always } : {};
    return { name: typed, value, known: begins.length > 1, wantsValue: false, ...ambiguous };
  }
  return { name: option.name, value, known: true, wantsValue: option.takes === 'value' };
}

/** Letters without a value may be joined: `-lu`. The last one read is what counts here. */
function short(word: string, known: ReadonlyMap<string, SlurmOption>): Read {
  let read: Read = { name: word.slice(1), value: undefined, known: false, wantsValue: false };
  for (let at = 1; at < word.length; at++) {
    const option = [...known.values()].find(({ letter }) => letter === word[at]);
    if (!option) return { name: word[at] ?? '', value: undefined, known: false, wantsValue: false };
    const attached = word.slice(at + 1);
    read = { name: option.name, value: undefined, known: true, wantsValue: option.takes === 'value' };
    if (option.takes !== 'none') return attached === '' ? read : { ...read, value: attached };
  }
  return read;
}
