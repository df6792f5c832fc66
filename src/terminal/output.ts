import { writeSync } from 'node:fs';

/** What a process exits with when nobody reads its output any more: nothing went wrong. */
const READER_GONE = 0;
const WRITE_FAILED = 1;
const PAUSE_MS = 5;

/**
 * Writes to a descriptor at once and whole. Not through process.stdout: to make that stream takes Node longer than a
 * short command. A reader that goes away (`opsctl logs RUN | head`) ends opsctl quietly.
 */
export function write(descriptor: 1 | 2, text: string): void {
  let rest = Buffer.from(text);
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest));
    } catch (error) {
      handle(error, descriptor);
    }
  }
}

/** Another process may have made the pipe non-blocking: then it is full now and will not be for long. */
function handle(error: unknown, descriptor: 1 | 2): void {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === 'EAGAIN') {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE_MS);
    return;
  }
  if (code === 'EPIPE') process.exit(READER_GONE);
  if (descriptor === 1) write(2, `error: cannot write the output: ${message}\n`);
  process.exit(WRITE_FAILED);
}
