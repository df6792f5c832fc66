import { cli } from './cli.ts';
import { realSystem } from './system/system.ts';
import { processTerminal } from './terminal/terminal.ts';

// A reader that goes away (`opsctl logs RUN | head`) ends opsctl quietly.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') process.stderr.write(`error: cannot write the output: ${error.message}\n`);
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

void cli(process.argv.slice(2), realSystem(), processTerminal()).then((exitCode) => {
  process.exitCode = exitCode;
});
