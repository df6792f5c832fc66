import { unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT, OpsError } from '../errors.ts';
import { lastLine } from '../slurm/command.ts';
import { writeAtomic } from '../system/files.ts';
import type { System } from '../system/system.ts';

/** Both have `-l` and take a file; each says in its own words that there is nothing yet. */
export type TableProgram = 'crontab' | 'scrontab';

/** A user's table, or why it cannot be known. What cannot be read is never taken for empty. */
export type Table =
  | { readonly kind: 'table'; readonly text: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unreadable'; readonly why: string };

const TIMEOUT_MS = 15_000;

export async function readTable(system: System, program: TableProgram): Promise<Table> {
  const result = await system.exec([program, '-l'], { timeoutMs: TIMEOUT_MS, env: system.env });
  if (result.missing) return { kind: 'missing' };
  if (result.timedOut) return { kind: 'unreadable', why: `${program} -l did not answer` };
  if (result.code === 0) {
    // In another encoding than UTF-8, such as GBK, it could not be written back byte for byte.
    if (result.stdout.includes('\ufffd'))
      return { kind: 'unreadable', why: `the ${program} has characters that are not UTF-8` };
    // Debian's crontab lists a carriage return as the two characters "\\r": written back, the line would be another one.
    if (/\\r$/m.test(result.stdout))
      return {
        kind: 'unreadable',
        why: `the ${program} has lines that end with "\\r", as DOS ends them: ${program} -l does not give them back as they are ("${program} -e" mends them)`,
      };
    return { kind: 'table', text: result.stdout };
  }
  // cron says it on standard error, scrontab on standard output (its source, 20.11 to 24.05).
  const isNone = [result.stdout, result.stderr].some((text) => /^no crontab for \S+\s*$/.test(text.trim()));
  if (isNone && result.code === 1) return { kind: 'table', text: '' };
  const said = lastLine(result.stderr) || lastLine(result.stdout) || `exit code ${result.code}`;
  return { kind: 'unreadable', why: `${program} -l: ${said}` };
}

/**
 * Replaces a user's table and reads it again: `scrontab` ends with 0 after it has refused a line, and a full disk has cut
 * tables short. What is not as it was meant is put back.
 * @param home a directory of our own; the old table is kept there as `PROGRAM.before`.
 * @throws OpsError with what the program said, and where the old table is.
 */
export async function replaceTable(
  system: System,
  program: TableProgram,
  before: string,
  after: string,
  home: string,
): Promise<void> {
  const kept = join(home, `${program}.before`);
  await writeAtomic(kept, before);
  const said = await install(system, program, after, home);
  const now = await readTable(system, program);
  if (now.kind === 'table' && now.text === after) return;
  if (now.kind === 'table' && now.text === before) throw refused(program, said, 'It is as it was.');
  await install(system, program, before, home);
  const restored = await readTable(system, program);
  const isRestored = restored.kind === 'table' && restored.text === before;
  throw refused(
    program,
    said,
    isRestored
      ? 'It was left half-written and has been put back as it was.'
      : `It could not be put back. What was in it is in ${kept}: "${program} ${kept}" installs that.`,
  );
}

/** As a file: what comes through a pipe may end early and look whole. An empty table is none. */
async function install(system: System, program: TableProgram, text: string, home: string): Promise<string> {
  const options = { timeoutMs: TIMEOUT_MS, env: system.env, input: 'n\n' };
  if (text === '') return lastLine((await system.exec([program, '-r'], options)).stderr);
  const path = join(home, `${program}.new`);
  await writeAtomic(path, text);
  try {
    // A line that it does not take makes scrontab ask whether to edit again, and for ever at the end of its input.
    const { stdout, stderr, timedOut } = await system.exec([program, path], options);
    return timedOut ? `no answer within ${TIMEOUT_MS / 1000} s` : lastLine(stderr) || lastLine(stdout);
  } finally {
    await unlink(path).catch(() => undefined);
  }
}

function refused(program: TableProgram, said: string, hint: string): OpsError {
  return new OpsError(`${program} did not take the new table${said === '' ? '' : `: ${said}`}`, {
    exitCode: EXIT.failed,
    hint,
  });
}
