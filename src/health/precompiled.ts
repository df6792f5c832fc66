import type { Check } from './check-schema.ts';

/**
 * The package's checks as the build has parsed them, by their whole text: one that was edited since is not found here and
 * parsed anew. Empty in the source; scripts/build.mjs puts its own module in this place.
 */
export const precompiled: ReadonlyMap<string, () => Promise<{ readonly built: Check }>> = new Map();
