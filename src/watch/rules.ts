import type { Alert } from '../alert/alert.ts';
import { hangRule } from './hang-rule.ts';
import { hostMemoryRule } from './host-memory-rule.ts';
import { lossRule } from './loss-rule.ts';
import { nodeRule } from './node-rule.ts';
import { pendingRule } from './pending-rule.ts';
import { quotaRule } from './quota-rule.ts';
import type { Rule, Scene } from './rule.ts';
import { slowNodeRule } from './slow-node-rule.ts';
import { silentPlaceRule, spaceRule } from './space-rule.ts';
import { speedRule } from './speed-rule.ts';
import { troubleRule } from './trouble-rule.ts';

/** Every rule, in the order of the fault table's rows where they have one. */
export const RULES: readonly Rule[] = [
  troubleRule,
  pendingRule,
  nodeRule,
  speedRule,
  lossRule,
  hangRule,
  quotaRule,
  spaceRule,
  silentPlaceRule,
  slowNodeRule,
  hostMemoryRule,
];

/** What one look saw, and which faults it could not look for: of those, what is known stays as it is. */
export interface Judged {
  readonly alerts: readonly Alert[];
  readonly blind: 'all' | readonly string[];
}

/** Pure: the same scene gives the same alerts with the same ids. */
export function judge(scene: Scene): Judged {
  if (scene.look.queue === undefined) return { alerts: [], blind: 'all' };
  const blind = RULES.filter((rule) => !rule.couldSee(scene)).flatMap(({ faults }) => faults);
  const seeing = RULES.filter((rule) => rule.couldSee(scene));
  const alerts = new Map<string, Alert>();
  // What ended a run is known better than what a later rule says of the same target.
  for (const alert of seeing.flatMap((rule) => rule.judge(scene)))
    if (!alerts.has(alert.id)) alerts.set(alert.id, alert);
  return { alerts: [...alerts.values()], blind: [...new Set(blind)] };
}
