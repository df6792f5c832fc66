import type { Alert } from '../alert/alert.ts';
import type { Place } from './places.ts';
import type { QuotaLine } from './quota-table.ts';
import { alertOf, type Rule, type Scene, said } from './rule.ts';

/** Quotas that fill up (rows 29, 39): one alert a file system, however many runs write there. */
export const quotaRule: Rule = {
  faults: ['disk-quota'],
  couldSee: ({ places }) =>
    places !== undefined &&
    places.silent.length === 0 &&
    places.places.every(({ quotas }) => quotas !== undefined),
  judge: (scene) =>
    (scene.places?.places ?? []).flatMap((place) =>
      (place.quotas ?? []).flatMap((quota) => judgeOne(scene, place, quota)),
    ),
};

function judgeOne(scene: Scene, place: Place, quota: QuotaLine): Alert[] {
  const space = share(quota.usedKib, quota.limitKib);
  const files = share(quota.files, quota.filesLimit);
  const fullest = Math.max(space, files);
  const { quota_warning: warning, quota_critical: critical } = scene.config;
  if (!quota.isOver && fullest < warning) return [];
  const what =
    files > space
      ? `${quota.files} of ${quota.filesLimit} files`
      : `${gib(quota.usedKib)} of ${gib(quota.limitKib)} GiB`;
  const grace = quota.grace === null ? '' : `, grace ${quota.grace}`;
  return [
    alertOf(scene, {
      fault: 'disk-quota',
      target: quota.filesystem,
      severity: quota.isOver || fullest >= critical ? 'critical' : 'warning',
      summary: `${Math.floor(fullest)} % of your quota on ${place.mount} is used${quota.isOver ? ', which is more than allowed' : ''}: ${what}${grace}`,
      runs: runsOn(scene, place),
      evidence: [said(`quota of ${quota.filesystem}: ${what}${quota.isOver ? ' *' : ''}${grace}`)],
      command: pruneOf(scene, place),
    }),
  ];
}

function share(used: number, limit: number): number {
  return limit > 0 ? (used / limit) * 100 : 0;
}

function gib(kib: number): string {
  return (kib / 1024 / 1024).toFixed(0);
}

/** Lists what may go of the first run there, which is the newest; deletes nothing. */
export function pruneOf(scene: Pick<Scene, 'runs'>, place: Place): string | null {
  const [first] = runsOn(scene, place);
  return first === undefined ? null : `opsctl prune ${first}`;
}

/** The active runs that write to a file system. */
export function runsOn({ runs }: Pick<Scene, 'runs'>, { paths }: Place): string[] {
  return runs
    .filter(({ job, memory }) => {
      const lives = job !== undefined && job.state.phase !== 'ended';
      return (
        lives && paths.some((path) => memory.outputDir === path || memory.outputDir.startsWith(`${path}/`))
      );
    })
    .map(({ runId }) => runId);
}
