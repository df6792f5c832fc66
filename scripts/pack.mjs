// The form of dist/opsctl.pack and of its code caches: an index as JSON, behind its length, then the parts one after another.
import { renameSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const { DIGITS } = createRequire(import.meta.url)('../bin/opsctl.cjs');

/** Writes named parts (Buffers) as one file, whole or not at all: a build beside a running opsctl must not show it half a file. */
export function writePack(path, parts, more) {
  let offset = 0;
  const places = {};
  for (const [name, { length }] of parts) {
    places[name] = [offset, length];
    offset += length;
  }
  const index = JSON.stringify({ ...more, parts: places });
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(
    temporary,
    Buffer.concat([Buffer.from(String(index.length).padStart(DIGITS, '0') + index), ...parts.values()]),
  );
  renameSync(temporary, path);
}
