import { readFileSync } from 'node:fs';
import type { Exec, ExecResult } from '../../src/system/exec.ts';

type Answer = Partial<Pick<ExecResult, 'code' | 'stdout' | 'stderr' | 'timedOut' | 'missing'>>;

/** How a stand-in behaves; what is not given works. */
export interface Behaviour {
  readonly scron?: boolean;
  /** crontab is not there, or ends in this way. */
  readonly list?: Answer;
  /** What reaches the table of what is installed; undefined keeps the old one. */
  readonly store?: (text: string) => string | undefined;
  readonly systemctl?: Answer;
  /** systemctl as it is where the user has no bus, as Debian's 252 speaks: it still reads unit files. */
  readonly noBus?: boolean;
  /** Words of a systemctl that fails. */
  readonly fails?: string;
}

/**
 * Stand-ins for scontrol, crontab (as Debian's cron 3.0pl1 speaks), scrontab (as its source of 20.11 to 24.05 does: this
 * Debian has none) and systemctl (there is no systemd in a container).
 */
export function standIns(tables: { crontab?: string; scrontab?: string }, behaviour: Behaviour = {}) {
  const calls: string[] = [];
  const answer = (argv: readonly string[]): Answer => {
    const [program = '', word = ''] = argv;
    if (program === 'scontrol')
      return { stdout: `ClusterName = demo\nScronParameters = ${behaviour.scron ? 'enable' : '(null)'}\n` };
    const failed = { code: 1, stderr: 'Failed to connect to bus: No medium found\n' };
    if (program === 'systemctl' && behaviour.fails && argv.includes(behaviour.fails)) return failed;
    if (program === 'systemctl' && behaviour.noBus)
      return word === '--user' && argv[2] === 'is-enabled' ? { code: 1, stdout: 'disabled\n' } : failed;
    if (program === 'systemctl') return behaviour.systemctl ?? failed;
    if (program === 'loginctl') return { code: 1, stderr: 'Could not get user: no such user\n' };
    if (program !== 'crontab' && program !== 'scrontab') throw new Error(`no stand-in for ${argv.join(' ')}`);
    if (program === 'scrontab' && !behaviour.scron)
      return { code: 1, stderr: 'scrontab: fatal: scrontab is disabled on this cluster\n' };
    if (word === '-l') {
      const none = 'no crontab for me\n';
      if (behaviour.list && program === 'crontab') return behaviour.list;
      const text = tables[program];
      if (text !== undefined) return { stdout: text };
      return program === 'crontab' ? { code: 1, stderr: none } : { code: 1, stdout: none };
    }
    if (word === '-r') delete tables[program];
    else {
      const text = readFileSync(word, 'utf8');
      const stored = behaviour.store ? behaviour.store(text) : text;
      if (stored !== undefined) tables[program] = stored;
      // It says so, and ends well.
      else return { stdout: 'There are errors in your crontab.\n' };
    }
    return {};
  };
  const exec: Exec = async (argv) => {
    calls.push(argv.join(' '));
    return { argv, code: 0, stdout: '', stderr: '', timedOut: false, missing: false, ...answer(argv) };
  };
  return { exec, calls, tables };
}
