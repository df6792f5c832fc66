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
  const owner = await ownerOf(system, home);
  const silent = await silence(system);
  if (silent !== undefined) return { kind: 'unusable', why: silent, left: owner === 'us' };
  if (owner === 'nobody') return { kind: 'usable', entry: null };
  if (owner === 'another')
    return { kind: 'unusable', why: `${directoryOf(system)}/${UNIT}.service is not of this state directory` };
  const asked = await systemctl(system, 'is-enabled', `${UNIT}.timer`);
  return {
    kind: 'usable',
    entry: { line: `${UNIT}.timer`, disabled: asked.stdout.trim() !== 'enabled' },
  };
}

/** Why this user's systemd cannot be spoken to; undefined when it answers. "is-enabled" reads files and needs no systemd. */
async function silence(system: System): Promise<string | undefined> {
  const { missing, timedOut, code, stderr } = await systemctl(system, 'show', '--property=Version');
  if (missing) return 'systemctl is not here';
  if (timedOut) return 'systemctl --user did not answer';
  return code === 0 ? undefined : `no systemd for this user: ${lastLine(stderr) || `exit code ${code}`}`;
}

async function put(system: System, home: string, rhythm: Rhythm): Promise<boolean> {
  const directory = directoryOf(system);
  const units = timerUnits(home, rhythm, UNIT);
  const old = await Promise.all(FILES.map((name) => readIfThere(join(directory, name))));
  const found = await look(system, home);
  const isInForce = found.kind === 'usable' && found.entry?.disabled === false;
  if (isInForce && FILES.every((name, index) => old[index] === units[name])) return false;
  await ensureDirectory(directory);
  try {
    for (const name of FILES) await writeAtomic(join(directory, name), units[name] ?? '', 0o644);
    await expectDone(system, 'daemon-reload');
    await expectDone(system, 'enable', '--now', `${UNIT}.timer`);
    // A timer that runs keeps its old times.
    if (isInForce) await expectDone(system, 'restart', `${UNIT}.timer`);
  } catch (error) {
    await restore(system, old);
    throw error;
  }
  return true;
}

/** The files as they were before. */
async function restore(system: System, old: readonly (string | undefined)[]): Promise<void> {
  if (old[0] === undefined) await systemctl(system, 'disable', '--now', `${UNIT}.timer`);
  for (const [index, name] of FILES.entries()) {
    const text = old[index];
    if (text === undefined) await removeFile(join(directoryOf(system), name));
    else await writeAtomic(join(directoryOf(system), name), text, 0o644);
  }
  await systemctl(system, 'daemon-reload');
}

async function take(system: System, home: string): Promise<boolean> {
  if ((await ownerOf(system, home)) !== 'us') return false;
  const directory = directoryOf(system);
  // Without the user's systemd no timer runs here, and its files can go all the same.
  const isSilent = (await silence(system)) !== undefined;
  if (!isSilent) await expectDone(system, 'disable', '--now', `${UNIT}.timer`);
  // What `enable` has linked, where nothing can disable it.
  const wanted = join('timers.target.wants', `${UNIT}.timer`);
  for (const name of [...FILES, wanted]) await removeFile(join(directory, name));
  if (!isSilent) await expectDone(system, 'daemon-reload');
  return true;
}

async function removeFile(path: string): Promise<void> {
  await unlink(path).catch((error: unknown) => {
    if (errorCode(error) !== 'ENOENT' && errorCode(error) !== 'ENOTDIR')
      throw fileError('cannot remove', path, error);
  });
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
      hint: 'Mend that, and run it again.',
    });
}
