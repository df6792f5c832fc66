import type { System } from '../system/system.ts';
import type { Rhythm } from './entry.ts';

/** What stands in a scheduler for one state directory, or why that cannot be used. */
export type Look =
  | { readonly kind: 'usable'; readonly entry: { readonly line: string; readonly disabled: boolean } | null }
  | {
      readonly kind: 'unusable';
      readonly why: string;
      /** Whether an entry stands there all the same, which `take` takes out; absent where that cannot be seen. */
      readonly left?: boolean;
    };

/** Something stands there, in force or not. */
export function isThere(look: Look): boolean {
  return look.kind === 'usable' ? look.entry !== null : look.left === true;
}

/** One scheduler. `home` is the state directory, absolute and opened. */
export interface Keeper {
  readonly look: (system: System, home: string) => Promise<Look>;
  /** Writes the entry; false when it stood there already. */
  readonly put: (
    system: System,
    home: string,
    rhythm: Rhythm,
    options: readonly string[],
  ) => Promise<boolean>;
  /** Takes the entry out; false when there was none. Touches nothing that is not of this state directory. */
  readonly take: (system: System, home: string) => Promise<boolean>;
}
