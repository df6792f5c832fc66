import { OpsError } from '../errors.ts';
import { inject } from '../sandbox/inject.ts';
import { findInjection } from '../sandbox/injections.ts';
import { findPlace } from '../sandbox/place.ts';
import { up } from '../sandbox/up.ts';
import { poll } from '../sandbox/wait.ts';
import type { Drill, Stage } from './drill.ts';
import { expectAct, expectAlert, expectDiagnosis, opsctl, runbook, verdictOf } from './opsctl.ts';
import { attemptThat, startNow, steppedBeyond, WAIT_MS } from './wait.ts';

const NODE = 'gnode01';

/** A run that Slurm may put where it likes, so that it can go on elsewhere. */
const ANYWHERE = { step_delay: 0.2 };

const injected = ({ system, sandbox }: Stage, name: string) =>
  inject(system, sandbox, NODE, findInjection(name).act);

/** Faults of a node that the run leaves behind: it goes on without that node. */
export const nodeFaults: readonly Drill[] = [
  {
    name: 'nccl-leftovers',
    rows: findInjection('nccl-leftovers').rows,
    summary: 'a dead run has filled /dev/shm: the gate leaves the node out, clear-nccl-shm makes it whole',
    parameters: ANYWHERE,
    ends: 'finished',
    before: (stage) => injected(stage, 'nccl-leftovers'),
    disturb: async (scene) => {
      const { run, system, event, mark } = scene;
      scene.injected();
      const first = await attemptThat(run, 0, 'to be refused by its gate', ({ refused }) =>
        Boolean(refused?.includes(NODE)),
      );
      mark('noticed');
      mark('diagnosed');
      event(`gate: without ${first.refused?.join(' ')}, because of ${first.because}`);
      await startNow(system, run, 1);
      await steppedBeyond(run, 0, 1);
      mark('running');
      await runbook(scene, ['--only', 'clear-nccl-shm', '--node', NODE]);
      const after = await verdictOf(scene, 'shm', NODE);
      if (after !== 'ok') throw new OpsError(`preflight calls shm of ${NODE} ${after} after clear-nccl-shm`);
      event(`preflight: shm of ${NODE} is ok`);
    },
    after: async ({ system, sandbox }) => {
      const { undo } = findInjection('nccl-leftovers');
      if (undo !== null) await inject(system, sandbox, NODE, undo);
    },
  },
  {
    name: 'few-open-files',
    rows: findInjection('few-open-files').rows,
    summary: 'a node lets jobs open few files only: found by preflight, excluded, the run goes elsewhere',
    parameters: ANYWHERE,
    ends: 'finished',
    before: async (stage) => {
      await injected(stage, 'few-open-files');
      stage.injected();
      const found = await verdictOf(stage, 'limits', NODE);
      if (found !== 'critical')
        throw new OpsError(`preflight calls limits of ${NODE} ${found}, not critical`);
      stage.mark('noticed');
      stage.mark('diagnosed');
      stage.event(`preflight: limits is critical on ${NODE}`);
      await opsctl(stage, ['runbook', 'exclude', NODE, '--reason', 'few open files']);
    },
    disturb: async ({ run, mark, event }) => {
      await steppedBeyond(run, 0);
      mark('running');
      const { nodes } = await attemptThat(run, 0, 'to be recorded', () => true);
      if (nodes.includes(NODE)) throw new OpsError(`the run is on ${NODE}, which is excluded`);
      event(`excluded ${NODE}: the run is on ${nodes.join(' ')}`);
    },
    after: async (stage) => {
      await injected(stage, 'node-dead');
      await makeWhole(stage);
    },
  },
  {
    name: 'node-drained',
    rows: findInjection('node-drained').rows,
    summary: 'the job asks for a node that somebody has drained: it would wait for ever, so it takes another',
    parameters: { ...ANYWHERE, nodelist: NODE },
    ends: 'finished',
    before: (stage) => injected(stage, 'node-drained'),
    disturb: async (scene) => {
      scene.injected();
      // The watcher leaves such a wait five minutes: a node may be starting. A person need not wait.
      await expectDiagnosis(scene, 'node-unavailable', WAIT_MS);
      scene.mark('noticed');
      const run = await runbook(scene, ['--only', 'exclude-node']);
      await steppedBeyond(run, 0);
      scene.mark('running');
    },
    after: makeWhole,
  },
  {
    name: 'node-dead',
    rows: findInjection('node-dead').rows,
    summary: 'a node dies: the watcher leaves it out, and the run goes on elsewhere with nobody there',
    parameters: ANYWHERE,
    ends: 'finished',
    disturb: async (scene) => {
      await steppedBeyond(scene.run, 8);
      await injected(scene, 'node-dead');
      scene.injected();
      await expectAlert(scene, 'node-fail');
      scene.mark('diagnosed');
      await expectAct(scene, 'exclude-node');
      await startNow(scene.system, scene.run, 1);
      await steppedBeyond(scene.run, 0, 1);
      scene.mark('running');
      const { nodes } = await attemptThat(scene.run, 1, 'to be recorded', () => true);
      scene.event(`goes on, on ${nodes.join(' ')}`);
    },
    after: makeWhole,
  },
];

/** As an administrator does who has mended a node; and it may be used again. */
async function makeWhole(stage: Stage): Promise<void> {
  const { system, sandbox } = stage;
  await up(system, await findPlace(system, { name: undefined, dir: sandbox.dir }), {}, []);
  const isBack = await poll(WAIT_MS, async () => {
    const said = await system.exec(['sinfo', '-h', '-n', NODE, '-o', '%T'], { env: system.env });
    if (/^(?:idle|mixed|allocated)$/m.test(said.stdout)) return true;
    await system.exec(['scontrol', 'update', `NodeName=${NODE}`, 'State=RESUME'], { env: system.env });
    return undefined;
  });
  if (!isBack) throw new OpsError(`${NODE} did not come back`);
  await opsctl(stage, ['runbook', 'include', NODE]);
}
