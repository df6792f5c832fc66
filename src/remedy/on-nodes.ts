import { EXIT, OpsError } from '../errors.ts';
import { lastLine } from '../slurm/command.ts';
import type { System } from '../system/system.ts';

/**
 * Runs a step's srun with a program on its standard input; what stands in the environment of this shell for other sruns
 * is left out.
 * @throws OpsError 69 when there is no srun, 75 when it was not through within the limit (seconds).
 */
export async function runOnNodes(
  system: System,
  command: readonly string[],
  program: string,
  seconds: number,
): Promise<{ readonly stdout: string; readonly said: string }> {
  const env = Object.fromEntries(
    Object.entries(system.env).filter(([name]) => !/^(?:SRUN|SLURM)_/.test(name) || name === 'SLURM_CONF'),
  );
  // TERM lets srun end its tasks; KILL alone would leave them on the nodes.
  const argv = ['timeout', '--kill-after=5', String(seconds), ...command];
  const result = await system.exec(argv, { input: program, env, timeoutMs: (seconds + 10) * 1000 });
  if (result.missing || /failed to run command .srun/.test(result.stderr))
    throw new OpsError('Slurm is not installed here: "srun" was not found', { exitCode: EXIT.noSlurm });
  if (result.timedOut || result.code === 124)
    throw new OpsError(`srun was not through within ${seconds} s`, {
      exitCode: EXIT.tryAgain,
      hint: 'The nodes are busy or do not answer; try again later.',
    });
  return { stdout: result.stdout, said: lastLine(result.stderr) };
}
