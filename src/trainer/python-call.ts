/** One argument of a call in Python source, as it is written. */
export interface Argument {
  /** Undefined for a positional one. */
  readonly name: string | undefined;
  readonly text: string;
}

/**
 * The arguments of a call, split at the commas of its own level.
 * @param from the index behind the opening parenthesis.
 * @returns undefined when the call does not end.
 */
export function readCall(
  source: string,
  from: number,
): { readonly arguments: Argument[]; readonly end: number } | undefined {
  const found: Argument[] = [];
  let depth = 0;
  let text = '';
  const push = () => {
    const match = /^\s*([A-Za-z_]\w*)\s*=(?!=)([\s\S]*)$/.exec(text);
    const given = (match?.[2] ?? text).trim();
    if (given !== '') found.push({ name: match?.[1], text: given });
    text = '';
  };
  let at = from;
  while (at < source.length) {
    const char = source[at] ?? '';
    if (char === '"' || char === "'") {
      const end = endOfString(source, at);
      text += source.slice(at, end);
      at = end;
      continue;
    }
    if (char === '#') {
      const end = source.indexOf('\n', at);
      at = end === -1 ? source.length : end;
      continue;
    }
    if ('([{'.includes(char)) depth += 1;
    if (')]}'.includes(char)) {
      if (depth === 0) {
        push();
        return { arguments: found, end: at + 1 };
      }
      depth -= 1;
    }
    if (char === ',' && depth === 0) push();
    else text += char;
    at += 1;
  }
  return undefined;
}

/** The index behind a string, three quotes included. */
function endOfString(source: string, from: number): number {
  const quote = source[from] ?? '';
  const triple = quote.repeat(3);
  const mark = source.startsWith(triple, from) ? triple : quote;
  let at = from + mark.length;
  while (at < source.length && !source.startsWith(mark, at)) at += source[at] === '\\' ? 2 : 1;
  return at + mark.length;
}

/** The text of a plain string literal; undefined for anything that has to be computed. */
export function literal(text: string): string | undefined {
  const match = /^[rbRB]?(?:"([^"\\]*)"|'([^'\\]*)')$/.exec(text.trim());
  return match ? (match[1] ?? match[2]) : undefined;
}

/** The strings and numbers of a list or tuple of literals; undefined when one of them is none. */
export function literals(text: string): string[] | undefined {
  const inner = /^[[({]([\s\S]*)[\])}]$/.exec(text.trim())?.[1];
  if (inner === undefined) return undefined;
  const call = readCall(`${inner})`, 0);
  // It ends early in `["no"] + [...]`, which is more than one literal.
  if (call?.end !== inner.length + 1) return undefined;
  const parts = call.arguments.map((part) => part.text);
  const values = parts.map((part) => literal(part) ?? (/^-?\d+(\.\d+)?$/.test(part) ? part : undefined));
  return values.length > 0 && values.every((value) => value !== undefined) ? values : undefined;
}
