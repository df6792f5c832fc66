import { isLauncher } from '../shell/command.ts';
import { headerOption, type Script } from '../shell/script.ts';
import type { Report, Rule } from './rule.ts';

/** torchrun's agent handles these; others end it, unless it is told of them (torch/distributed/elastic/agent). */
const HANDLED = new Set(['TERM', 'INT', 'HUP', 'QUIT']);

export const signalTarget: Rule = {
  id: 'signal-target',
  severity: 'warning',
  summary: '--signal to a process that does not handle it',
  applies: 'batch',
  check: (script) => {
    const option = headerOption(script, 'signal');
    const parts = option && /^((?:R?B|R):)?(?:SIG)?(\w+)/i.exec(option.value);
    if (!option || !parts) return [];
    const toShell = /B/i.test(parts[1] ?? '');
    const report = toShell
      ? shellReport(script, (parts[2] ?? '').toUpperCase())
      : stepReport(script, (parts[2] ?? '').toUpperCase());
    return report ? [{ at: option.at, ...report }] : [];
  },
};

function shellReport(script: Script, signal: string): Omit<Report, 'at'> | undefined {
  const trapped = traps(script, signal, 'batch');
  if (trapped.length === 0) {
    if (script.commands.some(({ name }) => name === 'source' || name === '.' || name === 'exec'))
      return undefined;
    const message = `B: sends ${signal} to the batch shell, which has no trap for it: the signal ends the job.`;
    return { message, fix: `trap 'kill -TERM "$step"; wait "$step"' ${signal}   # srun … & step=$!` };
  }
  const step = script.commands.find(
    ({ srun, isDeferred, place }) => srun && !isDeferred && place === 'batch',
  );
  if (!step || step.isBackground || script.commands.some(({ srun, isBackground }) => srun && isBackground))
    return undefined;
  const message = `bash runs the trap for ${signal} only when srun has ended: srun stands in the foreground.`;
  return { message, fix: 'srun … & step=$!; wait "$step"' };
}

function stepReport(script: Script, signal: string): Omit<Report, 'at'> | undefined {
  if (traps(script, signal, 'batch').length > 0 && traps(script, signal, 'node').length === 0) {
    const message = `Without B: ${signal} goes to the steps only: the trap in this script never runs.`;
    return { message, fix: `#SBATCH --signal=B:${signal}@600` };
  }
  const told =
    script.text.includes('TORCHELASTIC_SIGNALS_TO_HANDLE') || script.text.includes('--signals-to-handle');
  const launcher = script.commands.find(isLauncher);
  if (!launcher || told || HANDLED.has(signal) || traps(script, signal, 'node').length > 0) return undefined;
  const message = `${signal} ends ${launcher.name}, which handles ${[...HANDLED].join(', ')} only: no checkpoint is written.`;
  return { message, fix: '#SBATCH --signal=TERM@600' };
}

function traps(script: Script, signal: string, place: 'batch' | 'node') {
  return script.commands.filter(
    (command) =>
      command.name === 'trap' &&
      command.place === place &&
      // `trap : TERM` and `trap '' TERM` only keep the shell alive: what handles the signal is elsewhere.
      !['', ':'].includes(command.words[1]?.value ?? '') &&
      command.words.slice(2).some(({ value }) => value.toUpperCase().replace(/^SIG/, '') === signal),
  );
}
