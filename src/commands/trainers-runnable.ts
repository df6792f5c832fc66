import { lifecycleOf } from '../run/lifecycle.ts';
import type { System } from '../system/system.ts';
import type { Lifecycle } from '../template/lifecycle-schema.ts';
import { listPrograms, loadTemplate } from '../template/load.ts';
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
  /** How it is told to stop, and how it goes on; null for what trains nothing. */
  readonly lifecycle: Lifecycle | null;
  /** Whether it may be requeued. */
  readonly requeue: boolean;
}

/** In the order in which a model goes through them; a site's own phases come behind. */
const ORDER = ['pretrain', 'cpt', 'sft', 'dpo', 'rlhf'];

/** What runs what, by the templates: the package's and a site's own. */
export async function runnable(env: System['env']): Promise<Runnable[]> {
  const programs = await listPrograms(env);
  const rows = await Promise.all(
    programs.map(async ({ trainer, phase, stage, file: { front } }) => {
      const program = front.program ?? null;
      const versions = program === null ? [] : versionsOf(env, program);
      // Its trainer's parts may say it for all of them.
      const whole = await loadTemplate(env, phase, trainer, stage ?? undefined);
      const lifecycle = lifecycleOf(whole.front.lifecycle, phase, stage ?? undefined) ?? null;
      const requeue = lifecycle !== null && lifecycle.resume.by !== 'never';
      return { trainer, phase, stage, version: front.version ?? null, program, versions, lifecycle, requeue };
    }),
  );
  const rank = ({ phase }: Runnable) => (ORDER.indexOf(phase) + ORDER.length + 1) % (ORDER.length + 1);
  return rows.sort((a, b) => rank(a) - rank(b) || name(a).localeCompare(name(b), 'en'));
}

function name({ phase, stage, trainer }: Runnable): string {
  return `${phase} ${stage ?? ''} ${trainer}`;
}
