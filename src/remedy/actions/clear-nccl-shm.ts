import { EXIT, OpsError } from '../../errors.ts';
import type { System } from '../../system/system.ts';
import type { Deed } from '../deed.ts';
import { runOnNodes } from '../on-nodes.ts';
import { SHM_PROGRAM } from '../shm-program.ts';

/** srun waits a minute for nodes that are in use, and each file takes a look at all processes. */
const LIMIT_S = 150;
/** Files that are named with the reason why they stay. */
const QUOTED = 5;

/** What NCCL left in /dev/shm and nobody uses. The node itself decides, file by file; here it is only read what it said. */
export const clearNcclShm: Deed = {
  see: async (system, _act, { command }) => {
    const { stdout } = await ask(system, [...command.slice(0, -1), 'list']);
    return { files: wordsOf(stdout, 'free'), kept: wordsOf(stdout, 'keep') };
  },
  isSo: (_act, { files = [] }) => files.length === 0,
  leaves: ({ kept = [] }) => keptWords(kept),
  held: () => undefined,
  act: async (system, { command }) => {
    const { stdout } = await ask(system, command);
    const kept = wordsOf(stdout, 'keep');
    return `deleted ${wordsOf(stdout, 'gone').length}${kept.length > 0 ? `; ${keptWords(kept)}` : ''}`;
  },
  judge: (_act, _before, { files = [] }) => (files.length === 0 ? 'done' : 'not-done'),
};

async function ask(system: System, command: readonly string[]) {
  const nodes = Number(command.find((word) => word.startsWith('--ntasks='))?.slice('--ntasks='.length));
  const answer = await runOnNodes(system, command, SHM_PROGRAM, LIMIT_S);
  const stop = /^stop (.*)$/m.exec(answer.stdout)?.[1];
  if (stop !== undefined)
    throw new OpsError(`/dev/shm is left alone: ${stop}`, {
      hint: 'Try again when no job of yours is there.',
    });
  // Each node says that it is through: half an answer is none.
  if ((answer.stdout.match(/^end$/gm)?.length ?? 0) !== nodes)
    throw new OpsError(`not every node has answered: ${answer.said || 'no word of why'}`, {
      exitCode: EXIT.tryAgain,
    });
  return answer;
}

/** `kept nccl-x3 too young, ...`; empty for none. */
function keptWords(kept: readonly string[]): string {
  const more = kept.length > QUOTED ? ` and ${kept.length - QUOTED} more` : '';
  return kept.length === 0 ? '' : `kept ${kept.slice(0, QUOTED).join(', ')}${more}`;
}

function wordsOf(stdout: string, verdict: string): string[] {
  return stdout
    .split('\n')
    .filter((line) => line.startsWith(`${verdict} `))
    .map((line) => line.slice(verdict.length + 1));
}
