import type { Line } from './prefix.ts';

/** `SomeError: words`, `package.SomeError`, as Python ends a traceback. */
const EXCEPTION =
  /^(?:[A-Za-z_][\w.]{0,120}\.)?(_?[A-Z]\w{0,60}(?:Error|Exception|Interrupt|Exit|Timeout|Failure|Fault|Empty|Full|Warning|Raised|Missing|NotFound|Unavailable|Abort|Invalid|Death|Died|Closed|Refused|Exceeded|Limit|OOM)|Exception|StopIteration|StopAsyncIteration)(?::\s|:?$)/;
/** What is called otherwise, in a module: `cv2.error: words`, `RayTaskError(KeyError): words`. Only straight behind a frame's source. */
const DOTTED = /^[A-Za-z_]\w{0,60}(?:\.\w{1,60}){1,8}(?:\(\w{1,80}\))?: \S/;
/** The same where no traceback leads to it, as in the end of a log: only the commonest forms, so that prose is not taken for one. */
const BARE =
  /^(?:[A-Za-z_][\w.]{0,120}\.)?_?[A-Z]\w{0,60}(?:Error|Exception)(?:: |$)|^Exception: |^KeyboardInterrupt$/;
/** The line behind which a traceback quotes the program's source. */
const FRAME = /^\s{0,40}File ".{1,400}", line \d+(?:, in |$)/;
const START = 'Traceback (most recent call last)';
/** Lines of one traceback after which its end is no longer waited for. */
const LONGEST = 2_000;
/** A frame's place stands two spaces in, its source two more; the whole may stand further in, as where somebody quotes it. */
const SOURCE_INDENT = 2;
const STREAMS = 512;
/** Of a traceback's end, what is kept. */
const KEPT_CHARACTERS = 4_000;

interface Open {
  lines: number;
  text: string;
  /** Its last line. */
  last: string;
}

/** Follows the tracebacks of all processes that share a log. */
export interface Tracebacks {
  /** Where the line is what an exception says: the frames that led to it, as text; undefined for every other line. */
  readonly exception: (line: Line) => string | undefined;
  /**
   * The line is the program's source, which the traceback's frame quotes: what stands there did not happen. Asked
   * before `exception`. `before`: what stands before the line, as far as it was not handed over.
   */
  readonly quotesSource: (line: Line, before: () => string) => boolean;
  /** None has begun whose end has not been seen. */
  readonly areClosed: () => boolean;
}

export function followTracebacks(): Tracebacks {
  const open = new Map<string, Open>();
  return {
    areClosed: () => open.size === 0,
    quotesSource: ({ text, stream }, before) => {
      if (indentOf(text) < SOURCE_INDENT) return false;
      const last = open.get(stream)?.last ?? before().trimEnd().split('\n').at(-1) ?? '';
      return FRAME.test(last) && indentOf(text) >= indentOf(last) + SOURCE_INDENT;
    },
    exception: ({ text, stream }) => {
      if (text.includes(START)) {
        if (open.size >= STREAMS) open.clear();
        open.set(stream, { lines: 0, text: '', last: '' });
        return undefined;
      }
      const trimmed = text.trimStart();
      const traceback = open.get(stream);
      if (traceback === undefined) return BARE.test(trimmed) ? '' : undefined;
      if (EXCEPTION.test(trimmed) || (indentOf(traceback.last) >= 2 * SOURCE_INDENT && DOTTED.test(text))) {
        open.delete(stream);
        return traceback.text;
      }
      traceback.lines += 1;
      traceback.last = text;
      traceback.text = `${traceback.text}${text}\n`.slice(-KEPT_CHARACTERS);
      if (traceback.lines > LONGEST) open.delete(stream);
      return undefined;
    },
  };
}

function indentOf(text: string): number {
  return text.length - text.trimStart().length;
}
