import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { pipelineJsonSchema } from '../../src/pipeline/schema.ts';

const FILE = join(import.meta.dirname, '..', '..', 'schema', 'pipeline.schema.json');

it('ships the JSON Schema of a pipeline that the code stands for (UPDATE_GOLDEN=1 writes it)', () => {
  const text = `${JSON.stringify(pipelineJsonSchema(), undefined, 2)}\n`;
  if (process.env.UPDATE_GOLDEN) writeFileSync(FILE, text);
  expect(readFileSync(FILE, 'utf8')).toBe(text);
});
