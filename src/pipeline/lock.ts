import { join } from 'node:path';
import { type Lease, takeLease as take } from '../system/lease.ts';
import { refuseUntrustedState } from '../system/own-directory.ts';
import { type System, stateHome } from '../system/system.ts';

/**
 * One process at a time changes pipelines.
 * @throws OpsError 75 when another process does.
 */
export async function takeLease(system: System): Promise<Lease> {
  refuseUntrustedState(system);
  return take(system, join(stateHome(system.env), 'pipelines'), 'is submitting a pipeline');
}
