/** A line of a log without what launchers put before it. */
export interface Line {
  /** What the program itself wrote, indentation kept, no escape codes. */
  readonly text: string;
  readonly rank: number | null;
  readonly node: string | null;
  /** Everything that was before the text: lines of one process share it. */
  readonly stream: string;
}

const ESCAPES = /\u001b(?:\[[0-9;?]*[ -/]*[@-~]|\][^\u0007]{0,200}\u0007|[()][A-Z0-9]|[=>])/g;

interface Prefix {
  readonly pattern: RegExp;
  /** Which groups hold the rank and the node. */
  readonly rank?: number;
  readonly node?: number;
  /** A time differs from line to line and tells no process from another. */
  readonly time?: true;
}

/** Each is tried at the line's beginning, again and again, as launchers nest. One space behind them is theirs. */
const PREFIXES: readonly Prefix[] = [
  // torch and DeepSpeed: [rank3]: and torchrun --tee: [default3]:
  { pattern: /^\[(?:rank|default)(\d{1,6})\]:? ?/, rank: 1 },
  // srun --label
  { pattern: /^ {0,6}(\d{1,6}): ?/, rank: 1 },
  // mpirun --tag-output
  { pattern: /^\[\d+,(\d{1,6})\]<std(?:err|out)>:? ?/, rank: 1 },
  // Host and the process' number there: [host1:3]. A longer number is a process id, as Open MPI prints it; of a file it is the line.
  {
    pattern:
      /^\[(?![\w.-]{1,60}\.(?:py|pyx|cc|cpp|cu|cuh|c|h|hpp|rs|go|jl|js|ts):)([A-Za-z][\w.-]{0,60}):\d{1,3}\] ?/,
    node: 1,
  },
  // Ray: (RayWorker pid=12, ip=10.0.0.3)
  { pattern: /^\(\w[\w.:]{0,80} (?:rank=(\d{1,6}) )?pid=\d+(?:, ip=([\w.:-]+))?\) ?/, rank: 1, node: 2 },
  // SkyPilot: (worker1, rank=1, pid=12, ip=10.0.0.3)
  { pattern: /^\([\w-]{1,40}, rank=(\d{1,6}), pid=\d+(?:, ip=([\w.:-]+))?\) ?/, rank: 1, node: 2 },
  // pdsh, clush, DeepSpeed's launcher: gnode07: but not jinja2.exceptions.UndefinedError: or cc1plus:
  {
    pattern:
      /^(?![\w.]*(?:Error|Exception|Warning): |(?:cc1(?:plus)?|python[\d.]{1,6}): )([A-Za-z][A-Za-z.-]{0,40}\d[\w.-]{0,40}): /,
    node: 1,
  },
  // vLLM's logger, before each line of a traceback: ERROR 05-28 03:53:36 [core.py:387]
  {
    pattern:
      /^ERROR \d\d-\d\d [\d:]{8} \[[\w/.-]{1,80}:\d{1,6}\] (?=\s|Traceback|During handling|The above|(?:[a-z_][\w.]{0,80}\.)?[A-Z]\w{0,60}(?:Error|Exception)\b)/,
    time: true,
  },
  // dmesg: [12345.678901], and dmesg -T: [Mon Nov 23 19:02:37 2026]
  { pattern: /^\[ {0,8}\d+\.\d+\] /, time: true },
  { pattern: /^\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d [\d:]{8} \d{4}\] /, time: true },
  // syslog: Nov 23 19:02:37 gnode07 kernel:
  { pattern: /^[A-Z][a-z]{2} [ \d]\d [\d:]{8} ([\w.-]+) (?=kernel|slurm)/, node: 1 },
  // ISO times, in brackets or not
  {
    pattern: /^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?\]?:? ?/,
    time: true,
  },
];

/** Where a line of Slurm's or the kernel's names the node it speaks of. */
const NODE_IN_TEXT = [
  /\*\*\* (?:JOB|STEP) [\d._+]+ ON ([\w.-]+) /,
  /Node failure on ([\w.-]+)/,
  /srun: error: ([\w.-]+): tasks? /,
  /^slurmstepd-([\w.-]+): /,
  /failed on node ([\w.-]+)/,
];
const RANK_IN_TEXT = [
  /\[Rank (\d{1,6})\]/,
  /\bPG \d+ .{0,60}Rank (\d{1,6})\]/,
  /srun: error: [\w.-]+: task (\d{1,6}):/,
];

/** Takes a line apart. Pure; never throws, whatever the line holds. */
export function parseLine(raw: string): Line {
  let text = raw.includes('\u001b') ? raw.replace(ESCAPES, '') : raw;
  let rank: number | null = null;
  let node: string | null = null;
  let stream = '';
  for (let nested = 0; nested < 4; nested += 1) {
    const found = strip(text);
    if (!found) break;
    const [prefix, match] = found;
    if (prefix.rank !== undefined && match[prefix.rank] !== undefined) rank = Number(match[prefix.rank]);
    if (prefix.node !== undefined) node = match[prefix.node] ?? node;
    if (!prefix.time) stream += match[0].trim();
    text = text.slice(match[0].length);
  }
  return {
    text,
    rank: rank ?? numberIn(text),
    node: nodeIn(text) ?? node,
    stream,
  };
}

function strip(text: string): readonly [Prefix, RegExpExecArray] | undefined {
  for (const prefix of PREFIXES) {
    const match = prefix.pattern.exec(text);
    if (match) return [prefix, match];
  }
  return undefined;
}

function nodeIn(text: string): string | null {
  for (const pattern of NODE_IN_TEXT) {
    const match = pattern.exec(text);
    if (match?.[1]) return match[1];
  }
  return null;
}

function numberIn(text: string): number | null {
  for (const pattern of RANK_IN_TEXT) {
    const match = pattern.exec(text);
    if (match?.[1]) return Number(match[1]);
  }
  return null;
}
