import { dirname, join, resolve } from 'node:path';
import { OpsError } from '../errors.ts';
import { showConfig } from '../slurm/scontrol-config.ts';
import { writeAtomic } from '../system/files.ts';
import { openOwnDirectory } from '../system/own-directory.ts';
import { packageRoot } from '../system/package.ts';
import { type System, shortHostname, stateHome } from '../system/system.ts';
import { crontabBlock, type Rhythm, SCHEDULERS, type Scheduler, scrontabBlock, timerUnits } from './entry.ts';
import { findProgram } from './find-program.ts';
import { isThere, type Look } from './keeper.ts';
import { KEEPERS } from './keepers.ts';
import { writeRecord } from './record.ts';
import { lingers, UNIT } from './timer.ts';
import { checkHome, keptVariables, logPath, scriptPath, watcherScript } from './watcher.ts';

/** What `install` is asked for. */
export interface Wish {
  readonly scheduler: Scheduler | null;
  readonly every: number;
  /** Words of #SCRON lines. */
  readonly scron: readonly string[];
  readonly config: string | null;
  readonly profile: string | null;
}

/** What `install` will do, as data: `--dry-run` prints it. */
export interface Installation {
  readonly scheduler: Scheduler;
  readonly home: string;
  readonly rhythm: Rhythm;
  readonly scron: readonly string[];
  readonly script: { readonly path: string; readonly text: string };
  /** The lines that the scheduler gets. */
  readonly lines: readonly string[];
  /** Better schedulers that this place does not have, and why. */
  readonly skipped: readonly { readonly scheduler: Scheduler; readonly why: string }[];
}

/**
 * Decides where the watcher is started from.
 * @throws OpsError 69 or 75 without Slurm, without which there is nothing to watch; and when no scheduler can be used.
 */
export async function planInstallation(system: System, wish: Wish): Promise<Installation> {
  const home = stateHome(system.env);
  checkHome(home);
  const { scron: hasScron } = await showConfig(system);
  const skipped: { scheduler: Scheduler; why: string }[] = [];
  for (const scheduler of wish.scheduler === null ? SCHEDULERS : [wish.scheduler]) {
    const look: Look =
      scheduler === 'scrontab' && !hasScron
        ? { kind: 'unusable', why: 'this cluster has no ScronParameters=enable' }
        : await KEEPERS[scheduler].look(system, home);
    if (look.kind === 'unusable') skipped.push({ scheduler, why: look.why });
    else return installationOf(system, wish, scheduler, skipped);
  }
  const reasons = skipped.map(({ scheduler, why }) => `${scheduler}: ${why}`).join('; ');
  throw new OpsError(`nothing here can start the watcher. ${reasons}`, {
    hint: 'Nothing was changed. "opsctl watch" in a tmux on a login node does the same as long as that lives.',
  });
}

function installationOf(
  system: System,
  { every, scron, config, profile }: Wish,
  scheduler: Scheduler,
  skipped: Installation['skipped'],
): Installation {
  const home = stateHome(system.env);
  const rhythm = { every, uid: process.getuid?.() ?? 0 };
  const squeue = findProgram('squeue', system.env.PATH);
  const text = watcherScript({
    node: process.execPath,
    opsctl: join(packageRoot(), 'bin', 'opsctl.cjs'),
    home,
    config: config === null ? null : resolve(system.cwd, config),
    profile,
    env: keptVariables(system.env),
    slurm: squeue === undefined ? null : dirname(squeue),
  });
  const lines = {
    scrontab: () => scrontabBlock(home, rhythm, scron).lines,
    crontab: () => crontabBlock(home, rhythm).lines,
    systemd: () =>
      Object.values(timerUnits(home, rhythm, UNIT))
        .join('\n')
        .trimEnd()
        .split('\n'),
  }[scheduler]();
  return { scheduler, home, rhythm, scron, script: { path: scriptPath(home), text }, lines, skipped };
}

/** What `install` did. */
export interface Installed {
  /** False when all of it stood there already. */
  readonly changed: boolean;
  /** Schedulers that started the watcher before and do not any more. */
  readonly movedFrom: readonly Scheduler[];
  readonly notes: readonly string[];
}

/** Carries it out. Done twice it is the same as once. */
export async function install(system: System, plan: Installation): Promise<Installed> {
  const { scheduler, home, rhythm, scron, script } = plan;
  await openOwnDirectory(home);
  await openOwnDirectory(join(home, 'cron'));
  await writeAtomic(script.path, script.text, 0o700);
  const changed = await KEEPERS[scheduler].put(system, home, rhythm, scron);
  // Only now: at no moment does nothing look.
  const movedFrom = await takeFrom(
    system,
    home,
    SCHEDULERS.filter((other) => other !== scheduler),
  );
  const at = system.now().toISOString();
  await writeRecord(home, { scheduler, every: rhythm.every, host: shortHostname(), at });
  return { changed, movedFrom, notes: await notesOn(system, plan) };
}

async function takeFrom(
  system: System,
  home: string,
  schedulers: readonly Scheduler[],
): Promise<Scheduler[]> {
  const taken: Scheduler[] = [];
  for (const scheduler of schedulers) {
    if (!isThere(await KEEPERS[scheduler].look(system, home))) continue;
    if (await KEEPERS[scheduler].take(system, home)) taken.push(scheduler);
  }
  return taken;
}

async function notesOn(system: System, { scheduler, script, home }: Installation): Promise<string[]> {
  const isPassing = /\/_npx\/|^\/tmp\//.test(script.text.match(/\S+\/bin\/opsctl\.cjs/)?.[0] ?? '');
  const isAlone = scheduler === 'systemd' && (await lingers(system)) !== true;
  return [
    ...(isPassing
      ? ['This opsctl lies where files are cleared away. Install it (npm install -g), then run this again.']
      : []),
    ...(isAlone ? ['The timer stops when you log out, until: loginctl enable-linger'] : []),
    `What it says is in ${logPath(home)}; "opsctl cron status" shows when it looked last.`,
  ];
}
