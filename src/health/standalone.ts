import { JUDGE, RUN_CHECKS } from './bash-runtime.ts';
import type { Check } from './check-schema.ts';
import { exportsOf, functionName, type Inputs, probeFunction, rulesFunction, specs } from './compile.ts';

export type Purpose = 'gate' | 'prolog' | 'healthcheck';

/**
 * Seconds that one check may take. HealthCheckProgram is killed after 60 s; a prolog holds up the job; a gate, its GPUs: with
 * TERM, KILL and whole seconds it takes three more at most, so that all of it ends within ten.
 */
const LIMIT: Readonly<Record<Purpose, number>> = { gate: 7, prolog: 20, healthcheck: 50 };

/** Whether a check can be asked there: on the node, of the node, with what every node has. */
export function isStandalone(check: Check, purpose: Purpose): boolean {
  if (check.scope === 'login') return false;
  if (purpose === 'gate') return check.gate;
  // Of root's own environment nobody wants to know; scontrol in a prolog overloads the controller.
  const aboutUser = check.level === 'run' || (check.about ?? 'node') !== 'node';
  return !aboutUser && !(check.tools ?? []).some((tool) => tool === 'scontrol' || tool === 'sinfo');
}

/**
 * Probes and rules in one bash file. It prints what is not ok, worst last, and its exit code is the worst severity: 0 ok,
 * 1 warning, 2 critical, 3 unknown; of a prolog 2 or 0. A check reports; what to do about it is the caller's.
 * @param run what the checks are told of it, instead of reading it from their environment, and a sentence for whom it is.
 */
export function standalone(
  checks: readonly Check[],
  purpose: Purpose,
  run: { readonly inputs: Inputs; readonly by: string } = {
    inputs: {},
    by: `Written by "opsctl checks compile --for ${purpose}".`,
  },
): string {
  // Nothing else runs yet where a gate asks, and GPUs wait; the others must not disturb what runs.
  const lanes = purpose === 'gate' ? checks.length : 1;
  const judges = checks.map((check) => `    ${check.id}) rules_${functionName(check)} ;;`);
  return `#!/usr/bin/env bash
# ${purpose}: ${checks.map(({ id }) => id).join(' ')}
# ${run.by}
# Exit code: ${purpose === 'prolog' ? '2 critical, else 0' : '0 ok, 1 warning, 2 critical, 3 unknown'}.
set -u
export LC_ALL=C PATH=\${PATH:-/usr/sbin:/usr/bin:/sbin:/bin}
node=\${SLURMD_NODENAME:-$(uname -n)}

${RUN_CHECKS}

${JUDGE}

# One line a finding: status, node, check, message, fix.
told() { # STATUS FACT MESSAGE FIX
  if [[ $1 == unknown && -z $4 ]]; then
    # One fact that is not told leaves many rules without an answer: that is one finding, and the fix of none of them helps.
    [[ -z $untold ]] || return 0
    untold=yes
    set -- "$1" "$2" "$3" "opsctl checks show $check --probe | bash   # on that node"
  fi
  [[ $1 == ok ]] || printf '%s\\t%s\\t%s\\t%s\\t%s\\n' "$1" "$node" "$check" "\${3//[[:cntrl:]]/?}" "\${4//[[:cntrl:]]/?}"
}
conclude() { # CHECK
  local check=$1 untold=''
  case $check in
${judges.join('\n')}
  esac
}
late() { printf 'unknown\\t%s\\t%s\\tno answer in time\\t-\\n' "$node" "$1"; }

${checks.map((check) => `${probeFunction(check)}\n${rulesFunction(rulesFor(check, purpose))}`).join('\n\n')}

${exportsOf(checks, run.inputs)}
# The last line shows that every check was waited for: without it nothing is known.
found=$(run_checks ${lanes} ${specs(checks, LIMIT[purpose])} </dev/null && echo .)
if [[ $found == *. ]]; then
  found=\${found%.}
else
  found+=$'\\nunknown\\t'"$node"$'\\t-\\tthe checks could not be run to their end\\t-\\n'
fi
printf '%s' "\${found#$'\\n'}"
${exits(purpose)}
`;
}

function rulesFor(check: Check, purpose: Purpose): Check {
  return purpose === 'gate' ? { ...check, rules: check.rules.filter(({ gate }) => gate !== false) } : check;
}

/** Slurm drains a node whose Prolog does not end with 0, so that a warning must not. */
function exits(purpose: Purpose): string {
  const others = `  *$'\\n'unknown$'\\t'*) exit 3 ;;
  *$'\\n'warning$'\\t'*) exit 1 ;;
`;
  return `case $'\\n'$found in
  *$'\\n'critical$'\\t'*) exit 2 ;;
${purpose === 'prolog' ? '' : others}esac
exit 0`;
}
