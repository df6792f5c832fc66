import type { ExitCode } from '../errors.ts';
import { EXIT } from '../errors.ts';
import { table } from '../terminal/table.ts';
import { printable } from '../terminal/terminal.ts';
import { type Arguments, type Command, type Context, printJson } from './command.ts';
import { exitCodeOf, resolve } from './diagnose.ts';

export const faultsCommand: Command = {
  command: 'faults',
  describe: 'The faults that opsctl can tell, and what it finds in a log',
  examples: [
    ['$0 faults list', 'Every fault with the rows of the fault table it covers'],
    ['$0 faults test slurm-841.out', 'Which signatures matched where, and why the first one won'],
  ],
  subcommands: [
    {
      command: 'list',
      describe: 'Every fault, its signatures and the rows of the fault table it covers',
      examples: [
        ['$0 faults list', 'As a table'],
        ['$0 faults list --json', 'With signatures and remedies'],
      ],
      handler: list,
    },
    {
      command: 'test <target..>',
      describe: 'What matched where in logs, a run or a job, and why it won',
      examples: [
        ['$0 faults test slurm-841.out', 'Of a log file'],
        ['$0 faults test 841 --json', 'Of a job, for a script'],
      ],
      options: (parser) =>
        parser.positional('target', { type: 'string', array: true, describe: 'As for diagnose' }),
      handler: test,
    },
  ],
};

async function list(_args: Arguments, { system, terminal, options }: Context): Promise<ExitCode> {
  const [{ loadRunbooks }, { faultsOf }] = await Promise.all([
    import('../runbook/load.ts'),
    import('../runbook/show.ts'),
  ]);
  const faults = faultsOf(await loadRunbooks(system));
  if (options.json) {
    printJson(
      terminal,
      faults.map(({ fault, path, front }) => ({
        fault,
        title: front.title,
        rows: front.rows ?? [],
        signatures: front.signatures.map(({ id, role, strength, confidence }) => ({
          id,
          role,
          strength,
          confidence,
        })),
        remedies: front.remedies ?? [],
        path,
      })),
    );
    return EXIT.ok;
  }
  const rows = faults.map(({ fault, front }) => [
    fault,
    (front.rows ?? []).join(', '),
    String(front.signatures.length),
    front.title,
  ]);
  for (const line of table([['FAULT', 'ROWS', 'SIGNATURES', 'TITLE'], ...rows])) terminal.out(line);
  return EXIT.ok;
}

async function test(args: Arguments, context: Context): Promise<ExitCode> {
  const { system, terminal, options } = context;
  const [{ loadRunbooks }, { diagnose }] = await Promise.all([
    import('../runbook/load.ts'),
    import('../diagnosis/diagnose.ts'),
  ]);
  const { sources, slurm, notes } = await resolve(args, context);
  const result = await diagnose(await loadRunbooks(system), sources, slurm);
  for (const note of notes) terminal.warn(printable(note));
  const matches = result.readings.flatMap(({ findings }) =>
    findings.map(({ fault, signature, count, survived, evidence }) => ({
      fault,
      signature: signature.id,
      role: signature.role,
      strength: signature.strength ?? null,
      confidence: signature.confidence ?? null,
      count,
      survived,
      evidence,
    })),
  );
  const won = result.causes[0] ?? null;
  if (options.json) {
    printJson(terminal, { status: result.status, won, matches, ruledOut: result.ruledOut });
    return exitCodeOf(result.status);
  }
  const rows = matches.map((match) => [
    match.fault === won?.fault ? '>' : '',
    `${match.fault}/${match.signature}`,
    match.role,
    match.strength === null ? '' : String(match.strength),
    match.survived ? 'survived' : '',
    String(match.count),
    printable(`${match.evidence[0]?.file ?? ''}:${match.evidence[0]?.line ?? ''}`),
    printable(match.evidence[0]?.text ?? '').slice(0, Math.max(40, terminal.width - 90)),
  ]);
  const heading = ['', 'SIGNATURE', 'ROLE', 'STRENGTH', '', 'LINES', 'FIRST', 'TEXT'];
  for (const line of table([heading, ...rows])) terminal.out(line);
  terminal.out(`${result.status}${won === null ? '' : `: ${won.fault}, ${won.why.join(', ')}`}`);
  return exitCodeOf(result.status);
}
