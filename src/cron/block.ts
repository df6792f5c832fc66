import { OpsError } from '../errors.ts';

/** What opsctl writes into a crontab, between two lines that name the state directory it is for. */
export interface Block {
  /** Absolute path of the state directory: two of them may have a block each. */
  readonly home: string;
  /** The lines between the markers. */
  readonly lines: readonly string[];
}

/** A line of the block as it stands in a crontab, without what Slurm puts before one that it has switched off. */
interface Found {
  readonly index: number;
  readonly text: string;
  readonly disabled: boolean;
}

/** scrontab shows a line like this once its job was cancelled, or could not be submitted. */
const SWITCHED_OFF = /^#(?:DISABLED|BAD): /;

/**
 * The crontab with the block at its end, in place of an older one. Every other line stays as it is, byte for byte; only a
 * missing newline at the end is added, because cron ignores such a line and `crontab` refuses it.
 * @throws OpsError when the end of an older block is missing.
 */
export function withBlock(crontab: string, block: Block): string {
  const others = withoutBlock(crontab, block);
  const gap = others === '' || others.endsWith('\n') ? '' : '\n';
  const { begin, end } = markersOf(block.home);
  return `${others}${gap}${[begin, ...block.lines, end].join('\n')}\n`;
}

/**
 * The crontab without the lines of the block. Only lines that opsctl writes are taken out: what somebody put between the
 * markers stays.
 */
export function withoutBlock(crontab: string, { home, lines }: Block): string {
  const all = crontab.split('\n');
  const own = new Set(
    foundLines(all, home)
      .filter(({ text }) => isOurs(text, home, lines))
      .map(({ index }) => index),
  );
  return all.filter((_, index) => !own.has(index)).join('\n');
}

/** The entry that is in force: the line with the times, and whether Slurm has switched it off; undefined without one. */
export function entryIn(crontab: string, home: string): { line: string; disabled: boolean } | undefined {
  const entry = foundLines(crontab.split('\n'), home).find(({ text }) => isEntry(text, home));
  return entry === undefined ? undefined : { line: entry.text, disabled: entry.disabled };
}

/** From the first marker to the last, with both. */
function foundLines(all: readonly string[], home: string): Found[] {
  const { begin, end } = markersOf(home);
  const bare = all.map((line, index): Found => {
    const text = line.replace(/\r$/, '');
    return { index, text: text.replace(SWITCHED_OFF, ''), disabled: SWITCHED_OFF.test(text) };
  });
  const found: Found[] = [];
  let open: Found | undefined;
  for (const line of bare) {
    if (line.text === begin) {
      if (open !== undefined) throw notEnded(open, end);
      open = line;
    }
    if (open !== undefined) found.push(line);
    if (line.text === end) open = undefined;
  }
  if (open !== undefined) throw notEnded(open, end);
  return found;
}

function isOurs(text: string, home: string, lines: readonly string[]): boolean {
  const { begin, end } = markersOf(home);
  return [begin, end, ...lines].includes(text) || text.startsWith('#SCRON ') || isEntry(text, home);
}

/** The line that starts the watcher of this state directory, whenever it was written and however often it runs. */
function isEntry(text: string, home: string): boolean {
  return /^[\d,*]/.test(text) && text.includes(`${home}/cron/watch.sh`);
}

function markersOf(home: string): { begin: string; end: string } {
  return {
    begin: `# >>> opsctl cron ${home}: written by "opsctl cron install", taken out by "opsctl cron remove" >>>`,
    end: `# <<< opsctl cron ${home} <<<`,
  };
}

function notEnded({ index }: Found, end: string): OpsError {
  return new OpsError(`line ${index + 1} of the crontab begins opsctl's lines, and their end is missing`, {
    hint: `Nothing was changed. Put this line behind them with "crontab -e": ${end}`,
  });
}
