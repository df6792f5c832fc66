import * as z from 'zod/mini';

/** Bytes of the shortest text that is looked for in a whole log: a shorter one is in too many lines. */
export const MIN_LITERAL = 6;

const id = z.string().check(z.regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'must be lower-case words joined by "-"'));
const texts = z.union([
  z.string().check(z.minLength(3)),
  z.array(z.string().check(z.minLength(3))).check(z.minLength(1)),
]);
const share = z.number().check(z.minimum(0), z.maximum(1));

const signatureSchema = z.strictObject({
  id,
  /** root: this is why. cascade: follows from something else. confirmation: supports. noise: says nothing. */
  role: z.enum(['root', 'cascade', 'confirmation', 'noise']),
  /** Core texts, any one of them: taken literally, but for the case of a sentence's first letter. */
  text: z.optional(texts),
  /** JavaScript's syntax without look-around or back references; tried on lines that hold one of `literals`. */
  regex: z.optional(z.string()),
  literals: z.optional(z.array(z.string().check(z.minLength(3))).check(z.minLength(1))),
  /** A line that holds one of these texts is not meant. */
  unless: z.optional(z.array(z.string())),
  /** The traceback that leads to the line must hold one of these texts: the message alone does not tell. */
  within: z.optional(z.array(z.string().check(z.minLength(3)))),
  /** exception: only the last line of a Python traceback, "SomeError: words". start: at the line's beginning, behind prefixes. */
  in: z.optional(z.enum(['exception', 'start'])),
  /** Who speaks, 0 to 100: 90 Slurm's or the kernel's verdict, 70 the failing part itself, 50 an application, 30 anything. */
  strength: z.optional(z.number().check(z.minimum(0), z.maximum(100))),
  /** How sure the line makes one of the fault. For a cascade: when nothing shows a cause beneath; absent, it names none. */
  confidence: z.optional(share),
  /** Of a cascade: ids of signatures behind which, on an earlier line of the same log, it follows from them and names no fault. */
  follows: z.optional(z.array(id)),
  /** Also where the logger calls the line INFO or WARNING, which else says that the program went on. */
  anyLevel: z.optional(z.boolean()),
  /** Counts only on a line that no other signature claims. */
  generic: z.optional(z.boolean()),
  /** False where progress behind the line does not mean that the run lived through it. */
  survivable: z.optional(z.boolean()),
  /** Lines that must match, and near ones that must not: tested. */
  hit: z.array(z.string()).check(z.minLength(1)),
  miss: z.array(z.string()),
});

const stateSchema = z.strictObject({
  /** Slurm's job states, as sacct and squeue print them. */
  state: z.optional(z.array(z.string())),
  /** Beginnings of squeue's reason. */
  reason: z.optional(z.array(z.string())),
  /** The signal part of sacct's ExitCode. */
  signal: z.optional(z.array(z.number())),
  exitCode: z.optional(z.array(z.number())),
  /** Slurm has no record of the attempt's end, and a node of it is down or does not answer. */
  node: z.optional(z.literal('gone')),
  strength: z.number(),
  confidence: share,
});

const remedySchema = z.strictObject({
  id,
  /** L0 report, L1 propose, L2 own job, L3 own files, L4 node. */
  level: z.enum(['L0', 'L1', 'L2', 'L3', 'L4']),
  command: z.string(),
  summary: z.string(),
});

export const frontSchema = z.strictObject({
  title: z.string(),
  /** One sentence that a person on call understands, for `diagnose`. */
  summary: z.string(),
  /** Rows of the team's fault table that this covers. */
  rows: z.optional(z.array(z.number())),
  /** Faults that this one brings about: seen together, this one is the cause. */
  explains: z.optional(z.array(id)),
  signatures: z.array(signatureSchema),
  slurm: z.optional(z.array(stateSchema)),
  /** Ids of checks that confirm it. */
  confirm: z.optional(z.array(z.string())),
  remedies: z.optional(z.array(remedySchema)),
});

export type Front = z.infer<typeof frontSchema>;
export type Signature = z.infer<typeof signatureSchema>;
export type StateCondition = z.infer<typeof stateSchema>;
export type Remedy = z.infer<typeof remedySchema>;

/** The two parts of a runbook's file. */
export interface Parsed {
  readonly front: Front;
  /** English Markdown. */
  readonly body: string;
}

export interface Runbook extends Parsed {
  /** The file's name, and the fault's id in everything opsctl prints. */
  readonly fault: string;
  readonly path: string;
  /** Chinese Markdown; empty where there is none. */
  readonly bodyZh: string;
}
