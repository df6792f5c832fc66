import { cancelCommand } from './cancel.ts';
import { checksCommand } from './checks.ts';
import type { Command } from './command.ts';
import { configCommand } from './config.ts';
import { cronCommand } from './cron.ts';
import { dataCommand } from './data.ts';
import { diagnoseCommand } from './diagnose.ts';
import { diffCommand } from './diff.ts';
import { drillCommand } from './drill.ts';
import { faultsCommand } from './faults.ts';
import { initCommand } from './init.ts';
import { lintCommand } from './lint.ts';
import { logsCommand } from './logs.ts';
import { notifyCommand } from './notify.ts';
import { oncallCommand } from './oncall.ts';
import { pipelineCommand } from './pipeline.ts';
import { preflightCommand } from './preflight.ts';
import { pruneCommand } from './prune.ts';
import { renderCommand } from './render.ts';
import { rerunCommand } from './rerun.ts';
import { runbookCommand } from './runbook.ts';
import { sandboxCommand } from './sandbox.ts';
import { silenceCommand } from './silence.ts';
import { statusCommand } from './status.ts';
import { submitCommand } from './submit.ts';
import { trainersCommand } from './trainers.ts';
import { watchCommand } from './watch.ts';

/** Every command, in the order of `opsctl --help`. */
export const commands: readonly Command[] = [
  initCommand,
  configCommand,
  trainersCommand,
  renderCommand,
  submitCommand,
  pipelineCommand,
  statusCommand,
  logsCommand,
  cancelCommand,
  rerunCommand,
  diffCommand,
  pruneCommand,
  dataCommand,
  preflightCommand,
  checksCommand,
  diagnoseCommand,
  faultsCommand,
  lintCommand,
  runbookCommand,
  oncallCommand,
  watchCommand,
  cronCommand,
  silenceCommand,
  notifyCommand,
  sandboxCommand,
  drillCommand,
];
