import * as z from 'zod/mini';
import { check } from '../config/check.ts';
import { parseYaml } from '../config/yaml-file.ts';
import { UsageError } from '../errors.ts';
import { lifecycleProblems, lifecycleSchema } from './lifecycle-schema.ts';
import { PARAMETER_TYPES } from './parameter.ts';

const value = z.nullable(z.union([z.string(), z.number(), z.boolean()]));

/** How the files of a checkpoint are made: `hf`, `megatron`. pipeline/formats has the words for those of the package. */
const format = z.string().check(z.regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'expected a format, such as hf'));

const leavesSchema = z.strictObject({
  /** Format of its checkpoints, and of the model at its end. */
  format,
  /** Where it writes the model at its end, below `checkpoints` (default: there itself). */
  at: z.optional(z.string().check(z.regex(/^[A-Za-z0-9_-]+$/))),
  /** Format of its checkpoints before that, where it is another: then only the model at the end is of use to others. */
  until_then: z.optional(format),
  /** False: it saves no tokenizer with its model, so that of the model it began with goes on. */
  tokenizer: z.optional(z.boolean()),
});

const parameterSchema = z.strictObject({
  type: z.optional(z.enum(PARAMETER_TYPES)),
  help: z.optional(z.string()),
  /** Of a parameter of the phase that this program cannot have: the reason, which is the error. */
  refused: z.optional(z.string()),
  unit: z.optional(z.string()),
  default: z.optional(value),
  required: z.optional(z.boolean()),
  min: z.optional(z.number()),
  max: z.optional(z.number()),
  choices: z.optional(z.readonly(z.array(z.string()))),
  /** Of one that names a checkpoint: the format in which it is read; `any` where the program may read all. */
  format: z.optional(format),
});

const frontMatterSchema = z.strictObject({
  /** The heading that the parameters stand under in --help. */
  title: z.string(),
  summary: z.optional(z.string()),
  /** Of a trainer's program: what it can run, as `sft`, or `rlhf/ppo` for one stage. A file without it is a part of the others. */
  phases: z.optional(z.array(z.string())),
  /** Of a program: what runs in a step of its own beside the training. */
  side: z.optional(z.enum(['ray', 'vllm'])),
  /** Of a trainer's program: its name and version in the flag lists, `trainers/PROGRAM/VERSION.json`. */
  program: z.optional(
    z.string().check(z.regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'expected a program, such as trl-sft')),
  ),
  version: z.optional(z.string()),
  /** Of a phase or a program: files of shared/ whose parameters it has too. */
  shares: z.optional(z.array(z.string())),
  /** Parameters of the files below that this one does not have. */
  without: z.optional(z.array(z.string())),
  /** Of a trainer: the keys that each line of its JSONL data must have. */
  data_keys: z.optional(z.array(z.string())),
  /** Of a trainer: how each of its programs is told to stop, and how it goes on. */
  lifecycle: z.optional(z.array(lifecycleSchema)),
  /** Of a trainer or a program: what stages after it find. */
  leaves: z.optional(leavesSchema),
  /** Of a program that makes another format of a checkpoint: which of which. */
  converts: z.optional(z.strictObject({ from: format, to: format })),
  /** Of a trainer: thresholds of the checks that differ for it, because it needs less of a node than a large model does. */
  limits: z.optional(z.record(z.string(), z.int())),
  parameters: z.optional(z.record(z.string(), parameterSchema)),
});

export type FrontMatter = z.infer<typeof frontMatterSchema>;
export type Leaves = z.infer<typeof leavesSchema>;
export type ParameterEntry = z.infer<typeof parameterSchema>;

/**
 * What a template says of itself.
 * @param text what stands between the two lines of `---`.
 * @throws UsageError with every problem, each with file and line.
 */
export function parseFrontMatter(path: string, text: string): FrontMatter {
  // One line for the `---` above, so that the lines are those of the file.
  const front = check(frontMatterSchema, parseYaml(path, `\n${text}`));
  const problems = (front.lifecycle ?? []).flatMap((row) =>
    lifecycleProblems(row).map((problem) => `${path}: lifecycle of ${row.version}: ${problem}`),
  );
  if (problems.length > 0) throw new UsageError(problems.join('\n'));
  return front;
}
