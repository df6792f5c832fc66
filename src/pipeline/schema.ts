import * as z from 'zod/mini';

const MAX_ROUNDS = 99;

const stageName = z
  .string()
  .check(
    z.regex(
      /^[a-z][a-z0-9-]{0,39}$/,
      'expected a short name: lower-case letters, digits and "-", such as sft-1',
    ),
  );
const scalar = z.nullable(z.union([z.string(), z.number(), z.boolean()]));

const fromStage = z.strictObject({
  from: z.string().check(z.describe('The stage that leaves it')),
  take: z.optional(
    z
      .enum(['newest', 'best', 'final'])
      .check(z.describe('Which checkpoint: the newest complete one, bestppl_N, or final_N')),
  ),
  path: z.optional(
    z.string().check(z.describe('Instead of a checkpoint: this path below the directory of that run')),
  ),
});

const values = z.record(
  z
    .string()
    .check(z.regex(/^[A-Za-z][A-Za-z0-9_-]*$/, 'expected a parameter name: letters, digits, "_" and "-"')),
  z.union([scalar, fromStage], 'expected one value, or { from: STAGE }'),
);

const stageShape = {
  name: z.optional(stageName.check(z.describe('Without it: the name of its phase, or of its stage of rlhf'))),
  phase: z.optional(z.string().check(z.describe('What runs: pretrain, cpt, sft, dpo, rlhf, data-prepare …'))),
  stage: z.optional(z.string().check(z.describe('Of rlhf: reward, ppo or grpo'))),
  trainer: z.optional(z.string().check(z.describe('Program that trains'))),
  recipe: z.optional(
    z.string().check(z.describe("YAML file of parameters, relative to the pipeline's own directory")),
  ),
  parameters: z.optional(
    values.check(z.describe('Parameters of this stage, stronger than its recipe; {round} is the round')),
  ),
  flags: z.optional(
    z.array(z.string()).check(z.describe("Words for the trainer's own command line, as after --")),
  ),
  after: z.optional(
    z
      .union([z.string(), z.array(z.string())], 'expected the name of a stage, or a list of names')
      .check(z.describe('What it waits for. Without it: the stage before; [] waits for nothing')),
  ),
  when: z.optional(
    z
      .enum(['ok', 'notok', 'any'])
      .check(z.describe('Whether those must have ended well (ok), badly (notok), or at all (any)')),
  ),
};

const stageSchema = z.strictObject(stageShape);

const entrySchema = z.strictObject({
  ...stageShape,
  repeat: z.optional(
    z.int().check(z.minimum(1), z.maximum(MAX_ROUNDS), z.describe('Run `stages` in turn, this many times')),
  ),
  stages: z.optional(z.array(stageSchema).check(z.describe('The stages of one round'))),
});

export const pipelineSchema = z.strictObject({
  name: z.optional(stageName.check(z.describe('Without it the pipeline is called as its file'))),
  trainer: z.optional(z.string().check(z.describe('For every stage that names none'))),
  parameters: z.optional(
    z
      .record(z.string(), scalar)
      .check(z.describe("Parameters of every stage, weaker than a stage's own and its recipe")),
  ),
  stages: z
    .array(entrySchema)
    .check(z.minLength(1, 'expected at least one stage'), z.describe('In the order in which they run')),
});

export type PipelineFile = z.infer<typeof pipelineSchema>;
export type StageEntry = z.infer<typeof stageSchema>;
export type FromStage = z.infer<typeof fromStage>;

/** The JSON Schema of a pipeline file, for editors. */
export function pipelineJsonSchema(): object {
  return { title: 'Pipeline of opsctl', ...z.toJSONSchema(pipelineSchema, { io: 'input' }) };
}
