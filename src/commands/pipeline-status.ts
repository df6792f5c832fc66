import { EXIT, type ExitCode } from '../errors.ts';
import { hasUnicode, picture } from '../pipeline/picture.ts';
import { findPipeline, listPipelines } from '../pipeline/record.ts';
import { type StageState, stageStates } from '../pipeline/states.ts';
import { table } from '../terminal/table.ts';
import { printable } from '../terminal/terminal.ts';
import { type Context, printJson } from './command.ts';

export async function showPipeline(name: string, context: Context): Promise<ExitCode> {
  const { system, terminal, options } = context;
  const record = await findPipeline(system, name);
  const { states, failure } = await stageStates(system, record);
  const { pipelineId, file, createdAt, state } = record;
  if (options.json) printJson(terminal, { pipelineId, file, createdAt, state, stages: states });
  else {
    terminal.out(`${terminal.style('bold', pipelineId)}  ${summary(states)}`);
    const look = { width: terminal.width, unicode: hasUnicode(system.env), style: terminal.style };
    for (const line of picture(states, look)) terminal.out(line);
    const next = nextCommand(pipelineId, state, states);
    if (next !== undefined) terminal.out(`next  ${next}`);
  }
  if (failure) {
    terminal.warn(`warning: ${failure.message}`);
    return failure.exitCode;
  }
  return exitCodeOf(states);
}

/** The newest first, without a question to Slurm: `status PIPELINE` asks. */
export async function showPipelines({ system, terminal, options }: Context): Promise<ExitCode> {
  const records = await listPipelines(system);
  if (options.json) printJson(terminal, records);
  else if (records.length === 0)
    terminal.note('No pipelines yet: "opsctl pipeline submit --help" shows how to start one.');
  else {
    const rows = records.map(({ pipelineId, createdAt, state, stages }) => [
      printable(pipelineId),
      createdAt,
      state,
      `${stages.length} stages`,
    ]);
    for (const line of table([['PIPELINE', 'CREATED', 'SUBMISSION', 'SIZE'], ...rows])) terminal.out(line);
  }
  return EXIT.ok;
}

function summary(states: readonly StageState[]): string {
  const count = (outcome: StageState['outcome']) =>
    states.filter((state) => state.outcome === outcome).length;
  const parts = [
    `${count('ok')} of ${states.length - count('skipped')} done`,
    ...(count('active') > 0 ? [`${count('active')} waiting or running`] : []),
    ...(count('failed') > 0 ? [`${count('failed')} failed`] : []),
    ...(count('never') > 0 ? [`${count('never')} never started`] : []),
    ...(count('unknown') > 0 ? [`${count('unknown')} not known`] : []),
  ];
  return parts.join(', ');
}

function nextCommand(pipelineId: string, state: string, states: readonly StageState[]): string | undefined {
  if (state !== 'submitted') return `opsctl pipeline resume ${pipelineId}`;
  const failed = states.find(({ outcome }) => outcome === 'failed');
  if (failed) return `opsctl diagnose ${failed.runId}, then opsctl pipeline resume ${pipelineId}`;
  if (states.some(({ outcome }) => outcome === 'never')) return `opsctl pipeline resume ${pipelineId}`;
  const running = states.find((each) => each.state === 'RUNNING');
  return running === undefined ? undefined : `opsctl logs ${running.runId} -f`;
}

function exitCodeOf(states: readonly StageState[]): ExitCode {
  if (states.some(({ outcome }) => ['failed', 'planned', 'never'].includes(outcome))) return EXIT.failed;
  return states.some(({ outcome }) => outcome === 'unknown') ? EXIT.unknown : EXIT.ok;
}
