import * as z from 'zod/mini';
import { check } from '../config/check.ts';
import { parseYaml } from '../config/yaml-file.ts';
import { PARAMETER_TYPES } from './parameter.ts';

const value = z.nullable(z.union([z.string(), z.number(), z.boolean()]));

const parameterSchema = z.strictObject({
  type: z.optional(z.enum(PARAMETER_TYPES)),
  help: z.optional(z.string()),
  unit: z.optional(z.string()),
  default: z.optional(value),
  required: z.optional(z.boolean()),
  min: z.optional(z.number()),
  max: z.optional(z.number()),
  choices: z.optional(z.readonly(z.array(z.string()))),
});

const frontMatterSchema = z.strictObject({
  /** The heading that the parameters stand under in --help. */
  title: z.string(),
  summary: z.optional(z.string()),
  /** Of a trainer's program: what it can run, as `sft`, or `rlhf/ppo` for one stage. A file without it is a part of the others. */
  phases: z.optional(z.array(z.string())),
  /** Of a phase: files of shared/ whose parameters it has too. */
  shares: z.optional(z.array(z.string())),
  /** Parameters of the files below that this one does not have. */
  without: z.optional(z.array(z.string())),
  /** Of a trainer: the keys that each line of its JSONL data must have. */
  data_keys: z.optional(z.array(z.string())),
  /** Of a trainer: whether Slurm may start the job a second time, and why. */
  requeue: z.optional(z.strictObject({ allowed: z.boolean(), why: z.string() })),
  /** Of a trainer: the signal that makes it write a checkpoint, and how long before the time limit, in seconds. */
  signal: z.optional(z.strictObject({ name: z.string(), lead: z.number() })),
  parameters: z.optional(z.record(z.string(), parameterSchema)),
});

export type FrontMatter = z.infer<typeof frontMatterSchema>;
export type ParameterEntry = z.infer<typeof parameterSchema>;

/**
 * What a template says of itself.
 * @param text what stands between the two lines of `---`.
 * @throws UsageError with every problem, each with file and line.
 */
export function parseFrontMatter(path: string, text: string): FrontMatter {
  // One line for the `---` above, so that the lines are those of the file.
  return check(frontMatterSchema, parseYaml(path, `\n${text}`));
}
