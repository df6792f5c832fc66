import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { configJsonSchema } from '../../src/config/json-schema.ts';

const FILE = join(import.meta.dirname, '..', '..', 'schema', 'opsctl.schema.json');

it('ships the JSON Schema that the code stands for (UPDATE_GOLDEN=1 writes it)', () => {
  const text = `${JSON.stringify(configJsonSchema(), undefined, 2)}\n`;
  if (process.env.UPDATE_GOLDEN) writeFileSync(FILE, text);
  expect(readFileSync(FILE, 'utf8')).toBe(text);
});
