import { cli } from './cli.ts';
import { realSystem } from './system/system.ts';
import { processTerminal } from './terminal/terminal.ts';

void cli(process.argv.slice(2), realSystem(), processTerminal()).then((exitCode) => {
  process.exitCode = exitCode;
});
