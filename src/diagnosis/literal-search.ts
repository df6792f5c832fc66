import { MIN_LITERAL } from '../runbook/schema.ts';

/** One of the literals, and where it is. */
export interface Hit {
  readonly literal: string;
  readonly at: number;
}

/** Looks for many literals at once. */
export interface LiteralSearch {
  /** Every place of every literal, line by line: within a line in any order. */
  readonly hits: (bytes: Uint8Array) => Hit[];
  /** The literals that are in the text, each once. */
  readonly all: (text: string) => Set<string>;
}

const BLOCK = 3;
const HASH_BITS = 15;
/** Knuth's multiplicative hash: 2^32 divided by the golden ratio. */
const SPREAD = 0x9e3779b1 | 0;
/** Places in a window at which a block may end: any so many ends in sequence meet every window. */
const PLACES = MIN_LITERAL - BLOCK + 1;
/** Four bytes are looked at together. One block ends with each word, so there must be no fewer places than that. */
const WORD_BITS = 2;
const LITTLE_ENDIAN = new Uint8Array(new Uint32Array([1]).buffer)[0] === 1;

interface Sought {
  readonly text: string;
  readonly bytes: Uint8Array;
  /** Where in the literal the window lies. */
  readonly offset: number;
}

/**
 * Wu and Manber's search, a word at a time: of every literal a window as long as the shortest is taken, and one block of
 * three bytes in each four is looked up; where it is in no window, nor is a literal that reaches over it. Only around
 * the others the window is moved by what its last block allows. The window of a longer literal is the stretch that is
 * rarest in `sample`, a piece of the log: that makes it fast, and changes nothing in what is found.
 */
export function searchLiterals(
  literals: readonly string[],
  sample: Uint8Array = new Uint8Array(),
): LiteralSearch {
  const common = countBlocks(sample);
  /** By a block's hash: 0 in no window, PLACES at the end of one, less the farther it is from there. */
  const near = new Uint8Array(1 << HASH_BITS);
  const ending: (Sought[] | undefined)[] = new Array(1 << HASH_BITS).fill(undefined);
  for (const text of literals) {
    const bytes = Buffer.from(text);
    if (bytes.length < MIN_LITERAL) throw new Error(`literal "${text}" is shorter than ${MIN_LITERAL} bytes`);
    const offset = rarest(bytes, common);
    for (let place = BLOCK - 1; place < MIN_LITERAL; place += 1) {
      const hash = hashAt(bytes, offset + place);
      near[hash] = Math.max(near[hash] as number, place - BLOCK + 2);
    }
    const last = hashAt(bytes, offset + MIN_LITERAL - 1);
    ending[last] = [...(ending[last] ?? []), { text, bytes, offset }];
  }

  const hits = (bytes: Uint8Array): Hit[] => {
    const found: Hit[] = [];
    const { length, byteOffset } = bytes;
    // Words are those of the memory: the bytes may begin in the middle of one.
    const words = new Uint32Array(bytes.buffer, 0, (byteOffset + length) >>> WORD_BITS);
    for (let end = BLOCK - 1; end < length; ) {
      const word = nearWord(near, words, (byteOffset + end) >>> WORD_BITS);
      end = ((word + 1) << WORD_BITS) - 1 - byteOffset;
      for (; end < length; ) {
        const hash = hashAt(bytes, end);
        const nearness = near[hash] as number;
        if (nearness === 0) break;
        if (nearness < PLACES) {
          end += PLACES - nearness;
          continue;
        }
        for (const literal of ending[hash] ?? []) {
          const at = end - MIN_LITERAL + 1 - literal.offset;
          if (at >= 0 && isAt(literal.bytes, bytes, at)) found.push({ literal: literal.text, at });
        }
        end += 1;
      }
      end += 1;
    }
    return found;
  };

  return { hits, all: (text) => new Set(hits(Buffer.from(text)).map(({ literal }) => literal)) };
}

/** The first word at or behind `first` whose block is in a window, or how many words there are. */
function nearWord(near: Uint8Array, words: Uint32Array, first: number): number {
  const { length } = words;
  let at = first;
  // Four at a time: they do not wait for each other.
  for (; at + 3 < length; at += 4) {
    const some =
      (near[hashOf(blockOf(words[at] as number))] as number) |
      (near[hashOf(blockOf(words[at + 1] as number))] as number) |
      (near[hashOf(blockOf(words[at + 2] as number))] as number) |
      (near[hashOf(blockOf(words[at + 3] as number))] as number);
    if (some !== 0) break;
  }
  while (at < length && near[hashOf(blockOf(words[at] as number))] === 0) at += 1;
  return at;
}

/** The last three bytes of a word in memory, the first of them lowest. */
function blockOf(word: number): number {
  if (LITTLE_ENDIAN) return word >>> 8;
  return ((word >>> 16) & 0xff) | (word & 0xff00) | ((word & 0xff) << 16);
}

/** How often each block is in the sample. */
function countBlocks(sample: Uint8Array): Uint32Array {
  const counts = new Uint32Array(1 << HASH_BITS);
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

/** Of the block that ends there. */
function hashAt(bytes: Uint8Array, end: number): number {
  const before = (bytes[end - 2] as number) | ((bytes[end - 1] as number) << 8);
  return hashOf(before | ((bytes[end] as number) << 16));
}

function hashOf(block: number): number {
  return Math.imul(block, SPREAD) >>> (32 - HASH_BITS);
}

function isAt(literal: Uint8Array, bytes: Uint8Array, at: number): boolean {
  if (at + literal.length > bytes.length) return false;
  for (let index = 0; index < literal.length; index += 1)
    if (bytes[at + index] !== literal[index]) return false;
  return true;
}
