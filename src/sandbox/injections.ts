import { UsageError } from '../errors.ts';
import { didYouMean } from '../terminal/suggest.ts';

/** A fault that can be done to one node of a sandbox: the machine's, not the training's. */
export interface Injection {
  readonly name: string;
  /** Rows of the fault table (`opsctl faults list`). */
  readonly rows: readonly number[];
  readonly summary: string;
  /** It acts inside the node's own file systems, so nothing but the sandbox is touched. */
  readonly act: Act;
  /** Takes it back; null where `sandbox up` does, which starts what has ended. */
  readonly undo: Act | null;
}

/**
 * How: a script of sh in the node's mount namespace, words of scontrol, or a signal to processes. NODE stands for the
 * node in scontrol's words.
 */
export type Act =
  | { readonly kind: 'script'; readonly text: string }
  | { readonly kind: 'scontrol'; readonly words: readonly string[] }
  | {
      readonly kind: 'signal';
      readonly signal: 'SIGKILL' | 'SIGSEGV' | 'SIGSTOP' | 'SIGCONT';
      readonly to: Target;
    }
  | { readonly kind: 'limit'; readonly openFiles: number };

/** All that runs on the node, or one rank of the training there. */
export type Target = 'node' | 'rank';

const script = (text: string): Act => ({ kind: 'script', text });

/** A fill stops at the end of the file system, which is a tmpfs of the node's own. */
const fill = (directory: string) =>
  `dd if=/dev/zero of=${directory}/opsctl-inject bs=64k 2>/dev/null || true`;
const empty = (directory: string) => `rm -f ${directory}/opsctl-inject`;

/** Debian's C++ compilers, behind all links, each once. A device without the bit to run it hides one. */
const EACH_COMPILER =
  'for file in $(readlink -f /usr/bin/c++ /usr/bin/g++ /usr/bin/clang++ /usr/local/bin/c++ /usr/local/bin/g++ | sort -u); do';

export const injections: readonly Injection[] = [
  {
    name: 'shm-full',
    rows: [6],
    summary: '/dev/shm without a free byte',
    act: script(fill('/dev/shm')),
    undo: script(empty('/dev/shm')),
  },
  {
    name: 'nccl-leftovers',
    rows: [6],
    summary: 'nccl- files of a run that ended two hours ago fill /dev/shm',
    act: script(
      'dd if=/dev/zero of=/dev/shm/nccl-opsctl01 bs=64k 2>/dev/null || true; touch -d "2 hours ago" /dev/shm/nccl-opsctl01',
    ),
    undo: script('rm -f /dev/shm/nccl-opsctl01'),
  },
  {
    name: 'tmp-full',
    rows: [14],
    summary: '/tmp without a free byte',
    act: script(fill('/tmp')),
    undo: script(empty('/tmp')),
  },
  {
    name: 'cxx-missing',
    rows: [4],
    summary: 'no C++ compiler can be started',
    act: script(`${EACH_COMPILER} [ ! -f "$file" ] || mount -n --bind /dev/null "$file"; done`),
    undo: script(`${EACH_COMPILER} [ ! -c "$file" ] || umount -n "$file"; done`),
  },
  {
    name: 'few-open-files',
    rows: [21],
    summary: 'processes of jobs may open no more than 256 files',
    act: { kind: 'limit', openFiles: 256 },
    // What was lowered may not be raised again without a capability that a container lacks.
    undo: null,
  },
  {
    name: 'node-drained',
    rows: [13],
    summary: 'somebody drains the node',
    act: { kind: 'scontrol', words: ['update', 'NodeName=NODE', 'State=DRAIN', 'Reason=cable'] },
    undo: { kind: 'scontrol', words: ['update', 'NodeName=NODE', 'State=RESUME'] },
  },
  {
    name: 'node-dead',
    rows: [13],
    summary: 'the node dies: everything that runs on it, at once',
    act: { kind: 'signal', signal: 'SIGKILL', to: 'node' },
    undo: null,
  },
  {
    name: 'rank-killed',
    rows: [],
    summary: 'kill -9 of the rank that runs there',
    act: { kind: 'signal', signal: 'SIGKILL', to: 'rank' },
    undo: null,
  },
  {
    name: 'rank-segfault',
    rows: [],
    summary: 'the rank that runs there breaks off with a segmentation fault',
    act: { kind: 'signal', signal: 'SIGSEGV', to: 'rank' },
    undo: null,
  },
  {
    name: 'rank-hung',
    rows: [28],
    summary: 'the rank that runs there stops, as one that waits for a disk does',
    act: { kind: 'signal', signal: 'SIGSTOP', to: 'rank' },
    undo: { kind: 'signal', signal: 'SIGCONT', to: 'rank' },
  },
];

/** @throws UsageError for a name that no injection has. */
export function findInjection(name: string): Injection {
  const found = injections.find((injection) => injection.name === name);
  if (found !== undefined) return found;
  const names = injections.map((injection) => injection.name);
  throw new UsageError(
    `there is no fault "${name}" to inject.${didYouMean(name, names)}`,
    `Faults: ${names.join(', ')}`,
  );
}
