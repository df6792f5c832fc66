/** A longer pattern than this is not one that a person can check. */
const MAX_LENGTH = 500;

/** Characters of a line that a pattern is tried on: matching is given no more. */
export const REGEX_WINDOW = 2_000;
/** Steps that the worst line may cost: about a second. */
const MAX_STEPS = 5e8;
/** A number in a log is rarely longer, and what follows it is seldom another digit. */
const DIGITS = 20;

/**
 * Why a pattern may not be used, or undefined. V8 backtracks, so a pattern is only taken when its form bounds the
 * steps: no look-around, no back references, no repetition inside a repetition, no alternatives under `*` or `+`; then
 * the worst line costs its length for the start, times the length of each repetition, and that product has a limit.
 */
export function regexProblem(source: string): string | undefined {
  if (source.length > MAX_LENGTH) return `its pattern is longer than ${MAX_LENGTH} characters`;
  try {
    new RegExp(source, 'u');
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
  return new Walk(source).problem();
}

/** One walk over a pattern that is known to be valid, counting what repeats within what. */
class Walk {
  private readonly source: string;
  private at = 0;

  constructor(source: string) {
    this.source = source;
  }

  problem(): string | undefined {
    try {
      if (this.alternatives().steps * REGEX_WINDOW <= MAX_STEPS) return undefined;
      return 'too many open repetitions may backtrack for long; bound them, as in ".{0,40}"';
    } catch (error) {
      if (error instanceof Backtracks) return error.message;
      throw error;
    }
  }

  /** Walks up to the closing parenthesis or the end: what stands in sequence multiplies, alternatives add up. */
  private alternatives(): Content {
    let steps = 0;
    let branch = 1;
    let repeats = false;
    let chooses = false;
    while (this.at < this.source.length && this.source[this.at] !== ')') {
      if (this.source[this.at] === '|') {
        chooses = true;
        steps += branch;
        branch = 1;
        this.at += 1;
        continue;
      }
      const digits = this.source.startsWith('\\d', this.at);
      const content = this.atom();
      const { kind, most } = this.quantifier(digits);
      if (kind !== 'once' && content.repeats && most > 1) {
        throw new Backtracks('a repetition inside a repetition may backtrack for long');
      }
      if (kind === 'open' && content.chooses) {
        throw new Backtracks('alternatives inside a repetition may backtrack for long');
      }
      branch *= content.steps * most;
      repeats ||= content.repeats || most > 1;
      chooses ||= content.chooses;
    }
    return { steps: steps + branch, repeats, chooses };
  }

  private atom(): Content {
    const character = this.source[this.at];
    if (character === '\\') {
      const escaped = this.source[this.at + 1] ?? '';
      if (/[1-9k]/.test(escaped)) throw new Backtracks('a back reference may backtrack for long');
      this.at += 2;
      return PLAIN;
    }
    if (character === '[') {
      for (this.at += 1; this.source[this.at] !== ']'; this.at += 1) {
        if (this.source[this.at] === '\\') this.at += 1;
      }
      this.at += 1;
      return PLAIN;
    }
    if (character === '(') return this.group();
    this.at += 1;
    return PLAIN;
  }

  private group(): Content {
    const kind = /^\((\?<?[=!]|\?:|\?<[^>]+>)?/.exec(this.source.slice(this.at));
    if (/[=!]$/.test(kind?.[1] ?? '')) throw new Backtracks('look-around is not allowed');
    this.at += kind?.[0].length ?? 1;
    const content = this.alternatives();
    this.at += 1;
    return content;
  }

  private quantifier(digits: boolean): Repetition {
    const match = /^(?:[*+?]|\{(\d+)(,(\d*))?\})\??/.exec(this.source.slice(this.at));
    if (!match) return { kind: 'once', most: 1 };
    this.at += match[0].length;
    if (match[0].startsWith('?')) return { kind: 'bounded', most: 1 };
    if (match[1] !== undefined && match[2] === undefined) return { kind: 'bounded', most: 1 };
    if (match[3]) return { kind: 'bounded', most: Number(match[3]) };
    return { kind: 'open', most: digits ? DIGITS : REGEX_WINDOW };
  }
}

interface Repetition {
  readonly kind: 'once' | 'bounded' | 'open';
  /** Lengths that the repetition may take. */
  readonly most: number;
}

interface Content {
  /** Ways in which it may match at one place. */
  readonly steps: number;
  readonly repeats: boolean;
  readonly chooses: boolean;
}

const PLAIN: Content = { steps: 1, repeats: false, chooses: false };

class Backtracks extends Error {}
