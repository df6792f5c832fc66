import { cancelCommand } from './cancel.ts';
import type { Command } from './command.ts';
import { configCommand } from './config.ts';
import { diagnoseCommand } from './diagnose.ts';
import { faultsCommand } from './faults.ts';
import { initCommand } from './init.ts';
import { lintCommand } from './lint.ts';
import { logsCommand } from './logs.ts';
import { renderCommand } from './render.ts';
import { runbookCommand } from './runbook.ts';
import { sandboxCommand } from './sandbox.ts';
import { statusCommand } from './status.ts';
import { submitCommand } from './submit.ts';

/** Every command, in the order of `opsctl --help`. */
export const commands: readonly Command[] = [
  initCommand,
  configCommand,
  renderCommand,
  submitCommand,
  statusCommand,
  logsCommand,
  cancelCommand,
  diagnoseCommand,
  faultsCommand,
  lintCommand,
  runbookCommand,
  sandboxCommand,
];
