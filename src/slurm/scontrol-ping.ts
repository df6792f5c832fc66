import type { System } from '../system/system.ts';
import { slurm } from './command.ts';

/**
 * Whether there is a Slurm to speak of: that its controller is down is an answer too.
 * @throws OpsError with exit code 69 when Slurm is not installed or not configured, 75 when the question hangs.
 */
export async function requireSlurm(system: System): Promise<void> {
  await slurm(system, ['scontrol', 'ping']);
}
