import { resolve } from 'node:path';
import { EXIT } from '../errors.ts';
import { type Command, printJson, text } from './command.ts';

const stat: Command = {
  command: 'stat <directory>',
  describe: 'Count samples and bytes of training data, and find broken lines',
  examples: [
    ['$0 data stat /data/sft', 'every .jsonl (and .jsonl.gz) file of the directory'],
    ['$0 data stat /data/cpt --suffix pt_train.jsonl --json', 'some of them, as JSON'],
  ],
  options: (parser) =>
    parser
      .positional('directory', { type: 'string', describe: 'Directory with the files' })
      .option('suffix', { type: 'string', default: '.jsonl', describe: 'Which files of it' }),
  handler: async (args, { system, terminal, options }) => {
    const [{ dataStat }, { formatBytes }, { table }, { printable }] = await Promise.all([
      import('../health/data-stat.ts'),
      import('../terminal/bytes.ts'),
      import('../terminal/table.ts'),
      import('../terminal/terminal.ts'),
    ]);
    const directory = resolve(system.cwd, text(args, 'directory') ?? '.');
    const found = await dataStat(directory, text(args, 'suffix') ?? '.jsonl');
    const brokenLines = found.files.reduce((sum, file) => sum + file.brokenLines, 0);
    const literal = found.files.reduce((sum, file) => sum + file.literalEndOfText, 0);
    const code = brokenLines + literal > 0 ? EXIT.failed : EXIT.ok;
    if (options.json) {
      printJson(terminal, { ...found, brokenLines, literalEndOfText: literal });
      return code;
    }
    const rows = found.files.map(({ file, samples, bytes, longest }) => [
      printable(file.slice(directory.length + 1)),
      String(samples),
      formatBytes(bytes),
      formatBytes(longest?.bytes ?? 0),
    ]);
    const total = [
      'total',
      String(found.samples),
      formatBytes(found.bytes),
      formatBytes(found.longest[0]?.bytes ?? 0),
    ];
    for (const line of table([['FILE', 'SAMPLES', 'BYTES', 'LONGEST'], ...rows, total])) terminal.out(line);
    for (const { file, line, bytes } of found.longest)
      terminal.out(`longest   ${printable(file)}:${line}: ${formatBytes(bytes)}`);
    for (const { file, line, problem } of found.broken)
      terminal.out(`broken    ${printable(`${file}:${line}: ${problem}`)}`);
    if (brokenLines > found.broken.length)
      terminal.out(`broken    and ${brokenLines - found.broken.length} more`);
    if (literal > 0)
      terminal.out(
        `warning   lines that hold <endoftext> as plain text: ${literal}; the tokenizer's own end token is wanted there`,
      );
    return code;
  },
};

export const dataCommand: Command = {
  command: 'data',
  describe: 'Look at training data',
  examples: [
    ['$0 data stat /data/sft', 'samples, bytes, longest lines'],
    ['$0 data stat /data/sft --json', 'the same for scripts'],
  ],
  subcommands: [stat],
};
