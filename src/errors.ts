/** Exit codes, promised in the README: others script against them. */
export const EXIT = {
  ok: 0,
  /** A warning, or the thing asked for failed. */
  failed: 1,
  critical: 2,
  unknown: 3,
  usage: 64,
  noSlurm: 69,
  bug: 70,
  tryAgain: 75,
  cancelled: 130,
} as const;

export type ExitCode = (typeof EXIT)[keyof typeof EXIT];

/** The caller asked for something that cannot be: what is wrong, where, and what to type instead. Exit 64. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
  readonly hint: string | undefined;

  constructor(message: string, hint?: string) {
    super(message);
    this.hint = hint;
  }
}

/** Something outside failed: what, the tool's own last line, and what to do next. */
export class OpsError extends Error {
  override readonly name = 'OpsError';
  readonly hint: string | undefined;
  readonly exitCode: ExitCode;

  constructor(message: string, options: { hint?: string; exitCode?: ExitCode; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.hint = options.hint;
    this.exitCode = options.exitCode ?? EXIT.failed;
  }
}

export interface Failure {
  readonly exitCode: ExitCode;
  readonly text: string;
}

/** The one place that turns what was thrown into what the user reads and the exit code. */
export function describeFailure(thrown: unknown): Failure {
  if (thrown instanceof UsageError) return { exitCode: EXIT.usage, text: withHint(thrown) };
  if (thrown instanceof OpsError) return { exitCode: thrown.exitCode, text: withHint(thrown) };
  const stack = thrown instanceof Error ? (thrown.stack ?? thrown.message) : String(thrown);
  return { exitCode: EXIT.bug, text: `bug in opsctl, please report it:\n${stack}` };
}

function withHint(error: UsageError | OpsError): string {
  return error.hint === undefined ? error.message : `${error.message}\n  ${error.hint}`;
}
