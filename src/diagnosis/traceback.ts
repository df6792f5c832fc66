import type { Line } from './prefix.ts';

/** `SomeError: words`, `package.SomeError`, as Python ends a traceback. */
const EXCEPTION =
  /^(?:[A-Za-z_][\w.]{0,120}\.)?([A-Z]\w{0,60}(?:Error|Exception|Interrupt|Exit|Timeout|Failure|Fault|Empty|Full|Warning|Raised|Missing|NotFound|Unavailable|Abort|Invalid|Death|Died|Closed|Refused|Exceeded|Limit|OOM)|StopIteration|StopAsyncIteration)(?::\s|:?$)/;
/** The same where no traceback leads to it, as in the end of a log: only the commonest forms, so that prose is not taken for one. */
const BARE = /^(?:[A-Za-z_][\w.]{0,120}\.)?[A-Z]\w{0,60}(?:Error|Exception)(?:: |$)|^KeyboardInterrupt$/;
const START = 'Traceback (most recent call last)';
/** Lines of one traceback after which its end is no longer waited for. */
const LONGEST = 2_000;
const STREAMS = 512;
/** Of a traceback's end, what is kept. */
const KEPT_CHARACTERS = 4_000;

interface Open {
  lines: number;
  text: string;
}

/** Follows the tracebacks of all processes that share a log. */
export interface Tracebacks {
  /** Where the line is what an exception says: the frames that led to it, as text; undefined for every other line. */
  readonly exception: (line: Line) => string | undefined;
  /** None has begun whose end has not been seen. */
  readonly areClosed: () => boolean;
}

export function followTracebacks(): Tracebacks {
  const open = new Map<string, Open>();
  return {
    areClosed: () => open.size === 0,
    exception: ({ text, stream }) => {
      if (text.includes(START)) {
        if (open.size >= STREAMS) open.clear();
        open.set(stream, { lines: 0, text: '' });
        return undefined;
      }
      const trimmed = text.trimStart();
      const traceback = open.get(stream);
      if (traceback === undefined) return BARE.test(trimmed) ? '' : undefined;
      if (EXCEPTION.test(trimmed)) {
        open.delete(stream);
        return traceback.text;
      }
      traceback.lines += 1;
      traceback.text = `${traceback.text}${text}\n`.slice(-KEPT_CHARACTERS);
      if (traceback.lines > LONGEST) open.delete(stream);
      return undefined;
    },
  };
}
