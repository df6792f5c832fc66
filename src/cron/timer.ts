import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { OpsError } from '../errors.ts';
import { lastLine } from '../slurm/command.ts';
import { ensureDirectory, errorCode, fileError, readIfThere, writeAtomic } from '../system/files.ts';
import { currentUser, home as homeDirectory, type System } from '../system/system.ts';
import { type Rhythm, timerUnits } from './entry.ts';
import type { Keeper, Look } from './keeper.ts';
import { scriptPath } from './watcher.ts';

export const UNIT = 'opsctl-watch';
const FILES = [`${UNIT}.service`, `${UNIT}.timer`] as const;
const TIMEOUT_MS = 15_000;

/** A timer of the user's own systemd. */
export const timer: Keeper = { look, put, take };

async function look(system: System, home: string): Promise<Look> {
  const asked = await systemctl(system, 'is-enabled', `${UNIT}.timer`);
  if (asked.missing) return { kind: 'unusable', why: 'systemctl is not here' };
  if (/Failed to connect to bus|No medium found|System has not been booted/i.test(asked.stderr))
    return { kind: 'unusable', why: `no systemd for this user: ${lastLine(asked.stderr)}` };
  const owner = await ownerOf(system, home);
  if (owner === 'nobody') return { kind: 'usable', entry: null };
  if (owner === 'another')
    return { kind: 'unusable', why: `${directoryOf(system)}/${UNIT}.service is not of this state directory` };
  return {
    kind: 'usable',
    entry: { line: `${UNIT}.timer`, disabled: asked.stdout.trim() !== 'enabled' },
  };
}

async function put(system: System, home: string, rhythm: Rhythm): Promise<boolean> {
  const directory = directoryOf(system);
  const units = timerUnits(home, rhythm, UNIT);
  const old = await Promise.all(FILES.map((name) => readIfThere(join(directory, name))));
  const found = await look(system, home);
  const isInForce = found.kind === 'usable' && found.entry?.disabled === false;
  if (isInForce && FILES.every((name, index) => old[index] === units[name])) return false;
  await ensureDirectory(directory);
  for (const name of FILES) await writeAtomic(join(directory, name), units[name] ?? '', 0o644);
  await expectDone(system, 'daemon-reload');
  await expectDone(system, 'enable', '--now', `${UNIT}.timer`);
  // A timer that runs keeps its old times.
  if (isInForce) await expectDone(system, 'restart', `${UNIT}.timer`);
  return true;
}

async function take(system: System, home: string): Promise<boolean> {
  if ((await ownerOf(system, home)) !== 'us') return false;
  await expectDone(system, 'disable', '--now', `${UNIT}.timer`);
  for (const name of FILES)
    await unlink(join(directoryOf(system), name)).catch((error: unknown) => {
      if (errorCode(error) !== 'ENOENT') throw fileError('cannot remove', name, error);
    });
  await expectDone(system, 'daemon-reload');
  return true;
}

/** Whether the timer goes on when its user is not logged in; undefined where that cannot be told. */
export async function lingers(system: System): Promise<boolean | undefined> {
  const argv = ['loginctl', 'show-user', currentUser(), '--property=Linger', '--value'];
  const { code, stdout } = await system.exec(argv, { timeoutMs: TIMEOUT_MS, env: system.env });
  return code === 0 ? stdout.trim() === 'yes' : undefined;
}

/** Whose the unit files are: they name the script that they start. */
async function ownerOf(system: System, home: string): Promise<'us' | 'another' | 'nobody'> {
  const text = await readIfThere(join(directoryOf(system), FILES[0]));
  if (text === undefined) return 'nobody';
  return text.includes(`"${scriptPath(home)}"`) ? 'us' : 'another';
}

function directoryOf({ env }: System): string {
  return join(env.XDG_CONFIG_HOME || join(homeDirectory(env), '.config'), 'systemd', 'user');
}

async function systemctl(system: System, ...words: string[]) {
  return system.exec(['systemctl', '--user', ...words], { timeoutMs: TIMEOUT_MS, env: system.env });
}

async function expectDone(system: System, ...words: string[]): Promise<void> {
  const { code, stderr } = await systemctl(system, ...words);
  if (code !== 0)
    throw new OpsError(`systemctl --user ${words.join(' ')} failed: ${lastLine(stderr)}`, {
      hint: '"opsctl cron install" goes on from here when that is mended.',
    });
}
