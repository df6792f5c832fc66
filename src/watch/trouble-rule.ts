import type { Rule } from './rule.ts';

/** Runs that ended badly or were put back into the queue: diagnosed when it was seen, told until it is over. */
export const troubleRule: Rule = {
  // What a run died of may be any fault; the memory of it does not depend on this look.
  faults: [],
  couldSee: () => true,
  judge: ({ runs }) => runs.flatMap(({ memory }) => memory.trouble?.alert ?? []),
};
