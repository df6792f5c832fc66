import { MIN_LITERAL } from '../runbook/schema.ts';

/** Looks for many literals at once. */
export interface LiteralSearch {
  /** Where a literal at or behind `from` is, in the first line that has one, or -1. */
  readonly next: (bytes: Uint8Array, from: number) => number;
  /** The literals that are in the text, each once. */
  readonly all: (text: string) => Set<string>;
}

const BLOCK = 3;
const TABLE = 1 << 16;
/** Bytes that the window moves when its last block is in no literal. */
const FARTHEST = MIN_LITERAL - BLOCK + 1;

interface Sought {
  readonly text: string;
  readonly bytes: Uint8Array;
  /** Where in the literal the window lies. */
  readonly offset: number;
}

/**
 * Wu and Manber's search: a window as long as the shortest literal is moved by what its last three bytes allow, so
 * most bytes of a log are never looked at. Of a longer literal the stretch is taken that is rarest in `sample`, a
 * piece of the log: that makes it fast, and changes nothing in what is found.
 */
export function searchLiterals(
  literals: readonly string[],
  sample: Uint8Array = new Uint8Array(),
): LiteralSearch {
  const common = countBlocks(sample);
  const shifts = new Uint8Array(TABLE).fill(FARTHEST);
  const ending: (Sought[] | undefined)[] = new Array(TABLE).fill(undefined);
  for (const text of literals) {
    const bytes = Buffer.from(text);
    if (bytes.length < MIN_LITERAL) throw new Error(`literal "${text}" is shorter than ${MIN_LITERAL} bytes`);
    const offset = rarest(bytes, common);
    for (let place = BLOCK - 1; place < MIN_LITERAL; place += 1) {
      const hash = hashAt(bytes, offset + place);
      shifts[hash] = Math.min(shifts[hash] as number, MIN_LITERAL - 1 - place);
    }
    const last = hashAt(bytes, offset + MIN_LITERAL - 1);
    ending[last] = [...(ending[last] ?? []), { text, bytes, offset }];
  }

  /** Where the next literal behind the window's end is: calls back for each, until told to stop. */
  const scan = (bytes: Uint8Array, from: number, found: (literal: Sought, at: number) => boolean): void => {
    const { length } = bytes;
    for (let end = from + MIN_LITERAL - 1; end < length; ) {
      const hash = hashAt(bytes, end);
      const shift = shifts[hash] as number;
      if (shift > 0) {
        end += shift;
        continue;
      }
      for (const literal of ending[hash] ?? []) {
        const at = end - MIN_LITERAL + 1 - literal.offset;
        if (at >= from && isAt(literal.bytes, bytes, at) && found(literal, at)) return;
      }
      end += 1;
    }
  };

  return {
    next: (bytes, from) => {
      let place = -1;
      scan(bytes, from, (_literal, at) => {
        place = at;
        return true;
      });
      return place;
    },
    all: (text) => {
      const found = new Set<string>();
      scan(Buffer.from(text), 0, (literal) => {
        found.add(literal.text);
        return false;
      });
      return found;
    },
  };
}

/** How often each block is in the sample. */
function countBlocks(sample: Uint8Array): Uint32Array {
  const counts = new Uint32Array(TABLE);
  for (let end = BLOCK - 1; end < sample.length; end += 1) {
    const hash = hashAt(sample, end);
    counts[hash] = (counts[hash] as number) + 1;
  }
  return counts;
}

/** The place in a literal whose window costs least: its last block is compared, the others shorten the way. */
function rarest(bytes: Uint8Array, common: Uint32Array): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let offset = 0; offset + MIN_LITERAL <= bytes.length; offset += 1) {
    let cost = 0;
    for (let place = BLOCK - 1; place < MIN_LITERAL; place += 1) {
      cost += (common[hashAt(bytes, offset + place)] as number) * (place === MIN_LITERAL - 1 ? 4 : 1);
    }
    if (cost < least) {
      least = cost;
      best = offset;
    }
  }
  return best;
}

function hashAt(bytes: Uint8Array, end: number): number {
  const before = ((bytes[end - 2] as number) << 10) ^ ((bytes[end - 1] as number) << 5);
  return (before ^ (bytes[end] as number)) & (TABLE - 1);
}

function isAt(literal: Uint8Array, bytes: Uint8Array, at: number): boolean {
  if (at + literal.length > bytes.length) return false;
  for (let index = 0; index < literal.length; index += 1)
    if (bytes[at + index] !== literal[index]) return false;
  return true;
}
