import { EXIT, OpsError } from '../errors.ts';
import { type System, shortHostname } from '../system/system.ts';
import { bundle, bundleCommand, type Heard, readBundles } from './bundle.ts';
import type { Check } from './check-schema.ts';
import type { Inputs } from './compile.ts';
import type { Answer } from './judge.ts';
import type { Verdict } from './verdict.ts';
import { verdictsOf } from './verdicts.ts';

/** What the start of bash takes beside the probes. */
const SLACK_SECONDS = 30;

/**
 * Asks this machine, and judges what it answers. Of no check nothing is asked.
 * @param environment bash text that sets the scene; empty for none.
 * @throws OpsError when there is no bash.
 */
export async function askHere(
  system: System,
  checks: readonly Check[],
  inputs: Inputs,
  environment: string,
): Promise<Verdict[]> {
  if (checks.length === 0) return [];
  // Inside a job this name may be another one than the machine's.
  const own = { ...system.env, SLURMD_NODENAME: shortHostname() };
  const { argv, env } = bundleCommand(bundle(checks, inputs, environment), own);
  const result = await system.exec(argv, {
    env,
    timeoutMs: (longest(checks) + SLACK_SECONDS) * 1000,
  });
  if (result.missing) throw new OpsError('bash was not found here', { exitCode: EXIT.unknown });
  return judged(checks, [shortHostname()], readBundles(result.stdout));
}

const NOTHING: Answer = { facts: new Map(), end: 'silent', seconds: 0 };

/** A probe that said nothing on a node is unknown there, so each node has an answer to each check. */
export function judged(
  checks: readonly Check[],
  nodes: readonly string[],
  { answers, unset }: Heard,
): Verdict[] {
  const able = nodes.filter((node) => !unset.has(node));
  const verdicts = checks.flatMap((check) => {
    const known = answers.get(check.id);
    return verdictsOf(check, new Map(able.map((node) => [node, known?.get(node) ?? NOTHING])));
  });
  return [...nodes.filter((node) => unset.has(node)).map(unsettled), ...verdicts];
}

function unsettled(node: string): Verdict {
  return {
    check: 'environment',
    node,
    status: 'critical',
    message: "the job's modules, activate file, python or secrets file cannot be set up here",
    fact: 'environment',
    value: null,
    limit: null,
    fix: 'opsctl config   # environment',
    seconds: 0,
  };
}

/** The longest time limit of a probe among these. */
export function longest(checks: readonly Check[]): number {
  return Math.max(...checks.map(({ seconds }) => seconds));
}
