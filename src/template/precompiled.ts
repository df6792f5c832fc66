import type { FrontMatter } from './front-matter.ts';

export interface Precompiled {
  readonly front: FrontMatter;
  /** What Handlebars' compiler made of the body. */
  readonly specification: TemplateSpecification;
}

/**
 * The package's templates as the build has parsed and compiled them, by their whole text: one that was edited since
 * is not found here and compiled anew. Empty in the source; scripts/build.mjs puts its own module in this place.
 */
export const precompiled: ReadonlyMap<string, () => Promise<{ readonly built: Precompiled }>> = new Map();
