import { parseArguments } from './argparse.ts';
import type { FlagList } from './flag-list.ts';
import { LAUNCHERS, ofCommand, ofModule, ofScript, type Program, TRAINERS } from './programs.ts';

/** A program in a command line; its own words begin at `start` and end before `end`. */
export interface Segment {
  readonly program: string;
  /** False where other programs have the same name. */
  readonly certain: boolean;
  /** The launcher whose flags it takes beside its own: `trl sft --num_processes 4`. */
  readonly launcher?: string | undefined;
  /** Whether it is a file of a checkout, which may have been changed, and no installed module or command. */
  readonly isFile: boolean;
  readonly start: number;
  readonly end: number;
}

export interface Identified {
  /** The launcher, if there is one. */
  readonly launcher: Segment | undefined;
  readonly trainer: Segment | undefined;
  /** Where the words of the program that trains begin, also when nobody knows the program. */
  readonly arguments: number | undefined;
}

/** Programs that only start what follows: behind anything else (`pip install deepspeed`) nothing is looked for. */
const WRAPPERS = new Set(
  'srun env exec command nohup time timeout numactl nice ionice stdbuf setsid taskset sudo mpirun mpiexec ray uv poetry conda mamba micromamba pixi apptainer singularity enroot nsys'.split(
    ' ',
  ),
);
/** Options of Python that take the next word. */
const PYTHON_WITH_VALUE = new Set(['-W', '-X', '--check-hash-based-pycs']);
const NOTHING: Identified = { launcher: undefined, trainer: undefined, arguments: undefined };

/**
 * Finds launcher and trainer in a command line: `srun … torchrun … script.py …`, `python -m …`,
 * `accelerate launch … --module …`, `deepspeed … script.py`, `ray job submit … -- python3 -m …`.
 * @param list gives the flags of a launcher, which say where they end.
 */
export function identify(
  argv: readonly string[],
  list: (program: string) => FlagList | undefined,
): Identified {
  const first = firstProgram(argv);
  return first === undefined ? NOTHING : from(argv, first, list);
}

/** The first word that starts a program: python, a launcher, or a trainer's own command. */
function firstProgram(argv: readonly string[]): number | undefined {
  let isBehindWrapper = false;
  for (const [at, word] of argv.entries()) {
    if (/^[A-Za-z_]\w*=/.test(word) || (isBehindWrapper && word.startsWith('-'))) continue;
    if (isPython(word) || ofCommand([...LAUNCHERS, ...TRAINERS], word, argv[at + 1])) return at;
    if (ofScript(TRAINERS, word)) return at;
    if (WRAPPERS.has(baseName(word))) isBehindWrapper = true;
    else if (!isBehindWrapper) return undefined;
  }
  return undefined;
}

function from(
  argv: readonly string[],
  at: number,
  list: (program: string) => FlagList | undefined,
): Identified {
  const word = argv[at] ?? '';
  if (isPython(word)) return fromPython(argv, at + 1, list);
  const launcher = ofCommand(LAUNCHERS, word, argv[at + 1]);
  if (launcher) return launched(argv, at + launcher.words, launcher.program, list);
  const trainer = ofCommand(TRAINERS, word, argv[at + 1]);
  if (trainer) return trained(argv, at + trainer.words, trainer.program, trainer.program.launcher);
  return trained(argv, at + 1, ofScript(TRAINERS, word));
}

function fromPython(
  argv: readonly string[],
  from: number,
  list: (program: string) => FlagList | undefined,
): Identified {
  let at = from;
  while (at < argv.length && argv[at]?.startsWith('-') && argv[at] !== '-m') {
    if (argv[at] === '-c') return NOTHING;
    at += PYTHON_WITH_VALUE.has(argv[at] ?? '') ? 2 : 1;
  }
  if (argv[at] !== '-m') return trained(argv, at + 1, ofScript(TRAINERS, argv[at] ?? ''));
  const module = argv[at + 1] ?? '';
  const launcher = ofModule(LAUNCHERS, module);
  if (launcher) return launched(argv, at + 2, launcher, list);
  return trained(argv, at + 2, ofModule(TRAINERS, module));
}

function launched(
  argv: readonly string[],
  start: number,
  program: Program,
  list: (program: string) => FlagList | undefined,
): Identified {
  const flags = list(program.name);
  const { end, given } = flags
    ? parseArguments(flags, argv, start)
    : { end: undefined, given: new Map<string, readonly string[]>() };
  const launcher = {
    program: program.name,
    certain: true,
    isFile: false,
    start,
    end: end ?? argv.length,
  };
  if (end === undefined) return { launcher, trainer: undefined, arguments: undefined };
  const script = argv[end] ?? '';
  if (given.has('--no_python') || given.has('--no-python')) {
    const { trainer, arguments: behind } = from(argv, end, list);
    return { launcher, trainer, arguments: behind };
  }
  const found = given.has('--module') ? ofModule(TRAINERS, script) : ofScript(TRAINERS, script);
  return { ...trained(argv, end + 1, found), launcher };
}

function trained(
  argv: readonly string[],
  start: number,
  program: Program | undefined,
  launcher?: string,
): Identified {
  const trainer = program && {
    program: program.name,
    certain: program.shared !== true,
    isFile: ofScript([program], argv[start - 1] ?? '') !== undefined,
    launcher,
    start,
    end: argv.length,
  };
  return { launcher: undefined, trainer, arguments: start };
}

function isPython(word: string): boolean {
  return /^(python|python3|python3\.\d+|\$\{?(python|PYTHON)\}?)$/.test(baseName(word));
}

function baseName(word: string): string {
  return word.slice(word.lastIndexOf('/') + 1);
}
