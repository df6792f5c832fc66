import type { Stats } from 'node:fs';
import { readFile, realpath, stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { EXIT, type ExitCode, UsageError } from '../errors.ts';
import type { Finding, Site } from '../lint/rule.ts';
import { printable, type Terminal } from '../terminal/terminal.ts';
import { type Arguments, type Command, type Context, flag, printJson, text, texts } from './command.ts';

/** No batch script is larger (Slurm's own limit is 4 MB, `max_script_size`). */
const MAX_BYTES = 4 * 1024 * 1024;

export const lintCommand: Command = {
  command: 'lint [file..]',
  describe: 'What goes wrong in a batch script, before it is submitted',
  examples: [
    ['$0 lint train.sbatch', 'Of one script; several, or - for standard input, as well'],
    ['$0 lint --fix train.sbatch', 'And mend what can be mended without a change of meaning'],
    ['$0 lint --trainer-version trl-sft=1.10.0.dev0 train.sbatch', 'Its flags against that version'],
    ['$0 lint --explain early-rank', 'What a rule is about, wrong and right'],
  ],
  options: (parser) =>
    parser
      .positional('file', { type: 'string', array: true, describe: 'Scripts; - is standard input' })
      .option('fix', { type: 'boolean', describe: 'Make the safe fixes in the files, and show them' })
      .option('trainer-version', {
        type: 'string',
        array: true,
        requiresArg: true,
        describe: 'The version that the script runs: its flags are then errors (repeat it)',
      })
      .option('rules', { type: 'boolean', describe: 'List the rules' })
      .option('explain', { type: 'string', describe: 'Show the page of a rule' })
      .epilogue(
        'Exit code 0: nothing, or only info; 1: warnings; 2: errors. "# opsctl-lint: ignore=RULE" behind a line, before it, or at the head of the file leaves a rule out.',
      ),
  handler: lint,
};

async function lint(args: Arguments, context: Context): Promise<ExitCode> {
  const { terminal, options, argv } = context;
  const explained = text(args, 'explain');
  if (flag(args, 'rules')) return listRules(context);
  if (explained !== undefined) return explain(explained, context);
  const files = texts(args, 'file');
  // yargs takes a lone "-" for no word at all.
  if (argv.includes('-') && !files.includes('-')) files.push('-');
  if (files.length === 0) throw new UsageError('Which script?', 'opsctl lint train.sbatch');
  const findings: Finding[] = [];
  const site = await siteOf(context, texts(args, 'trainer-version'));
  for (const file of files) findings.push(...(await lintFile(file, flag(args, 'fix'), site, context)));
  if (options.json) printJson(terminal, findings);
  else show(findings, files.length, terminal);
  if (findings.some(({ severity }) => severity === 'error')) return EXIT.critical;
  return findings.some(({ severity }) => severity === 'warning') ? EXIT.failed : EXIT.ok;
}

/**
 * What is known beside the scripts: the cluster of the profile, and the flags of trainers. Without a configuration nothing is known
 * of the cluster; a broken one is said, and linting goes on.
 */
async function siteOf({ system, options, terminal }: Context, named: readonly string[]): Promise<Site> {
  const [{ loadConfig }, { siteFrom }, { loadKnowledge, versionsOf }, { namedVersions }] = await Promise.all([
    import('../config/load.ts'),
    import('../lint/site.ts'),
    import('../trainer/knowledge.ts'),
    import('../lint/trainer-version.ts'),
  ]);
  const trainers = await loadKnowledge(system.env);
  const trainerVersions = namedVersions(named, (program) => versionsOf(system.env, program));
  try {
    const { profile } = await loadConfig(system, { config: options.config, profile: options.profile });
    return { ...siteFrom(profile.partitions, profile.slurm_version), trainers, trainerVersions };
  } catch (error) {
    if (options.config !== undefined || options.profile !== undefined || !(error instanceof UsageError))
      throw error;
    terminal.warn(printable(`the configuration is not used: ${error.message}`));
    return { ...siteFrom({}, null), trainers, trainerVersions };
  }
}

async function lintFile(
  file: string,
  mend: boolean,
  site: Site,
  { system, terminal, options }: Context,
): Promise<readonly Finding[]> {
  const { lintText, fileFinding } = await import('../lint/lint.ts');
  const path = isAbsolute(file) ? file : join(system.cwd, file);
  let read: { text: string; mode: number };
  try {
    read = file === '-' ? { text: await standardInput(), mode: 0 } : await readScriptFile(path);
  } catch (error) {
    return [fileFinding(file, error instanceof Error ? error.message : String(error))];
  }
  if (!mend) return lintText(file, read.text, site).findings;
  if (file === '-') throw new UsageError('--fix has no file to write to.', 'opsctl lint --fix train.sbatch');
  const { changedLines, fixText } = await import('../lint/fix.ts');
  const fixed = fixText(file, read.text, site);
  if (fixed !== read.text) {
    const { writeAtomic } = await import('../system/files.ts');
    // A link stays a link: what it points to is written.
    await writeAtomic(await realpath(path), fixed, read.mode);
    const { redact } = await import('../system/secrets.ts');
    if (!options.json) {
      for (const line of changedLines(read.text, fixed)) terminal.out(printable(redact(`${file}:${line}`)));
    }
  }
  return lintText(file, fixed, site).findings;
}

async function readScriptFile(path: string): Promise<{ text: string; mode: number }> {
  const found: Stats = await stat(path).catch((error: NodeJS.ErrnoException) => {
    throw error.code === 'ENOENT' ? new Error('There is no such file.') : error;
  });
  if (found.isDirectory()) throw new Error('It is a directory.');
  if (!found.isFile()) throw new Error('It is not a regular file.');
  if (found.size > MAX_BYTES) throw new Error('It is larger than any batch script (4 MB).');
  return { text: decode(await readFile(path)), mode: found.mode & 0o7777 };
}

async function standardInput(): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of process.stdin) {
    chunks.push(chunk as Buffer);
    bytes += (chunk as Buffer).length;
    if (bytes > MAX_BYTES) throw new Error('It is larger than any batch script (4 MB).');
  }
  return decode(Buffer.concat(chunks));
}

/** Bytes that are no UTF-8 would be lost when the file is written again. */
function decode(bytes: Buffer): string {
  const decoded = bytes.toString('utf8');
  if (!Buffer.from(decoded, 'utf8').equals(bytes)) throw new Error('It is no UTF-8 text.');
  return decoded;
}

function show(findings: readonly Finding[], files: number, terminal: Terminal): void {
  const colour = { error: 'red', warning: 'yellow', info: 'cyan' } as const;
  for (const { file, line, column, severity, rule, message, fix } of findings) {
    const level = terminal.style(colour[severity], severity);
    terminal.out(`${printable(file)}:${line}:${column}: ${level}: ${printable(message)} [${rule}]`);
    terminal.out(`  ${terminal.style('dim', 'fix:')} ${printable(fix)}`);
  }
  const many = (wanted: Finding['severity']): string =>
    plural(findings.filter(({ severity }) => severity === wanted).length, wanted);
  terminal.note(`${plural(files, 'file')}: ${many('error')}, ${many('warning')}, ${many('info')}`);
}

function plural(count: number, word: string): string {
  return `${count} ${word}${count === 1 ? '' : 's'}`;
}

async function listRules({ terminal, options }: Context): Promise<ExitCode> {
  const [{ rules }, { table }] = await Promise.all([
    import('../lint/register.ts'),
    import('../terminal/table.ts'),
  ]);
  if (options.json) {
    const listed = rules.map(({ id, severity, applies, summary }) => ({ id, severity, applies, summary }));
    printJson(terminal, listed);
  } else {
    for (const line of table(rules.map(({ id, severity, summary }) => [id, severity, summary])))
      terminal.out(line);
  }
  return EXIT.ok;
}

async function explain(name: string, { terminal, options }: Context): Promise<ExitCode> {
  const [{ rules }, { packageRoot }, { didYouMean }] = await Promise.all([
    import('../lint/register.ts'),
    import('../system/package.ts'),
    import('../terminal/suggest.ts'),
  ]);
  const rule = rules.find(({ id }) => id === name);
  if (!rule) {
    const hint = '"opsctl lint --rules" lists them.';
    throw new UsageError(
      `There is no rule "${name}".${didYouMean(
        name,
        rules.map(({ id }) => id),
      )}`,
      hint,
    );
  }
  const page = await readFile(join(packageRoot(), 'docs', 'lint', `${rule.id}.md`), 'utf8');
  if (options.json)
    printJson(terminal, { id: rule.id, severity: rule.severity, summary: rule.summary, page });
  else terminal.out(page.trimEnd());
  return EXIT.ok;
}
