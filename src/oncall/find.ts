import { type Alert, alertId } from '../alert/alert.ts';
import { alertsDirectory, readSilences } from '../alert/store.ts';
import type { Profile } from '../config/schema.ts';
import { lastLook, readRecord } from '../cron/record.ts';
import { MISSED } from '../cron/status.ts';
import { EXIT, OpsError } from '../errors.ts';
import { breakerOf } from '../remedy/breaker.ts';
import { readJournal } from '../remedy/journal.ts';
import { type System, stateHome } from '../system/system.ts';
import { gatherKnown } from '../watch/ask.ts';
import { gatherScene } from '../watch/gather-scene.ts';
import { look } from '../watch/look.ts';
import { type Memory, readMemory } from '../watch/memory.ts';
import { judge } from '../watch/rules.ts';
import { alertsOfEnds, LOOK_BACK_MS, recentEnds, recordedEnds } from './ends.ts';
import { type Problem, problemsOf } from './problems.ts';

/** What is wrong at one moment. */
export interface Oncall {
  readonly at: Date;
  readonly problems: readonly Problem[];
  /** Jobs of this user that run, and that wait. */
  readonly running: number;
  readonly waiting: number;
  /** What could not be looked at, in words: then "nothing is wrong" is not known. */
  readonly blind: readonly string[];
  readonly notes: readonly string[];
}

/**
 * Looks once, as the watcher does, and changes nothing: no memory is written, nobody is told, nothing is done.
 * @throws OpsError 69 without Slurm, 75 when it does not answer.
 */
export async function findProblems(
  system: System,
  profile: Pick<Profile, 'accounting' | 'automation' | 'data_root' | 'watch'>,
): Promise<Oncall> {
  const memory = await readMemory(system);
  const hasAccounting = profile.accounting !== false && memory.hasAccounting;
  const since = Math.floor((system.now().getTime() - LOOK_BACK_MS) / 1000);
  const [seen, known] = await Promise.all([
    look(system, Promise.resolve(hasAccounting ? since : null)),
    gatherKnown(system, memory, profile),
  ]);
  if (seen.queue === undefined)
    throw seen.failures[0] ?? new OpsError('squeue did not answer', { exitCode: EXIT.tryAgain });
  const gathered = await gatherScene(system, seen, known, profile);
  const ends = recentEnds(gathered, await recordedEnds(gathered));
  const now = seen.at;
  const [ended, own, silences] = await Promise.all([
    alertsOfEnds(system, ends, gathered.scene),
    ownAlerts(system, profile, now),
    readSilences(alertsDirectory(system.env), now),
  ]);
  const judged = judge(gathered.scene);
  const phases = seen.queue.map(({ state }) => state.phase);
  return {
    at: now,
    problems: problemsOf([...judged.alerts, ...ended.alerts, ...own], silences, now),
    running: phases.filter((phase) => phase === 'running').length,
    waiting: phases.filter((phase) => phase === 'pending').length,
    blind: [
      ...seen.failures.map(({ message }) => message),
      ...vanished(memory, seen.queue.length, ends.length),
    ],
    notes:
      ended.undiagnosed === 0
        ? []
        : [`${ended.undiagnosed} older failures were not diagnosed: "opsctl diagnose RUN" reads their logs.`],
  };
}

/** squeue prints nothing and ends with 0 when slurmctld has just lost its state. */
function vanished(memory: Memory, jobs: number, ends: number): string[] {
  const active = [...memory.runs].filter(([, { over, startTime }]) => over === null && startTime !== null);
  if (jobs > 0 || ends > 0 || active.length === 0) return [];
  return [`squeue shows no job, and the watcher saw ${active.map(([runId]) => runId).join(', ')} run`];
}

/** What is wrong with opsctl's own watch over the runs. */
async function ownAlerts(
  system: System,
  { automation }: Pick<Profile, 'automation'>,
  now: Date,
): Promise<Alert[]> {
  const [journal, record, lookedAt] = await Promise.all([
    readJournal(system),
    readRecord(stateHome(system.env)),
    lastLook(system),
  ]);
  const base = { runs: [], nodes: [], evidence: [] };
  const alerts: Alert[] = [];
  const breaker = breakerOf(journal, automation, null, now);
  if (breaker.open)
    alerts.push({
      ...base,
      id: alertId('automation-stopped', 'breaker'),
      fault: 'automation-stopped',
      severity: 'critical',
      summary: `nothing is repaired any more until a person looks: ${breaker.why ?? 'the breaker is open'}`,
      since: now.toISOString(),
      command: 'opsctl runbook breaker',
    });
  const last = Math.max(lookedAt ?? 0, record === undefined ? 0 : Date.parse(record.at));
  if (record !== undefined && now.getTime() - last > MISSED * record.every * 60_000)
    alerts.push({
      ...base,
      id: alertId('watcher-silent', 'cron'),
      fault: 'watcher-silent',
      severity: 'warning',
      summary: `the watcher should look every ${record.every} min, and looked last at ${new Date(last).toISOString()}`,
      since: new Date(last).toISOString(),
      command: 'opsctl cron status',
    });
  return alerts;
}
