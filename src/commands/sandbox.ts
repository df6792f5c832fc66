import type { Argv } from 'yargs';
import { EXIT, OpsError } from '../errors.ts';
import { type Arguments, type Command, type Context, flag, printJson, text, texts } from './command.ts';

/** Which sandbox is meant: the same two options everywhere. */
function placed(parser: Argv): Argv {
  return parser
    .option('name', { type: 'string', requiresArg: true, describe: 'Name of the sandbox [default]' })
    .option('dir', { type: 'string', requiresArg: true, describe: 'Its directory, instead of a name' });
}

async function placeOf(args: Arguments, context: Context) {
  const { findPlace } = await import('../sandbox/place.ts');
  return findPlace(context.system, { name: text(args, 'name'), dir: text(args, 'dir') });
}

const up: Command = {
  command: 'up',
  describe: 'Start a private Slurm on this machine',
  examples: [
    ['$0 sandbox up', 'two nodes with eight GPUs each'],
    ['$0 sandbox up --nodes 36 --accounting --name big', 'a second one, with sacct and sacctmgr'],
  ],
  options: (parser) =>
    placed(parser)
      .option('nodes', { type: 'string', requiresArg: true, describe: 'Nodes, 1 to 64 [2]' })
      .option('gpus', { type: 'string', requiresArg: true, describe: 'GPUs of a node, 0 to 16 [8]' })
      .option('cpus', { type: 'string', requiresArg: true, describe: 'CPUs a node claims to have [64]' })
      .option('memory', {
        type: 'string',
        requiresArg: true,
        describe: 'Memory a node claims to have [500g]',
      })
      .option('shm', { type: 'string', requiresArg: true, describe: "Size of a node's own /dev/shm [64m]" })
      .option('tmp', { type: 'string', requiresArg: true, describe: "Size of a node's own /tmp [256m]" })
      .option('share', {
        type: 'string',
        array: true,
        requiresArg: true,
        describe: 'A directory below /tmp or /dev/shm that all nodes see',
      })
      .option('accounting', { type: 'boolean', describe: 'With slurmdbd: sacct, accounts, QOS' }),
  handler: async (args, context) => {
    const { readShape } = await import('../sandbox/shape.ts');
    const asked = readShape({
      nodes: text(args, 'nodes'),
      gpus: text(args, 'gpus'),
      cpus: text(args, 'cpus'),
      memory: text(args, 'memory'),
      shm: text(args, 'shm'),
      tmp: text(args, 'tmp'),
      accounting: flag(args, 'accounting'),
    });
    const { showUp } = await import('../sandbox/show.ts');
    const { up: bringUp } = await import('../sandbox/up.ts');
    const place = await placeOf(args, context);
    const began = performance.now();
    const result = await bringUp(context.system, place, asked, texts(args, 'share'));
    const seconds = Math.round(performance.now() - began) / 1000;
    const { lines, document } = showUp(place, result, seconds);
    if (context.options.json) printJson(context.terminal, document);
    else for (const line of lines) context.terminal.out(line);
    return EXIT.ok;
  },
};

const down: Command = {
  command: 'down',
  describe: 'End it: its processes, mounts and files, your results in shared/ too',
  examples: [
    ['$0 sandbox down', 'delete the sandbox "default"'],
    ['$0 sandbox down --name big --keep', 'delete another one but keep its shared/ directory'],
  ],
  options: (parser) => placed(parser).option('keep', { type: 'boolean', describe: 'Keep shared/' }),
  handler: async (args, context) => {
    const { down: end, sharedEntries } = await import('../sandbox/down.ts');
    const place = await placeOf(args, context);
    const keep = flag(args, 'keep');
    const entries = keep ? 0 : await sharedEntries(place.dir);
    if (entries > 0) context.terminal.note(`deleting ${entries} entries of ${place.dir}/shared as well`);
    const result = await end(context.system, place, keep);
    if (context.options.json) {
      printJson(context.terminal, { name: place.name, dir: place.dir, ...result });
    } else if (result.found) {
      const kept = result.kept === null ? '' : `; your data is in ${result.kept}`;
      context.terminal.out(
        `Sandbox "${place.name}" is gone, ${result.processesEnded} processes ended${kept}.`,
      );
      context.terminal.note('A shell that used it: unset SLURM_CONF OPSCTL_SANDBOX OPSCTL_SANDBOX_SHARED');
    } else {
      context.terminal.out(`There is no sandbox "${place.name}" (${place.dir}).`);
    }
    return EXIT.ok;
  },
};

const status: Command = {
  command: 'status',
  describe: 'Its nodes and daemons; exit code 1 unless all of it is up',
  examples: [
    ['$0 sandbox status', 'a table of nodes'],
    ['$0 sandbox status --json', 'with ports and process ids'],
  ],
  options: placed,
  handler: async (args, context) => {
    const { status: ask } = await import('../sandbox/status.ts');
    const { showStatus } = await import('../sandbox/show.ts');
    const answer = await ask(context.system, await placeOf(args, context));
    if (context.options.json) printJson(context.terminal, answer);
    else for (const line of showStatus(answer)) context.terminal.out(line);
    return answer.up ? EXIT.ok : EXIT.failed;
  },
};

const env: Command = {
  command: 'env',
  describe: 'What a shell needs to use it, to be evaluated',
  examples: [
    ['eval "$($0 sandbox env)"', 'sinfo, sbatch and opsctl in this shell use the sandbox'],
    ['$0 sandbox env --json', 'the same variables as JSON'],
  ],
  options: placed,
  handler: async (args, context) => {
    const { readSandbox } = await import('../sandbox/sandbox.ts');
    const { shellEnvironment } = await import('../sandbox/client.ts');
    const { showEnvironment } = await import('../sandbox/show.ts');
    const place = await placeOf(args, context);
    const found = await readSandbox(place.dir);
    if (found.kind !== 'sandbox' || found.sandbox.starter !== null) {
      throw new OpsError(`sandbox "${place.name}" is not up (${place.dir})`, { hint: 'opsctl sandbox up' });
    }
    const variables = shellEnvironment(found.sandbox);
    if (context.options.json) printJson(context.terminal, variables);
    else for (const line of showEnvironment(variables)) context.terminal.out(line);
    return EXIT.ok;
  },
};

const inject: Command = {
  command: 'inject <fault>',
  describe: 'Do a fault to a node for real, to see what notices it',
  examples: [
    ['$0 sandbox inject shm-full --node gnode02', '/dev/shm of one node without a free byte'],
    ['$0 sandbox inject shm-full --node gnode02 --undo', 'take it back'],
  ],
  options: (parser) =>
    placed(parser)
      .positional('fault', { type: 'string', describe: 'Which; a wrong one lists all' })
      .option('node', { type: 'string', requiresArg: true, demandOption: true, describe: 'As gnode02' })
      .option('undo', { type: 'boolean', describe: 'Take it back' }),
  handler: async (args, context) => {
    const { injectInto } = await import('../sandbox/inject.ts');
    const { findInjection } = await import('../sandbox/injections.ts');
    const { shellWord } = await import('../template/quote.ts');
    const injection = findInjection(text(args, 'fault') ?? '');
    const node = text(args, 'node') ?? '';
    const undo = flag(args, 'undo');
    await injectInto(context.system, await placeOf(args, context), { injection, node, undo });
    const { name: fault, rows, summary } = injection;
    if (context.options.json) printJson(context.terminal, { fault, node, rows, summary, undone: undo });
    else context.terminal.out(undo ? `${node}: ${fault} is taken back.` : `${node}: ${summary}.`);
    if (!undo) {
      const select = ['name', 'dir']
        .flatMap((option) => texts(args, option).map((value) => ` --${option} ${shellWord(value)}`))
        .join('');
      const again =
        injection.undo === null
          ? `opsctl sandbox up${select}, which starts what has ended`
          : `opsctl sandbox inject ${fault} --node ${node} --undo${select}`;
      context.terminal.note(`To take it back: ${again}`);
    }
    return EXIT.ok;
  },
};

export const sandboxCommand: Command = {
  command: 'sandbox',
  describe: 'A private Slurm on this machine, to try things on',
  examples: [
    ['$0 sandbox up', 'start it'],
    ['eval "$($0 sandbox env)"', 'use it in this shell'],
  ],
  subcommands: [up, down, status, env, inject],
};
