import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The directory that holds templates/, schema/ and examples/: found upwards, from the bundle as from the source. */
export function packageRoot(): string {
  root ??= findRoot();
  return root;
}

/** Of the program, and so the same for its whole life. */
let root: string | undefined;

function findRoot(): string {
  let directory = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(directory, 'templates'))) {
    const parent = dirname(directory);
    if (parent === directory)
      throw new Error('templates/ is not beside the program: the installation is incomplete');
    directory = parent;
  }
  return directory;
}
