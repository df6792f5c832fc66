import { OpsError } from '../errors.ts';
import { inject } from '../sandbox/inject.ts';
import { findInjection } from '../sandbox/injections.ts';
import type { Drill } from './drill.ts';
import { verdictOf } from './opsctl.ts';
import { steppedBeyond } from './wait.ts';

const NODE = 'gnode02';

/** Faults of a node that a check finds before the run is submitted: injection, and the check that has to find it. */
const CASES = [
  ['shm-full', 'shm'],
  ['tmp-full', 'tmp'],
  ['cxx-missing', 'cxx'],
] as const;

/** Found by preflight, taken away as an administrator would, and not found any more; then the run goes through. */
export const beforeFaults: readonly Drill[] = CASES.map(([name, check]) => {
  const { rows, summary, act, undo } = findInjection(name);
  return {
    name,
    rows,
    summary: `${summary}: found by preflight before the run is submitted`,
    parameters: {},
    ends: 'finished',
    before: async (stage) => {
      const { system, sandbox } = stage;
      await inject(system, sandbox, NODE, act);
      stage.injected();
      try {
        const found = await verdictOf(stage, check, NODE);
        if (found !== 'critical')
          throw new OpsError(`preflight calls ${check} of ${NODE} ${found}, not critical`);
        stage.mark('noticed');
        stage.mark('diagnosed');
        stage.event(`preflight: ${check} is critical on ${NODE}`);
      } finally {
        if (undo !== null) await inject(system, sandbox, NODE, undo);
      }
      const after = await verdictOf(stage, check, NODE);
      if (after !== 'ok') throw new OpsError(`preflight calls ${check} of ${NODE} ${after} after the repair`);
      stage.event(`repaired: ${check} is ok on ${NODE}`);
    },
    disturb: async (scene) => {
      await steppedBeyond(scene.run, 0);
      scene.mark('running');
    },
  };
});
