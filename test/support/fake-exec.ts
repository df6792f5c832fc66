import { onTestFinished } from 'vitest';
import type { Exec, ExecResult } from '../../src/system/exec.ts';
import type { System } from '../../src/system/system.ts';

export interface FakeExec {
  readonly exec: Exec;
  /** Every command line that was run, in order. */
  readonly calls: readonly (readonly string[])[];
}

export type Answer = Partial<Omit<ExecResult, 'argv'>>;

/**
 * An `exec` that knows the given command lines only, each by the words it begins with: `'scontrol show config'`.
 * An unknown command fails the test, and so does a stub that the test never used.
 */
export function fakeExec(stubs: Readonly<Record<string, Answer | string>>): FakeExec {
  const used = new Set<string>();
  const calls: (readonly string[])[] = [];
  const exec: Exec = async (argv) => {
    calls.push(argv);
    const line = `${argv.join(' ')} `;
    const prefix = Object.keys(stubs)
      .filter((start) => line.startsWith(`${start} `))
      .sort((a, b) => b.length - a.length)[0];
    const stub = prefix === undefined ? undefined : stubs[prefix];
    if (prefix === undefined || stub === undefined) throw new Error(`no stub for: ${line}`);
    used.add(prefix);
    const answer = typeof stub === 'string' ? { stdout: stub } : stub;
    return { argv, code: 0, stdout: '', stderr: '', timedOut: false, missing: false, ...answer };
  };
  onTestFinished(() => {
    const unused = Object.keys(stubs).filter((start) => !used.has(start));
    if (unused.length > 0) throw new Error(`stubs that were never used: ${unused.join(', ')}`);
  });
  return { exec, calls };
}

/** A system with nothing of this machine in it. */
export function fakeSystem(exec: Exec, over: Partial<System> = {}): System {
  return {
    exec,
    env: { HOME: '/nonexistent' },
    cwd: '/nonexistent',
    now: () => new Date('2026-01-02T03:04:05Z'),
    ...over,
  };
}
