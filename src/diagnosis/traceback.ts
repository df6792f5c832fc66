import type { Line } from './prefix.ts';

/** `SomeError: words`, `package.SomeError`, as Python ends a traceback. */
const EXCEPTION =
  /^(?:[A-Za-z_][\w.]{0,120}\.)?([A-Z]\w{0,60}(?:Error|Exception|Interrupt|Exit|Timeout|Failure|Fault|Empty|Full|Warning|Raised|Missing|NotFound|Unavailable|Abort|Invalid|Death|Died|Closed|Refused|Exceeded|Limit|OOM|StopIteration))(?::\s|:?$)/;
/** The same where no traceback leads to it: only the two commonest forms, so that prose is not taken for one. */
const BARE = /^(?:[A-Za-z_][\w.]{0,120}\.)?[A-Z]\w{0,60}(?:Error|Exception)(?:: |$)/;
const START = 'Traceback (most recent call last)';
/** Lines of one traceback after which its end is no longer waited for. */
const LONGEST = 2_000;
const STREAMS = 512;

/** Follows the tracebacks of all processes that share a log. */
export interface Tracebacks {
  /** Whether the line is what an exception says at the end of a traceback. */
  readonly isException: (line: Line) => boolean;
  /** None has begun whose end has not been seen. */
  readonly areClosed: () => boolean;
}

export function followTracebacks(): Tracebacks {
  const open = new Map<string, number>();
  return {
    areClosed: () => open.size === 0,
    isException: ({ text, stream }) => {
      if (text.includes(START)) {
        if (open.size >= STREAMS) open.clear();
        open.set(stream, 0);
        return false;
      }
      const trimmed = text.trimStart();
      const lines = open.get(stream);
      if (lines === undefined) return BARE.test(trimmed);
      if (EXCEPTION.test(trimmed)) {
        open.delete(stream);
        return true;
      }
      if (lines > LONGEST) open.delete(stream);
      else open.set(stream, lines + 1);
      return false;
    },
  };
}
