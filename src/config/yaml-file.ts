import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  type Pair,
  parseDocument,
} from 'yaml';
import { UsageError } from '../errors.ts';
import { printable } from '../terminal/terminal.ts';

/** More aliases than any person writes: each may double what the ones before it stand for. */
const MAX_ALIASES = 100;
const MAX_PROBLEMS = 20;

export type KeyPath = readonly PropertyKey[];

/** One thing that is wrong in a file. */
export interface Problem {
  /** Of the key or value, outermost first; empty when the place is all that is known. */
  readonly keyPath: KeyPath;
  /** The place is the value's, not its key's. */
  readonly atValue?: boolean;
  readonly message: string;
}

/** A YAML file that was read whole: its data, and where each key stands. */
export interface YamlFile {
  readonly path: string;
  readonly data: unknown;
  /** Line of a key, from 1; undefined when the file does not have it. */
  readonly line: (keyPath: KeyPath) => number | undefined;
  /** A number as it is written (`1e-5`, `007`); undefined for what is no number. */
  readonly numberText: (keyPath: KeyPath) => string | undefined;
  /** All problems as one error, in the order of the file. */
  readonly failure: (problems: readonly Problem[]) => UsageError;
}

/** `file:line` of a key, or the file when the key is not in it. */
export function place(file: YamlFile, keyPath: KeyPath): string {
  const line = file.line(keyPath);
  return line === undefined ? file.path : `${file.path}:${line}`;
}

/**
 * Reads YAML; an empty file is an empty map.
 * @throws UsageError with every syntax problem, each as `file:line:column`.
 */
export function parseYaml(path: string, text: string): YamlFile {
  const { document, lines } = parse(path, text);
  const positionOf = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${line}:${col}`;
  };
  const syntax = [...document.errors, ...document.warnings].map((error) => ({
    offset: error.pos[0],
    message:
      error.code === 'DUPLICATE_KEY' ? `the key ${wordAt(text, error.pos[0])} is there twice` : error.message,
  }));
  if (syntax.length > 0) throw failure(path, syntax, positionOf);
  const data = toData(path, document);
  if (typeof data !== 'object' || Array.isArray(data)) {
    throw failure(
      path,
      [{ offset: offsetOf(document, { keyPath: [] }), message: 'expected keys with values (key: value)' }],
      positionOf,
    );
  }
  return {
    path,
    data,
    line: (keyPath) => {
      const start = pairAt(document, keyPath)?.key.range?.[0];
      return start === undefined ? undefined : lines.linePos(start).line;
    },
    numberText: (keyPath) => {
      const node = resolve(document, pairAt(document, keyPath)?.value);
      return isScalar(node) && (typeof node.value === 'number' || typeof node.value === 'bigint')
        ? node.source
        : undefined;
    },
    failure: (problems) =>
      failure(
        path,
        problems.map((problem) => ({ offset: offsetOf(document, problem), message: labelled(problem) })),
        positionOf,
      ),
  };
}

function parse(path: string, text: string): { document: Document.Parsed; lines: LineCounter } {
  const lines = new LineCounter();
  try {
    return {
      document: parseDocument(text, { lineCounter: lines, prettyErrors: false, stringKeys: true }),
      lines,
    };
  } catch (error) {
    throw tooDeep(path, error);
  }
}

function toData(path: string, document: Document.Parsed): unknown {
  try {
    return document.toJS({ maxAliasCount: MAX_ALIASES }) ?? {};
  } catch (error) {
    if (error instanceof ReferenceError)
      throw new UsageError(
        `${path}: ${error.message}`,
        'Write the values out instead of using aliases (*name).',
      );
    throw tooDeep(path, error);
  }
}

/** The parser recurses; what exhausts the stack is no configuration. */
function tooDeep(path: string, error: unknown): unknown {
  return error instanceof RangeError
    ? new UsageError(`${path}: nested too deeply to be a configuration`)
    : error;
}

function failure(
  path: string,
  problems: readonly { offset: number; message: string }[],
  positionOf: (offset: number) => string,
): UsageError {
  const lines = [...problems]
    .sort((a, b) => a.offset - b.offset)
    .map(({ offset, message }) => `${path}:${positionOf(offset)}: ${printable(message)}`);
  const rest = lines.length - MAX_PROBLEMS;
  return new UsageError(
    [...lines.slice(0, MAX_PROBLEMS), ...(rest > 0 ? [`and ${rest} more`] : [])].join('\n'),
  );
}

function labelled({ keyPath, message }: Problem): string {
  return keyPath.length === 0 ? message : `${keyPath.map(String).join('.')}: ${message}`;
}

/** Where to point at: the key or value, else the nearest thing above it that the file has. */
function offsetOf(document: Document.Parsed, { keyPath, atValue }: Omit<Problem, 'message'>): number {
  for (let length = keyPath.length; length > 0; length--) {
    const pair = pairAt(document, keyPath.slice(0, length));
    const node = atValue && length === keyPath.length ? (pair?.value ?? pair?.key) : pair?.key;
    const start = node?.range?.[0];
    if (start !== undefined) return start;
  }
  return document.contents?.range?.[0] ?? 0;
}

/** The entry of a key path; an item of a list stands for itself. */
function pairAt(
  document: Document.Parsed,
  keyPath: KeyPath,
): Pair<Node, Node | null> | { key: Node; value: Node } | undefined {
  let node: Node | null | undefined = document.contents;
  let found: ReturnType<typeof pairAt>;
  for (const key of keyPath) {
    const container = resolve(document, node);
    if (isMap<Node, Node | null>(container)) {
      found = container.items.find((pair) => isScalar(pair.key) && String(pair.key.value) === String(key));
    } else if (isSeq<Node>(container)) {
      const item = container.items[Number(key)];
      found = item === undefined ? undefined : { key: item, value: item };
    } else {
      found = undefined;
    }
    if (found === undefined) return undefined;
    node = found.value;
  }
  return found;
}

function resolve(document: Document.Parsed, node: Node | null | undefined): Node | null | undefined {
  return isAlias(node) ? node.resolve(document) : node;
}

function wordAt(text: string, offset: number): string {
  return JSON.stringify(/^[^\s:]*/.exec(text.slice(offset, offset + 80))?.[0] ?? '');
}
