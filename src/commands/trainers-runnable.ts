import type { System } from '../system/system.ts';
import { listPhases, listTrainers, loadTemplate } from '../template/load.ts';
import { versionsOf } from '../trainer/knowledge.ts';

/** One phase, or stage of one, that a trainer runs. */
export interface Runnable {
  readonly trainer: string;
  readonly phase: string;
  readonly stage: string | null;
  /** The version the template is written for; null for a template that names no program. */
  readonly version: string | null;
  readonly program: string | null;
  /** The versions whose flags are known, newest first. */
  readonly versions: readonly string[];
}

/** What runs what, by the templates: the package's and a site's own. */
export async function runnable(env: System['env']): Promise<Runnable[]> {
  const rows: Runnable[] = [];
  for (const phase of listPhases(env)) {
    for (const trainer of await listTrainers(env, phase)) {
      const { front, parameters } = await loadTemplate(env, phase, trainer);
      const stages = parameters.find(({ name }) => name === 'stage')?.choices ?? [null];
      for (const stage of stages) {
        const declared = (stage === null ? undefined : front.programs?.[stage]) ?? front.programs?.[phase];
        // A trainer that names its programs runs the stages that it names.
        if (stage !== null && declared === undefined && front.programs) continue;
        const [program = null, version = null] = declared?.split('@') ?? [];
        rows.push({
          trainer,
          phase,
          stage,
          version,
          program,
          versions: program ? versionsOf(env, program) : [],
        });
      }
    }
  }
  return rows;
}
