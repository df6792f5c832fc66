import type { Collector } from './collect.ts';
import type { Hit } from './literal-search.ts';
import type { Matcher } from './matcher.ts';
import { chooseAmongRepeats } from './repeats.ts';

const NEWLINE = 0x0a;
const RETURN = 0x0d;
/** Bytes behind a telling line that are read line by line: tracebacks, and whether the run moves on. */
const WINDOW = 32 * 1024;
/** The end of a log is read line by line: what happened last decides whether a run lived. */
const TAIL = 64 * 1024;
/** A longer line is cut into pieces of this length, so that memory does not depend on the log. */
const LONGEST_LINE = 256 * 1024;
/** Of what stands before a line, what is looked at. */
const BEFORE = 4 * 1024;
/** Of a log's beginning, what its search is tuned by. */
const SAMPLE = 256 * 1024;
/** Of one line, what is looked at. */
const LINE_CHARACTERS = 16 * 1024;

export interface Scanner {
  readonly push: (chunk: Buffer) => void;
  readonly end: () => void;
  readonly lines: () => number;
  readonly bytes: () => number;
}

/**
 * Reads a log in one pass, chunk by chunk. A chunk in which the prefilter finds nothing is only counted; where it
 * finds something, that line and a stretch behind it go to the collector, and so does the end of the log.
 */
export function scan(matcher: Matcher, collector: Collector): Scanner {
  let search: ReturnType<Matcher['search']> | undefined;
  const choose = chooseAmongRepeats();
  let rest: Buffer = Buffer.alloc(0);
  let number = 1;
  let bytes = 0;
  let endsInLine = false;
  /** Bytes that are still to be read line by line. */
  let window = 0;
  /** The last lines that were not handed over, behind the last that said something. */
  let tail: { number: number; block: Buffer }[] = [];
  let tailBytes = 0;

  const hand = (block: Buffer, from: number, to: number, candidate: boolean): void => {
    // A progress bar's carriage returns divide a line; its pieces have the same number.
    const text = block.toString('utf8', from, Math.min(to, from + LONGEST_LINE));
    for (const piece of text.split('\r')) {
      if (piece === '') continue;
      const line = piece.length > LINE_CHARACTERS ? piece.slice(0, LINE_CHARACTERS) : piece;
      if (!collector.line(number, line, !candidate, before)) continue;
      window = WINDOW;
      // What stands before a line that says something need not be known.
      tail = [];
      tailBytes = 0;
    }
    if (!candidate && collector.isSettled()) window = 0;
  };

  /** What stands before the line, as far as it was not handed over. */
  const before = (): string => {
    const last = tail.slice(-2).map(({ block }) => block.subarray(Math.max(0, block.length - BEFORE)));
    return Buffer.concat(last).toString('utf8');
  };

  const lineEnd = (block: Buffer, from: number): number => {
    const end = block.indexOf(NEWLINE, from);
    return end === -1 ? block.length : end;
  };

  /** Whole lines, or one piece of a line that is too long. */
  const lines = (block: Buffer): void => {
    search ??= matcher.search(block.subarray(0, SAMPLE));
    const { hits, readFrom } = choose(block, search(block));
    let at = 0;
    /** Up to the line of that place: by line in the window, else only counted. */
    const advance = (place: number): void => {
      while (window > 0 && at < block.length && lineEnd(block, at) <= place) at = handLine(block, at, false);
      const start = place >= block.length ? block.length : block.lastIndexOf(NEWLINE, place) + 1;
      if (start <= at) return;
      keep(block.subarray(at, start));
      number += count(block, at, start);
      at = start;
    };
    const read = (part: readonly Hit[]): void => {
      for (const { at: place } of part) {
        // Another text in a line that has been read.
        if (place < at) continue;
        advance(place);
        at = handLine(block, at, true);
      }
    };
    read(hits.filter((hit) => hit.at < readFrom));
    advance(readFrom);
    window = Math.max(window, block.length - at);
    read(hits.filter((hit) => hit.at >= readFrom));
    advance(block.length);
  };

  /** Hands one line over and goes to the next. */
  const handLine = (block: Buffer, from: number, candidate: boolean): number => {
    const end = lineEnd(block, from);
    hand(block, from, end, candidate);
    window = Math.max(0, window - (end + 1 - from));
    if (end < block.length) number += 1;
    return end + 1;
  };

  /** A copy, because who gave the block uses its memory again. */
  const keep = (block: Buffer): void => {
    tail.push({ number, block: Buffer.from(block.subarray(Math.max(0, block.length - TAIL))) });
    const last = tail[tail.length - 1];
    if (last && last.block.length < block.length)
      last.number += count(block, 0, block.length - last.block.length);
    tailBytes += last?.block.length ?? 0;
    while (tail.length > 1 && tailBytes - (tail[0]?.block.length ?? 0) >= TAIL) {
      tailBytes -= tail.shift()?.block.length ?? 0;
    }
  };
  /** Puts what was left of a line before the chunk. Only that line is copied, not the chunk. */
  const join = (chunk: Buffer): Buffer => {
    if (rest.length === 0) return chunk;
    const end = chunk.indexOf(NEWLINE) + 1;
    const line = Buffer.concat([rest, end === 0 ? chunk : chunk.subarray(0, end)]);
    if (end === 0) return line;
    lines(line);
    return chunk.subarray(end);
  };

  return {
    push: (chunk) => {
      bytes += chunk.length;
      endsInLine = chunk.length > 0 ? chunk[chunk.length - 1] !== NEWLINE : endsInLine;
      const block = join(chunk);
      let cut = block.lastIndexOf(NEWLINE) + 1;
      if (cut === 0 && block.length > LONGEST_LINE) cut = block.lastIndexOf(RETURN) + 1 || block.length;
      if (cut > 0) lines(block.subarray(0, cut));
      // A copy: a small rest must not keep a large chunk alive.
      rest = Buffer.from(block.subarray(cut));
    },
    end: () => {
      lines(rest);
      rest = Buffer.alloc(0);
      const last = tail;
      const total = number;
      for (const { number: first, block } of last) {
        number = first;
        for (let at = 0; at < block.length; ) {
          const end = lineEnd(block, at);
          hand(block, at, end, false);
          number += 1;
          at = end + 1;
        }
      }
      number = total;
    },
    lines: () => (endsInLine ? number : number - 1),
    bytes: () => bytes,
  };
}

function count(block: Buffer, from: number, to: number): number {
  let found = 0;
  for (let at = block.indexOf(NEWLINE, from); at !== -1 && at < to; at = block.indexOf(NEWLINE, at + 1))
    found += 1;
  return found;
}
