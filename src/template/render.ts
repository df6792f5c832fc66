import type Handlebars from 'handlebars';
import Runtime from 'handlebars/runtime.js';
import { UsageError } from '../errors.ts';
import { directivePath, directiveValue, hydraValue, shellWord } from './quote.ts';

/**
 * A piece of text that a template cannot print as it is: only through a helper that quotes it for its place.
 * A template that forgets the helper fails at once, in every test, instead of on the first hostile value.
 */
export class Text {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }

  toString(): string {
    throw new TypeError(
      `the text ${JSON.stringify(this.text)} needs its place: {{sh x}}, {{directive x}}, {{directive-path x}} or {{comment x}}`,
    );
  }
}

/** What a template may read: numbers and booleans print as they are, texts only through a helper. */
export type TemplateValue =
  | Text
  | number
  | boolean
  | null
  | readonly TemplateValue[]
  | { readonly [name: string]: TemplateValue };
export type TemplateContext = { readonly [name: string]: TemplateValue };

/** A body that was compiled: by `compile`, or by the build. */
export type Compiled = Handlebars.TemplateDelegate<TemplateContext>;

export interface TemplateSource {
  readonly path: string;
  readonly compiled: Compiled;
}

/**
 * The only door to Handlebars. `noEscape`, because its escaping is HTML's; `strict`, because a misspelled name must
 * not print as nothing; `preventIndent`, because an indented heredoc ends elsewhere.
 */
const OPTIONS = { noEscape: true, strict: true, preventIndent: true };

/** Compiles a body, for a template that the build has not seen: the compiler is loaded only then. */
export async function compile(body: string): Promise<Compiled> {
  const { default: Compiler } = await import('handlebars');
  return Compiler.compile(body, { ...OPTIONS, knownHelpers: KNOWN });
}

/**
 * A body as JavaScript source, for scripts/build.mjs.
 * @public
 */
export async function precompile(body: string): Promise<string> {
  const { default: Compiler } = await import('handlebars');
  return String(Compiler.precompile(body, { ...OPTIONS, knownHelpers: KNOWN }));
}

/** Makes a template of what the build has compiled. */
export function fromBuild(specification: TemplateSpecification): Compiled {
  return Runtime.template(specification);
}

/**
 * Prints a template.
 * @throws UsageError naming the template's file when it asks for what is not there, and the one of `refuse`.
 */
export function render(
  main: TemplateSource,
  partials: ReadonlyMap<string, TemplateSource>,
  context: TemplateContext,
): string {
  const compiled = Object.fromEntries([...partials].map(([name, partial]) => [name, partial.compiled]));
  try {
    return `${main.compiled(context, { helpers: HELPERS, partials: compiled }).trim()}\n`;
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw new UsageError(
      `the template ${main.path} cannot be rendered: ${error instanceof Error ? error.message : String(error)}`,
      'Names are those of its front matter, of its partials and of the trainer; see CONTRIBUTING.md.',
    );
  }
}

const HELPERS: Record<string, Handlebars.HelperDelegate> = {
  sh: (value: unknown) => shellWord(plain(value)),
  directive: (value: unknown) => directiveValue(plain(value)),
  'directive-path': (value: unknown) => directivePath(plain(value)),
  comment: (value: unknown) => plain(value),
  // In YAML a string of JSON is a string, whatever it holds.
  yaml: (value: unknown) => JSON.stringify(plain(value)),
  eq: (left: unknown, right: unknown) => plain(left) === plain(right),
  and: (left: unknown, right: unknown) => Boolean(left) && Boolean(right),
  or: (left: unknown, right: unknown) => Boolean(left) || Boolean(right),
  // Hydra reads a quoted value as it is, up to an interpolation, which nothing escapes.
  hydra: (value: unknown) => new Text(hydraValue(plain(value))),
  words: (value: unknown) =>
    plain(value)
      .split(/\s+/)
      .filter((word) => word !== '')
      .map((word) => new Text(word)),
  above: (left: unknown, right: unknown) => Number(plain(left)) > Number(plain(right)),
  multiple: (left: unknown, right: unknown) => Number(plain(left)) % Number(plain(right)) === 0,
  // Values that cannot go together, where only the template knows: nothing is submitted, and this is the error.
  refuse: (reason: unknown) => {
    throw new UsageError(plain(reason));
  },
  // `{{#if n}}` takes 0 for missing, and null must not print: this asks whether there is a value at all.
  given: (value: unknown) => value !== null && value !== undefined,
};
const KNOWN = Object.fromEntries(Object.keys(HELPERS).map((name) => [name, true]));

function plain(value: unknown): string {
  if (value instanceof Text) return value.text;
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean')
    return String(value);
  if (value === null) return '';
  throw new TypeError('a list, a map or nothing was given where a value belongs');
}
