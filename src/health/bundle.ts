import type { System } from '../system/system.ts';
import { RUN_CHECKS } from './bash-runtime.ts';
import type { Check } from './check-schema.ts';
import { exportsOf, type Inputs, probeFunction, specs } from './compile.ts';
import type { Answer } from './judge.ts';

/** Stands at the beginning of each line of a bundle's, so that nothing else that srun prints is taken for one. */
const MARK = 'opsctl-check';

/** The job's own lines end the shell where they cannot go on: that is the answer then. A directory they made goes again. */
const IN_SETTING = `  scratch=\${TMPDIR:-}
  trap 'tell - .setting' EXIT
  setting >/dev/null 2>&1
  trap - EXIT
  [[ \${TMPDIR:-} == "$scratch" ]] || trap 'rmdir -- "$TMPDIR" 2>/dev/null' EXIT`;

/** What a variable may hold: Linux allows 128 KiB for one, and a character may take four bytes. */
const PARTS = /[\s\S]{1,30000}/gu;
/**
 * Of the resolver (resolv.conf(5)). All nodes ask their name server at once, and it may drop a question: asked again after a
 * second, not after five, it still answers in time. Bash reads this from the environment that it was started with.
 */
const ASK_AGAIN = 'timeout:1 attempts:4';

/**
 * How a bundle is run: its text comes in variables. On standard input srun would send it to each node in pieces of a KiB, and
 * bash would read it one character at a time; as an argument it would stand in Slurm's accounting.
 * @param env what it would have without.
 */
export function bundleCommand(
  program: string,
  env: System['env'],
): { argv: string[]; env: Record<string, string | undefined> } {
  const parts = program.match(PARTS) ?? [];
  const named = Object.fromEntries(parts.map((part, at) => [`OPSCTL_BUNDLE_${at}`, part]));
  const text = Object.keys(named).map((name) => `$${name}`);
  return {
    // What the probes start need not carry it.
    argv: ['bash', '-c', `eval "unset \${!OPSCTL_BUNDLE_*}; ${text.join('')}"`],
    env: { ...env, ...named, RES_OPTIONS: `${env.RES_OPTIONS ?? ''} ${ASK_AGAIN}`.trim() },
  };
}

/**
 * One bash program that runs all probes of a node and prints their facts; judged is here. It is started by `bundleCommand`.
 * @param environment bash text that sets the scene, as the job does it.
 */
export function bundle(checks: readonly Check[], inputs: Inputs, environment = ''): string {
  return `${RUN_CHECKS}
tell() { printf '${MARK}\\t%s\\t%s\\t%s\\n' "$node" "$1" "$2"; }
# Each write wakes up the one that sends it on; but only up to 4096 bytes no other lane's come in between.
conclude() { # ID MILLISECONDS
  local name line text=''
  for name in "\${!fact[@]}"; do
    printf -v line '${MARK}\\t%s\\t%s\\t%s\\n' "$node" "$1" "$name=\${fact[$name]}"
    if ((\${#text} + \${#line} > 4000)); then
      printf %s "$text"
      text=''
    fi
    text+=$line
  done
  printf '%s${MARK}\\t%s\\t%s\\t.end %s\\n' "$text" "$node" "$1" "$2"
}
late() { tell "$1" .late; }
${checks.map(probeFunction).join('\n')}
${environment === '' ? '' : `setting() {\n${environment}\n}\n`}main() {
  node=\${SLURMD_NODENAME:-$(uname -n)}
  node=\${node%%.*}
${environment === '' ? '' : IN_SETTING}
  export LC_ALL=C
  set +e -u
${exportsOf(checks, inputs)}
  run_checks ${1 + checks.filter(({ outside }) => outside).length} ${specs(checks)}
  tell - .done
}
main </dev/null
exit 0
`;
}

/** What the bundles of several nodes printed. */
export interface Heard {
  readonly answers: ReadonlyMap<string, ReadonlyMap<string, Answer>>;
  /** Nodes whose bundle came to its end. */
  readonly finished: ReadonlySet<string>;
  /** Nodes where the job's environment could not be set up, so that no probe ran. */
  readonly unset: ReadonlySet<string>;
}

/** Reads it, by check and then by node. A line that is cut short counts for nothing. */
export function readBundles(stdout: string): Heard {
  const answers = new Map<string, Map<string, Answer>>();
  const finished = new Set<string>();
  const unset = new Set<string>();
  // What stands behind the last line end was cut off.
  for (const line of stdout.split('\n').slice(0, -1)) {
    const [mark, node = '', check = '', ...rest] = line.split('\t');
    if (mark !== MARK || node === '') continue;
    const text = rest.join('\t');
    if (text === '.done') finished.add(node);
    else if (text === '.setting') unset.add(node);
    else addTo(answers, check, node, text);
  }
  return { answers, finished, unset };
}

function addTo(answers: Map<string, Map<string, Answer>>, check: string, node: string, text: string): void {
  const byNode = answers.get(check) ?? new Map<string, Answer>();
  answers.set(check, byNode);
  const known = byNode.get(node) ?? { facts: new Map<string, string>(), end: 'silent' as const, seconds: 0 };
  const end = /^\.end (\d+)$/.exec(text);
  if (end)
    byNode.set(node, {
      ...known,
      end: known.end === 'late' ? 'late' : 'ended',
      seconds: Number(end[1]) / 1000,
    });
  else if (text === '.late') byNode.set(node, { ...known, end: 'late' });
  else {
    const at = text.indexOf('=');
    if (at > 0)
      byNode.set(node, {
        ...known,
        facts: new Map([...known.facts, [text.slice(0, at), text.slice(at + 1)]]),
      });
  }
}
