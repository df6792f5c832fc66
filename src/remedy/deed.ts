import type { System } from '../system/system.ts';
import type { Result, Seen } from './entry.ts';
import type { Held } from './rails.ts';
import type { Act, ActionName, Step } from './step.ts';

/** What an act needs beside its own data. */
export interface DeedContext {
  /** Name of the configuration's profile and file, for what is rendered anew. */
  readonly config: { readonly config?: string | undefined; readonly profile?: string | undefined };
}

/** How one action is done: looking and doing touch the world, the rest is pure. */
export interface Deed {
  /**
   * What the act would change, as it is now.
   * @throws OpsError 69 or 75 when that cannot be seen.
   */
  readonly see: (system: System, act: Act, step: { readonly command: readonly string[] }) => Promise<Seen>;
  /** All is as wanted already. */
  readonly isSo: (act: Act, seen: Seen, command: readonly string[]) => boolean;
  /** What is left as it is, and why, for when there is nothing to do; absent where that says nothing. */
  readonly leaves?: (seen: Seen) => string;
  /** What forbids it on the state of this moment, beside what the plan knew. */
  readonly held: (step: Step, seen: Seen) => Held | undefined;
  /** Does it, and gives the program's last word. */
  readonly act: (system: System, step: Step, context: DeedContext) => Promise<string>;
  /** What became of it, by what is seen alone: an exit code proves nothing. */
  readonly judge: (act: Act, before: Seen, after: Seen, command: readonly string[]) => Result;
  /** Puts right what an act that was cut off has left, once it is certain that it was not done. */
  readonly undone?: (system: System, step: Pick<Step, 'id' | 'act'>) => Promise<void>;
}

/** The deeds, each loaded when it is needed. */
export async function deedOf(action: ActionName): Promise<Deed> {
  switch (action) {
    case 'requeue':
      return (await import('./actions/requeue.ts')).requeue;
    case 'resubmit':
    case 'raise-limit':
      return (await import('./actions/resubmit.ts')).resubmit;
    case 'hold':
      return (await import('./actions/hold.ts')).hold;
    case 'release':
      return (await import('./actions/hold.ts')).release;
    case 'cancel':
      return (await import('./actions/cancel.ts')).cancel;
    case 'exclude-node':
      return (await import('./actions/exclude-node.ts')).excludeNode;
    case 'drain-node':
      return (await import('./actions/node-state.ts')).drainNode;
    case 'resume-node':
      return (await import('./actions/node-state.ts')).resumeNode;
    case 'clear-nccl-shm':
      return (await import('./actions/clear-nccl-shm.ts')).clearNcclShm;
    case 'prune-checkpoints':
      return (await import('./actions/prune-checkpoints.ts')).pruneCheckpoints;
    case 'collect-evidence':
      return (await import('./actions/collect-evidence.ts')).collectEvidence;
  }
}
