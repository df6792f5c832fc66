import { shellWord } from '../template/quote.ts';
import { pruneOf, runsOn } from './quota-rule.ts';
import { alertOf, type Rule, said } from './rule.ts';

/** File systems that runs write to and that fill up, in space or in inodes: one alert a file system. */
export const spaceRule: Rule = {
  faults: ['disk-full'],
  couldSee: ({ places }) => places !== undefined && places.silent.length === 0,
  judge: (scene) =>
    (scene.places?.places ?? []).flatMap((place) => {
      const { mount, usedPercent, inodesPercent } = place;
      const fullest = Math.max(usedPercent, inodesPercent);
      const { space_warning: warning, space_critical: critical } = scene.config;
      if (fullest < warning) return [];
      const of = inodesPercent > usedPercent ? 'the inodes of ' : '';
      return [
        alertOf(scene, {
          fault: 'disk-full',
          target: mount,
          severity: fullest >= critical ? 'critical' : 'warning',
          summary: `${Math.floor(fullest)} % of ${of}${mount} is used: checkpoints will fail when it is full`,
          runs: runsOn(scene, place),
          evidence: [
            said(
              `df: ${mount} ${usedPercent.toFixed(1)} % of space, ${inodesPercent.toFixed(1)} % of inodes`,
            ),
          ],
          command: pruneOf(scene, place),
        }),
      ];
    }),
};

/** File systems that do not answer: whoever reads there waits, and so do the runs. */
export const silentPlaceRule: Rule = {
  faults: ['filesystem-error'],
  couldSee: ({ places }) => places !== undefined,
  judge: (scene) =>
    (scene.places?.silent ?? []).map((path) =>
      alertOf(scene, {
        fault: 'filesystem-error',
        target: path,
        severity: 'critical',
        summary: `${path} did not answer within some seconds: its file system hangs, or its server is away`,
        runs: scene.runs
          .filter(({ memory }) => memory.outputDir.startsWith(`${path}/`))
          .map(({ runId }) => runId),
        evidence: [said(`df ${path}: no answer`)],
        command: `timeout 10 df ${shellWord(path)}`,
      }),
    ),
};
