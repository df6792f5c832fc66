import type { Parsed } from './schema.ts';

/**
 * The package's runbooks as the build has parsed and checked them, by their whole text: one that was edited since is
 * not found here and parsed anew. Empty in the source; scripts/build.mjs puts its own module in this place.
 */
export const precompiled: ReadonlyMap<string, Parsed> = new Map();
