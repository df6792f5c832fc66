import type { Command } from './command.ts';
export const sandboxCommand: Command = {
  command: 'sandbox',
  describe: 'A private Slurm on this machine',
  examples: [['$0 sandbox up', 'x']],
  subcommands: [
    {
      command: 'up',
      describe: 'up',
      examples: [['$0 sandbox up', 'x']],
      options: (p) => p.option('nodes', { type: 'string' }),
      handler: async (a) => {
        console.log(a);
        return 0;
      },
    },
  ],
};
