import { UsageError } from '../errors.ts';
import { lifecycleOf, rowsOf } from '../run/lifecycle.ts';
import { flagsOfList } from '../run/version-flags.ts';
import type { System } from '../system/system.ts';
import type { Lifecycle } from '../template/lifecycle-schema.ts';
import { listPrograms, loadTemplate } from '../template/load.ts';
import { loadKnowledge } from '../trainer/knowledge.ts';

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
  /** How it is told to stop, and how it goes on, in the version above; null for what trains nothing. */
  readonly lifecycle: Lifecycle | null;
  /** The same for other versions: every row of the table, and which of the known versions it holds for. */
  readonly lifecycles: readonly HeldRow[];
  /** Whether it may be requeued. */
  readonly requeue: boolean;
}

export interface HeldRow {
  readonly row: Lifecycle;
  readonly versions: readonly string[];
}

/** In the order in which a model goes through them; a site's own phases come behind. */
const ORDER = ['pretrain', 'cpt', 'sft', 'dpo', 'rlhf'];

/** What runs what, by the templates: the package's and a site's own. */
export async function runnable(env: System['env']): Promise<Runnable[]> {
  const [programs, knowledge] = await Promise.all([listPrograms(env), loadKnowledge(env)]);
  const rows = await Promise.all(
    programs.map(async ({ trainer, phase, stage, file: { front } }) => {
      const program = front.program ?? null;
      const version = front.version ?? null;
      const lists = program === null ? [] : knowledge.lists(program);
      const versions = lists.map((list) => list.version);
      // Its trainer's parts may say it for all of them.
      const whole = await loadTemplate(env, phase, trainer, stage ?? undefined);
      const table = whole.front.lifecycle;
      const held = lists.map((list) => lifecycleOf(table, phase, stage ?? undefined, flagsOfList(list)));
      const lifecycles = rowsOf(table, phase, stage ?? undefined).map((row) => ({
        row,
        versions: versions.filter((_, index) => held[index] === row),
      }));
      const lifecycle = lifecycles[0]?.row ?? null;
      const requeue = resumes(lifecycle);
      return { trainer, phase, stage, version, program, versions, lifecycle, lifecycles, requeue };
    }),
  );
  const rank = ({ phase }: Runnable) => (ORDER.indexOf(phase) + ORDER.length + 1) % (ORDER.length + 1);
  return rows.sort((a, b) => rank(a) - rank(b) || name(a).localeCompare(name(b), 'en'));
}

function name({ phase, stage, trainer }: Runnable): string {
  return `${phase} ${stage ?? ''} ${trainer}`;
}

/**
 * As `runnable`, of one version of each program that is named: the row of its table that holds for that version is the only one left.
 * @throws UsageError for a program that no phase is run by.
 */
export function ofVersions(rows: readonly Runnable[], named: ReadonlyMap<string, string>): Runnable[] {
  const [strange] = [...named.keys()].filter((program) => rows.every((row) => row.program !== program));
  if (strange !== undefined)
    throw new UsageError(
      `--trainer-version: no phase is run by ${strange}, so it has no table of signals`,
      'What runs what: opsctl trainers',
    );
  return rows.flatMap((row) => {
    const version = named.get(row.program ?? '');
    if (version === undefined) return [];
    const lifecycles = row.lifecycles.filter(({ versions }) => versions.includes(version));
    const lifecycle = lifecycles[0]?.row ?? null;
    return [{ ...row, version, lifecycle, lifecycles, requeue: resumes(lifecycle) }];
  });
}

function resumes(lifecycle: Lifecycle | null): boolean {
  return lifecycle !== null && lifecycle.resume.by !== 'never';
}
