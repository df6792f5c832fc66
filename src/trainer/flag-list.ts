import * as z from 'zod/mini';

/** A type, and how many values follow the flag: `int`, `bool?` (none or one), `str+`, `str*`, `float 2`. */
const shorthand = z
  .string()
  .check(
    z.regex(
      /^(str|int|float|bool|flag|any)(\?|\*|\+| [1-9]\d*)?$/,
      'expected a type (str, int, float, bool, flag, any), then "?", "*", "+" or a number',
    ),
  );

const flagSchema = z.union([
  shorthand,
  z.strictObject({
    /** `str` when it is not there. */
    type: z.optional(z.enum(['str', 'int', 'float', 'bool', 'any'])),
    nargs: z.optional(z.union([z.enum(['?', '*', '+']), z.int().check(z.minimum(1))])),
    choices: z.optional(z.array(z.string()).check(z.minLength(1))),
    required: z.optional(z.boolean()),
  }),
]);

const name = z
  .string()
  .check(z.regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'expected lower-case words joined by "-", such as trl-sft'));
const version = z
  .string()
  .check(
    z.regex(
      /^[A-Za-z0-9][A-Za-z0-9._+-]*$/,
      'expected a version or a commit: letters, digits, ".", "_", "+", "-"',
    ),
  );

/** What the parser of one program accepts, in one version. */
export const flagListSchema = z.strictObject({
  program: name,
  version,
  /** Where the list was taken from: `owner/repository:path@commit`, or a package and its version. */
  source: z.string().check(z.minLength(1)),
  /** Versions of the frameworks whose flags these are: says which renames are of interest. */
  frameworks: z._default(z.record(z.string(), z.string()), {}),
  /** argparse: `--flag value`. hydra: `key=value`, `+key=value`, `~key`. */
  syntax: z.enum(['argparse', 'hydra']),
  /** Of hydra: the name of the configuration whose keys these are. */
  config: z.optional(z.string()),
  /** `--a_b` may be written `--a-b`, and the other way round. */
  dashes: z._default(z.boolean(), false),
  /** The beginning of a flag stands for it when no other begins so: argparse's own rule, unless it was turned off. */
  abbreviations: z._default(z.boolean(), true),
  /** The parser passes over what it does not know (parse_known_args). */
  unknown: z._default(z.enum(['refused', 'ignored']), 'refused'),
  /** Words without a flag: refused, taken, or, of a launcher, the script with which its own flags end. */
  positionals: z._default(z.enum(['refused', 'taken', 'script']), 'refused'),
  /** A YAML or JSON file may stand first, and `key=value` behind it, with the flags' names without dashes. */
  settings: z._default(z.boolean(), false),
  notes: z._default(z.array(z.string()), []),
  /** Other spellings, to the flag that they stand for. */
  aliases: z._default(z.record(z.string(), z.string()), {}),
  flags: z.record(z.string(), flagSchema),
});

/** A list as it stands in its file, where what is the default may be left out. */
export type FlagList = z.input<typeof flagListSchema>;

/** What became of a framework's flags between two versions. */
export const changesSchema = z.strictObject({
  framework: z.string(),
  from: z.string(),
  to: z.string(),
  source: z.string(),
  /** A flag that is gone, to what replaces it: one for all programs, or the first of several that a program has; or null. */
  removed: z.record(z.string(), z.nullable(z.union([z.string(), z.array(z.string())]))),
  added: z._default(z.array(z.string()), []),
});

export type Changes = z.input<typeof changesSchema>;
