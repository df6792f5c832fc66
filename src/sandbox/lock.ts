import { createServer } from 'node:net';
import { errorCode } from '../system/files.ts';

/**
 * Keeps other `up`s and `down`s off a directory. The lock is a Unix socket of Linux's abstract namespace: one
 * process can have it, it lies nowhere on disk, and it ends with its process, also by kill -9.
 * @returns how to give it back, or undefined when another process has it.
 */
export function lockPlace(dir: string): Promise<(() => Promise<void>) | undefined> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => {
      if (errorCode(error) === 'EADDRINUSE') resolve(undefined);
      else reject(error);
    });
    server.listen({ path: `\0opsctl-sandbox:${dir}` }, () => {
      resolve(() => new Promise((closed) => server.close(() => closed())));
    });
  });
}
