import { alertsDirectory, readKept } from '../alert/store.ts';
import type { ConfigChoice } from '../config/load.ts';
import type { Profile } from '../config/schema.ts';
import { EXIT, OpsError } from '../errors.ts';
import { beat } from '../notify/heartbeat.ts';
import { type Told, tell } from '../notify/tell.ts';
import type { Lease } from '../system/lease.ts';
import type { System } from '../system/system.ts';
import type { Action } from './act.ts';
import { answerEvents, answerWaiting } from './answer.ts';
import { answerHangs } from './answer-hang.ts';
import type { Asked } from './ask.ts';
import { keepDoubt, listed, lostRuns, withDoubt, withoutStarts } from './doubt.ts';
import { gatherScene } from './gather-scene.ts';
import { isNews, type Memory, type RunMemories, writeMemory, writeSign } from './memory.ts';
import type { Watched } from './rule.ts';
import { judge } from './rules.ts';
import { troubledRuns, withoutOver } from './trouble.ts';
import { unknownFaults } from './unknown-faults.ts';

export interface TickOptions {
  readonly profile: Profile;
  readonly choice: ConfigChoice;
  readonly lease: Lease;
}

/** An alert as `watch --json` prints it. */
export interface ShownAlert {
  readonly id: string;
  readonly fault: string;
  readonly severity: string;
  readonly state: 'firing' | 'resolved';
  readonly since: string;
  readonly runs: readonly string[];
  readonly nodes: readonly string[];
  readonly summary: string;
  readonly command: string | null;
}

export interface Tick {
  /** Counts the looks of this state directory. */
  readonly tick: number;
  readonly at: string;
  /** Slurm did not answer: nothing was resolved and nothing was done. */
  readonly blind: boolean;
  readonly runs: readonly Watched[];
  readonly alerts: readonly ShownAlert[];
  readonly actions: readonly Action[];
  /** Of the look; an act looks at its own job besides. */
  readonly slurmCalls: number;
  readonly told: Told;
  readonly notes: readonly string[];
}

/**
 * One look: what is wrong now, what became of the runs since the last one, what the policy allows to be done about it,
 * and who is told. Killed at any point, the next one goes on: what was seen is remembered only after it was answered,
 * and what is answered twice is done once, because the journal of acts knows it.
 * @param asked what this look is of, asked after the lease was taken.
 * @throws OpsError 75 when another process sends alerts or repairs at this moment.
 */
export async function tick(system: System, options: TickOptions, asked: Asked): Promise<Tick> {
  const { profile, lease } = options;
  const { answer, known, memory } = asked;
  const seen = withDoubt(answer, memory);
  const notes = [...(await unknownFaults(system, profile)), ...seen.failures.map(({ message }) => message)];
  const ticks = memory.ticks + 1;
  const base = { tick: ticks, at: seen.at.toISOString(), slurmCalls: seen.slurmCalls };
  if (seen.queue === undefined) {
    await keepDoubt(system, answer, memory);
    // What waits to be sent is sent all the same; the heartbeat stops, so that somebody notices.
    const told = await tell(system, { alerts: [], blind: 'all' }, profile);
    return {
      ...base,
      blind: true,
      runs: [],
      alerts: await shown(system),
      actions: [],
      told,
      notes: [...notes, ...unsent(told)],
    };
  }
  const lost = lostRuns(seen, memory);
  if (lost.length > 0)
    notes.push(
      `Slurm knows nothing any more of ${listed(lost)}: "opsctl oncall" reads their own records of how they ended`,
    );
  const gathered = await gatherScene(system, seen, withoutStarts(known, lost), profile);
  await stillOurs(lease);
  const context = { ...options, scene: gathered.scene };
  const ends = await answerEvents(system, gathered, context);
  const waited = await answerWaiting(system, gathered, ends.runs, context);
  const hangs = await answerHangs(system, waited.runs, context);
  const runs = withoutOver(hangs.runs, gathered.scene);
  await stillOurs(lease);
  const settled = { ...gathered.scene, runs: withNewTroubles(gathered.scene.runs, runs) };
  const next: Memory = {
    version: 1,
    // Ends that this look had no time for must still be in what accounting is asked for at the next.
    accountedAt:
      seen.accounting === undefined || ends.left > 0
        ? memory.accountedAt
        : Math.floor(seen.at.getTime() / 1000),
    hasAccounting: memory.hasAccounting && !seen.isUnaccounted,
    ticks,
    runs,
  };
  if (isNews(next, memory)) await writeMemory(system, next);
  const told = await tell(system, judge(settled), profile);
  await writeSign(system, next);
  notes.push(...unsent(told));
  if (profile.notify !== null) notes.push(...(await beatNotes(system, profile.notify)));
  const actions = [...ends.actions, ...waited.actions, ...hangs.actions];
  return { ...base, blind: false, runs: settled.runs, alerts: await shown(system), actions, told, notes };
}

/** A server that does not take what it is sent is told of where the watcher runs: nobody gets a mail about it. */
function unsent({ deliveries }: Told): string[] {
  return deliveries
    .filter(({ failed }) => failed)
    .map(({ receiver, address, detail }) => `not sent yet to ${address ?? receiver}: ${detail}`);
}

/** Runs that ended at this look are not among those that were alive at it. */
function withNewTroubles(seen: readonly Watched[], runs: RunMemories): Watched[] {
  const troubled = troubledRuns(runs);
  const known = new Set(troubled.length === 0 ? [] : seen.map(({ runId }) => runId));
  const others = troubled
    .filter(([runId]) => !known.has(runId))
    .map(([runId, memory]) => ({ runId, memory, job: undefined, isRead: true }));
  const now = seen.map((run) => {
    const memory = runs.get(run.runId) ?? run.memory;
    return memory === run.memory ? run : { ...run, memory };
  });
  return [...now, ...others];
}

/** Who was stopped for so long that another one watches now must neither act nor remember. */
async function stillOurs(lease: Lease): Promise<void> {
  if (!(await lease.holds()))
    throw new OpsError('another opsctl has taken over the watch', { exitCode: EXIT.tryAgain });
  await lease.renew();
}

async function beatNotes(system: System, notify: NonNullable<Profile['notify']>): Promise<string[]> {
  const beats = await beat(system, notify);
  return beats.flatMap(({ kind, status, detail }) =>
    status === 'sent' ? [] : [`the heartbeat (${kind}) was not given: ${detail}`],
  );
}

/** Every alert that is known after the telling, those that are over and were not told as resolved yet among them. */
async function shown(system: System): Promise<ShownAlert[]> {
  const { state } = await readKept(alertsDirectory(system.env));
  return state.alerts.map(({ id, fault, severity, state, since, runs, nodes, summary, command }) => ({
    id,
    fault,
    severity,
    state,
    since,
    runs,
    nodes,
    summary,
    command,
  }));
}
