import { check } from '../config/check.ts';
import { parseYaml } from '../config/yaml-file.ts';
import { type FlagList, flagListSchema } from './flag-list.ts';

/**
 * Reads and checks a flag list: JSON, or, being written by hand, YAML.
 * @throws UsageError with every problem, each with file and line.
 */
export function readList(path: string, text: string): FlagList {
  return check(flagListSchema, parseYaml(path, text));
}
