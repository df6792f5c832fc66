/** A word, and whether any part of it was in quotes: an unquoted `if` is not a word but a statement. */
interface Word {
  readonly values: readonly string[];
  readonly raw: string;
}

type Arrays = Map<string, readonly string[]>;

/** Statements that need a real shell. */
const STATEMENTS = new Set(
  'if then elif else fi for while until do done case esac select function { } [[ ]] ! time coproc return eval source . trap wait'.split(
    ' ',
  ),
);

/**
 * The command lines that straight shell text runs, its words expanded: assignments, arrays, quotes, comments and
 * continued lines. A variable that the text does not set stands for itself, as `$NAME`.
 *
 * Costs nothing beside a start of bash, which only the templates with conditions and background processes need.
 * @returns undefined when the text holds anything else: then only bash can tell.
 */
export function straightCommands(text: string): string[][] | undefined {
  const arrays: Arrays = new Map();
  const commands: string[][] = [];
  let at = 0;
  while (at < text.length) {
    const line = readLine(text, at, arrays);
    if (line === undefined) return undefined;
    at = line.end;
    const command = run(line.words, arrays);
    if (command === undefined) return undefined;
    if (command.length > 0) commands.push(command);
  }
  return commands;
}

/** Takes assignments in; what is left is a command. */
function run(words: readonly Word[], arrays: Arrays): string[] | undefined {
  const [first] = words;
  if (first === undefined) return [];
  if (STATEMENTS.has(first.raw)) return undefined;
  const isDeclaration = ['local', 'export', 'declare', 'readonly'].includes(first.raw);
  const rest = isDeclaration ? words.slice(1) : words;
  if (isDeclaration || /^[A-Za-z_]\w*\+?=/.test(first.raw)) {
    // `NAME=value command`: rare, and for a real shell.
    if (!rest.every(({ raw }) => /^[A-Za-z_]\w*\+?=|^-\w+$/.test(raw))) return undefined;
    for (const { raw, values } of rest) {
      if (raw.startsWith('-')) continue;
      const [, name = '', plus] = /^([A-Za-z_]\w*)(\+?)=/.exec(raw) ?? [];
      const isArray = raw.slice(name.length).startsWith(`${plus}=(`);
      const given = isArray ? values : [(values[0] ?? '').slice(name.length + (plus ? 2 : 1))];
      if (!isArray && plus) return undefined;
      arrays.set(name, plus ? [...(arrays.get(name) ?? []), ...given] : given);
    }
    return [];
  }
  const command = first.raw === 'exec' ? words.slice(1) : words;
  return command.flatMap(({ values }) => values);
}

/** The words up to the end of the line, over continued lines and over an array's parentheses. */
function readLine(
  text: string,
  from: number,
  arrays: Arrays,
): { readonly words: Word[]; readonly end: number } | undefined {
  const words: Word[] = [];
  let at = from;
  while (at < text.length) {
    at = skipBlank(text, at);
    const char = text[at];
    if (char === undefined || char === '\n') return { words, end: at + 1 };
    if (char === '#') {
      at = endOfLine(text, at);
      continue;
    }
    const word = readWord(text, at, arrays);
    if (word === undefined) return undefined;
    if (/^[A-Za-z_]\w*\+?=$/.test(word.raw) && text[word.end] === '(') {
      const array = readArray(text, word.end + 1, arrays);
      if (array === undefined) return undefined;
      words.push({ raw: `${word.raw}(`, values: array.values });
      at = array.end;
    } else {
      words.push(word);
      at = word.end;
    }
  }
  return { words, end: at };
}

function readArray(
  text: string,
  from: number,
  arrays: Arrays,
): { values: string[]; end: number } | undefined {
  const values: string[] = [];
  let at = from;
  while (at < text.length) {
    const char = text[at] ?? '';
    if (char === ')') return { values, end: at + 1 };
    if (char === '\n' || char === ' ' || char === '\t') at += 1;
    else if (char === '\\' && text[at + 1] === '\n') at += 2;
    else if (char === '#') at = endOfLine(text, at);
    else {
      const word = readWord(text, at, arrays);
      if (word === undefined) return undefined;
      values.push(...word.values);
      at = word.end;
    }
  }
  return undefined;
}

function readWord(text: string, from: number, arrays: Arrays): (Word & { readonly end: number }) | undefined {
  let value = '';
  let isQuoted = false;
  let many: readonly string[] | undefined;
  let at = from;
  const raw = () => text.slice(from, at);
  while (at < text.length) {
    const char = text[at] ?? '';
    if (' \t\n)('.includes(char)) break;
    if (';&|<>`*?~'.includes(char) || (char === '[' && !isQuoted && value === '')) return undefined;
    if (char === '\\') {
      if (text[at + 1] === '\n') at += 2;
      else {
        value += text[at + 1] ?? '';
        at += 2;
      }
      continue;
    }
    if (char === "'") {
      const end = text.indexOf("'", at + 1);
      if (end === -1) return undefined;
      value += text.slice(at + 1, end);
      isQuoted = true;
      at = end + 1;
      continue;
    }
    if (char === '"' || char === '$') {
      const part = char === '"' ? readQuoted(text, at + 1, arrays) : readVariable(text, at, arrays);
      if (part === undefined) return undefined;
      // An array in the middle of a word, and an unquoted one: for a real shell.
      if (part.many && (value !== '' || char === '$')) return undefined;
      many = part.many ?? many;
      value += part.value;
      isQuoted ||= char === '"';
      at = part.end;
      continue;
    }
    value += char;
    at += 1;
  }
  if (at === from || (many && value !== '')) return undefined;
  return { raw: raw(), values: many ?? (value === '' && !isQuoted ? [] : [value]), end: at };
}

interface Part {
  readonly value: string;
  readonly many?: readonly string[];
  readonly end: number;
}

function readQuoted(text: string, from: number, arrays: Arrays): Part | undefined {
  let value = '';
  let many: readonly string[] | undefined;
  let at = from;
  while (at < text.length) {
    const char = text[at] ?? '';
    if (char === '"') return many ? { value: '', many, end: at + 1 } : { value, end: at + 1 };
    if (char === '`') return undefined;
    if (char === '\\' && '$`"\\\n'.includes(text[at + 1] ?? '')) {
      value += text[at + 1] === '\n' ? '' : text[at + 1];
      at += 2;
    } else if (char === '$') {
      const part = readVariable(text, at, arrays);
      if (part === undefined) return undefined;
      if (part.many && (value !== '' || text[part.end] !== '"')) return undefined;
      many = part.many;
      value += part.value;
      at = part.end;
    } else {
      value += char;
      at += 1;
    }
  }
  return undefined;
}

/** `$NAME`, `${NAME}` and `${NAME[@]}`; arithmetic and conditional ones are left as they are written. */
function readVariable(text: string, from: number, arrays: Arrays): Part | undefined {
  const rest = text.slice(from);
  const array = /^\$\{([A-Za-z_]\w*)\[@\]\}/.exec(rest);
  if (array) {
    const many = arrays.get(array[1] ?? '');
    return many && { value: '', many, end: from + array[0].length };
  }
  const plain = /^\$(?:([A-Za-z_]\w*)|\{([A-Za-z_]\w*)\})/.exec(rest);
  if (plain) {
    const name = plain[1] ?? plain[2] ?? '';
    return { value: arrays.get(name)?.[0] ?? `$${name}`, end: from + plain[0].length };
  }
  const kept = /^\$\(\([^()]*\)\)|^\$\{[A-Za-z_]\w*(:?[-+=?][^{}"'`]*)\}/.exec(rest);
  return kept ? { value: kept[0], end: from + kept[0].length } : undefined;
}

function skipBlank(text: string, from: number): number {
  let at = from;
  while (text[at] === ' ' || text[at] === '\t' || (text[at] === '\\' && text[at + 1] === '\n'))
    at += text[at] === '\\' ? 2 : 1;
  return at;
}

function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end === -1 ? text.length : end;
}
