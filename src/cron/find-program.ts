import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';

/** The absolute path of a program of PATH, as it stands there; undefined when it is not found. */
export function findProgram(name: string, path: string | undefined): string | undefined {
  return (path ?? '')
    .split(':')
    .filter((directory) => directory.startsWith('/'))
    .map((directory) => join(directory, name))
    .find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
