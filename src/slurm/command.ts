import { closeSync, openSync } from 'node:fs';
import { EXIT, OpsError } from '../errors.ts';
import type { ExecResult } from '../system/exec.ts';
import { errorCode } from '../system/files.ts';
import type { System } from '../system/system.ts';

/**
 * Milliseconds a Slurm command may take. With the controller down, squeue and sinfo hang for minutes; a person
 * at a terminal must have an answer in under ten seconds.
 */
const LIMIT_MS = 8_000;

/** Words that only ask; everything else of these programs changes something. */
const CHANGES: ReadonlySet<string> = new Set(['scancel', 'sbatch', 'salloc', 'srun', 'scontrol']);
const ONLY_ASKS: ReadonlySet<string> = new Set(['--test-only', 'show', 'ping']);

const INSTALL_HINT =
  'Run opsctl on a login node of the cluster, or try it on this machine with a private Slurm: install one with "apt-get install slurm-wlm munge", then "opsctl sandbox up".';

/**
 * The controller or the accounting daemon did not answer: words of Slurm 20.11 to 25.05, and those of the system's
 * network errors, which Slurm passes on when the controller dies while it is being spoken to.
 */
const NO_ANSWER = new RegExp(
  [
    'Unable to contact slurm controller',
    'Slurm backup controller in standby',
    'Socket timed out on send/recv',
    'Zero Bytes were transmitted',
    'Unexpected missing socket',
    'slurm_persist_conn_open',
    'Unable to connect to database',
    'Connection (?:refused|reset|timed out|aborted)',
    'Transport endpoint is not connected',
    'Broken pipe',
    'Network is unreachable',
    'No route to host',
    'Resource temporarily unavailable',
  ].join('|'),
  'i',
);
/** Slurm's programs are here and no cluster is: no slurm.conf and no DNS record for one. */
const NOT_CONFIGURED =
  /Could not establish a configuration source|Unable to process configuration file|Unable to establish controller machine|s_p_parse_file: unable to (?:status|read) file/i;

export interface SlurmOptions {
  readonly timeoutMs?: number;
  readonly input?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** What a Slurm command answered when Slurm was there and reachable: it may still have refused. */
export interface SlurmAnswer extends ExecResult {
  readonly ok: boolean;
}

/**
 * Runs one Slurm command within its time limit.
 * @throws OpsError with exit code 69 when Slurm is not installed or not configured, 75 when it did not answer.
 */
export async function slurm(
  system: System,
  argv: readonly string[],
  options: SlurmOptions = {},
): Promise<SlurmAnswer> {
  const program = argv[0] ?? '';
  refuseLostConfiguration(options.env?.SLURM_CONF ?? system.env.SLURM_CONF);
  const timeoutMs = options.timeoutMs ?? LIMIT_MS;
  const result = await system.exec(argv, { ...options, timeoutMs, env: { ...system.env, ...options.env } });
  if (result.missing) {
    throw new OpsError(`Slurm is not installed here: "${program}" was not found`, {
      exitCode: EXIT.noSlurm,
      hint: INSTALL_HINT,
    });
  }
  // A configuration that is not there is looked for a minute long: the limit comes first.
  if (result.timedOut && /cannot stat file .*retrying/.test(result.stderr))
    throw notConfigured(result.stderr);
  if (result.timedOut) {
    throw new OpsError(`${program} did not answer within ${timeoutMs / 1000} s`, {
      exitCode: EXIT.tryAgain,
      hint: changes(argv)
        ? 'Slurm is down or overloaded, and may do it all the same: look with "squeue --me" before you try again.'
        : 'Slurm is down or overloaded. Nothing was changed by opsctl; try again in a minute.',
    });
  }
  if (result.code === 0) return { ...result, ok: true };
  if (NOT_CONFIGURED.test(result.stderr)) throw notConfigured(result.stderr);
  if (NO_ANSWER.test(result.stderr)) {
    throw new OpsError(`Slurm did not answer ${program}: ${lastLine(result.stderr)}`, {
      exitCode: EXIT.tryAgain,
      hint: 'The controller is down or unreachable; try again in a minute.',
    });
  }
  return { ...result, ok: false };
}

/** A request to change something may have arrived although no answer came. */
function changes(argv: readonly string[]): boolean {
  return CHANGES.has(argv[0] ?? '') && !argv.some((word) => ONLY_ASKS.has(word));
}

/** Slurm's commands look for a configuration that is not there a minute long before they say so. */
function refuseLostConfiguration(path: string | undefined): void {
  if (!path) return;
  try {
    closeSync(openSync(path, 'r'));
  } catch (error) {
    const isAbsent = errorCode(error) === 'ENOENT' || errorCode(error) === 'ENOTDIR';
    throw new OpsError(
      `SLURM_CONF names ${path}, ${isAbsent ? 'which is not there' : 'which you may not read'}`,
      {
        exitCode: EXIT.noSlurm,
        hint: isAbsent
          ? 'A sandbox that has ended? "unset SLURM_CONF" goes back to the cluster of this machine.'
          : 'Another user\'s sandbox? "unset SLURM_CONF" goes back to the cluster of this machine.',
      },
    );
  }
}

function notConfigured(stderr: string): OpsError {
  return new OpsError(`Slurm is installed but no cluster is configured: ${lastLine(stderr)}`, {
    exitCode: EXIT.noSlurm,
    hint: INSTALL_HINT,
  });
}

/** For an answer that came with exit code 0 and is no answer: cut off, or of something else under Slurm's name. */
export function notAList(program: string): OpsError {
  return new OpsError(`${program} printed something that is no whole list of jobs`, {
    exitCode: EXIT.tryAgain,
    hint: `Was it cut off? Try again in a minute, and look at what "${program}" prints.`,
  });
}

/** Why a command failed, in its own last word where it had one. */
export function complaintOf({ code, stderr }: Pick<ExecResult, 'code' | 'stderr'>): string {
  const silent =
    code === null ? 'a signal ended it, and it said nothing' : `exit code ${code}, without a word`;
  return lastLine(stderr) || silent;
}

/** A tool's own last word, without its repeated prefix. */
export function lastLine(text: string): string {
  const lines = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return (lines.at(-1) ?? '').replace(/^\w+: (?:error|fatal): /, '');
}
