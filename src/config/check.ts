import * as z from 'zod/mini';
import { didYouMean } from '../terminal/suggest.ts';
import type { KeyPath, Problem, YamlFile } from './yaml-file.ts';

const MAX_SHOWN = 60;

/**
 * The file's data as its schema describes it, with defaults filled in.
 * @param advice what to write instead of keys that people know from elsewhere: sentences.
 * @throws UsageError with every problem at once: the place, the key, the value found and what is right.
 */
export function check<T extends z.core.$ZodType>(
  schema: T,
  file: YamlFile,
  advice: Readonly<Record<string, string>> = {},
): z.output<T> {
  const result = z.safeParse(schema, file.data);
  if (result.success) return result.data;
  throw file.failure(result.error.issues.flatMap((issue) => problemsOf(schema, file.data, issue, advice)));
}

function problemsOf(
  schema: z.core.$ZodType,
  data: unknown,
  issue: z.core.$ZodIssue,
  instead: Readonly<Record<string, string>>,
): Problem[] {
  const keyPath = issue.path;
  if (issue.code === 'unrecognized_keys') {
    const known = knownKeys(schema, keyPath);
    return issue.keys.map((key) => {
      const advised = Object.hasOwn(instead, key) ? ` ${instead[key]}` : didYouMean(key, known);
      return {
        keyPath: [...keyPath, key],
        message: `there is no such key.${advised || ` Known keys: ${known.join(', ')}`}`,
      };
    });
  }
  if (issue.code === 'invalid_key') {
    return [{ keyPath, message: issue.issues[0]?.message ?? issue.message }];
  }
  const value = valueAt(data, keyPath);
  return [
    { keyPath, atValue: true, message: `${expected(issue)}, found ${shown(value)}${advice(issue, value)}` },
  ];
}

/** What would have been right. Rules that only the schema can word carry their message in it. */
function expected(issue: z.core.$ZodIssue): string {
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${NOUNS[issue.expected] ?? issue.expected}`;
    case 'invalid_value':
      return `expected ${issue.values.length === 1 ? '' : 'one of '}${issue.values.map(String).join(', ')}`;
    case 'too_small':
      return `expected at least ${issue.minimum}`;
    case 'too_big':
      return `expected at most ${issue.maximum}`;
    default:
      return issue.message;
  }
}

const NOUNS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list ([a, b])',
  object: 'keys with values',
  record: 'keys with values',
};

function shown(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'keys with values';
  const text = JSON.stringify(value) ?? String(value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}...` : text;
}

/** YAML reads 22.05 and true as a number and a boolean; who means text must say so. */
function advice(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code === 'invalid_value' && typeof value === 'string') {
    const meant = didYouMean(value, issue.values.map(String));
    return meant === '' ? '' : `.${meant}`;
  }
  const wantsText = issue.code === 'invalid_type' && issue.expected === 'string';
  return wantsText && (typeof value === 'number' || typeof value === 'boolean') ? ': put it in quotes' : '';
}

function valueAt(data: unknown, keyPath: KeyPath): unknown {
  let value = data;
  for (const key of keyPath) {
    value = typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined;
  }
  return value;
}

/** Names that the schema has at a key path. */
function knownKeys(schema: z.core.$ZodType, keyPath: KeyPath): string[] {
  const at = unwrap(schemaAt(schema, keyPath));
  return at instanceof z.core.$ZodObject ? Object.keys(at._zod.def.shape) : [];
}

/** What the schema's author says of a key; empty when nothing. */
export function descriptionOf(schema: z.core.$ZodType, keyPath: KeyPath): string {
  const at = schemaAt(schema, keyPath);
  return (at && z.globalRegistry.get(at)?.description) ?? '';
}

function schemaAt(schema: z.core.$ZodType, keyPath: KeyPath): z.core.$ZodType | undefined {
  let at: z.core.$ZodType | undefined = schema;
  for (const key of keyPath) {
    const container = unwrap(at);
    if (container instanceof z.core.$ZodObject) at = container._zod.def.shape[String(key)];
    else if (container instanceof z.core.$ZodRecord) at = container._zod.def.valueType;
    else if (container instanceof z.core.$ZodArray) at = container._zod.def.element;
    else return undefined;
  }
  return at;
}

/** The schema below what gives defaults and allows null. */
function unwrap(schema: z.core.$ZodType | undefined): z.core.$ZodType | undefined {
  if (schema instanceof z.core.$ZodPipe) return unwrap(schema._zod.def.out);
  if (schema instanceof z.core.$ZodLazy) return unwrap(schema._zod.innerType);
  const wraps =
    schema instanceof z.core.$ZodOptional ||
    schema instanceof z.core.$ZodDefault ||
    schema instanceof z.core.$ZodPrefault ||
    schema instanceof z.core.$ZodNullable;
  return wraps ? unwrap(schema._zod.def.innerType) : schema;
}
