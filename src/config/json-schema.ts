import * as z from 'zod/mini';
import { configSchema } from './schema.ts';

/** The JSON Schema of the configuration file, for editors: completion, descriptions and warnings while typing. */
export function configJsonSchema(): object {
  return { title: 'Configuration of opsctl', ...z.toJSONSchema(configSchema, { io: 'input' }) };
}
