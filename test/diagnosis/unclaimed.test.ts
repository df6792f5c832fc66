import { describe, expect, it } from 'vitest';
import { diagnose } from '../../src/diagnosis/diagnose.ts';
import { isTrouble } from '../../src/diagnosis/unclaimed.ts';
import { effort } from '../support/effort.ts';
import { diagnoseText, job, runbooks, verdict } from './engine.ts';

/** Failures that no runbook has the words of. */
const UNHEARD_OF = [
  'gate: stopped: every node shows it: quarter: Permission denied: /master',
  'srun: error: the quartermaster refused the step',
  'sbatch: error: no such quartermaster',
  'slurmstepd: error: proctrack/new: quartermaster went away',
  'slurmstepd-gnode07: error: quartermaster went away',
  'n1:7:9 [3] transport/quarter.cc:178 NCCL WARN Quartermaster said 217',
  'train.py finished with exit code 7',
  'Process exited with status 13',
  'quarter.master.WentAway: it is not coming back',
  'QuartermasterError: it is not coming back',
  "thread 'main' panicked at src/quarter.rs:9",
  'train.sh: line 9: quartermaster: command not found',
  'Failed to reach the quartermaster',
  '[2026-11-25 10:00:00,000] [ERROR] [quarter.py:9:main] gone',
  'E1125 10:00:00.000000 12 quarter.cc:9] gone',
  'fatal: the quartermaster has gone',
  'Error fetching from the quartermaster: it has gone',
  '_job_complete: JobId=12 WEXITSTATUS 7',
  'QuartermasterInvalid: it has no such size',
  '[h35n05:113506] *** MPI_ERRORS_ARE_FATAL (processes in this communicator will now abort,',
  'MPI_ABORT was invoked on rank 3 in communicator MPI_COMM_WORLD',
  '[0]Error opening the quartermaster from peer:1',
];

/** What healthy programs print. */
const HARMLESS = [
  'gate: warning on gnode07: kernel: 3 errors of file systems or disks [dmesg | grep -iE "error|not responding"]',
  'error_rate: 0.3 failed: 0 passed: 9',
  'train error: 0.34 valid error: 0.41',
  'step 10 | loss: 2.31 | grad_norm: 0.9 | errors: 0',
  'exit code 0',
  '_job_complete: JobId=12 WEXITSTATUS 0',
  'Terminated at Wed May 29 06:48:06 2024',
  'Error logging is on',
  'The error bars are shown in figure 2',
  'n1:7:9 [3] NCCL INFO Channel 00 : 0 -> 1 via P2P/CUMEM',
  '2026-11-25 10:00:00 WARNING quarter.py:9 could not find the cache, making one',
  'UserWarning: the reduction failed gracefully in the past',
  '/w/bitsandbytes/cextension.py:34: UserWarning: compiled without GPU support. 8-bit optimizers are unavailable.',
  'Saved checkpoint to /data/failed-runs/step-100',
];

describe('a failure that no runbook knows', () => {
  it.each(UNHEARD_OF)('is a failure: %s', async (line) => {
    const { status, seen } = await diagnoseText(`step 1 loss: 2.0 lr 1e-5\n${line}\n`);
    expect(status).not.toBe('healthy');
    if (status === 'unknown') expect(line).toContain(seen[0]?.text);
  });

  it.each(HARMLESS)('is not seen where there is none: %s', async (line) => {
    expect(await verdict(`step 1 loss: 2.0 lr 1e-5\n${line}\n`)).toBe('healthy');
  });

  it('is forgiven when the run moves on, or Slurm saw it end well', async () => {
    const failure = `${UNHEARD_OF[0]}\n`;
    expect(await verdict(failure + 'step 9 loss: 2.0 lr 1e-5\n'.repeat(12))).toBe('healthy');
    const source = { name: 'log', chunks: [Buffer.from(failure)] };
    expect((await diagnose(runbooks, [source], { newest: job('COMPLETED') })).status).toBe('healthy');
  });

  it('is seen before lines that say nothing and hold a signature’s text', async () => {
    const text = "transport/quarter.cc:590 NCCL WARN Quartermaster said 217\n  'offline mode is enabled'\n";
    expect(await verdict(text)).not.toBe('healthy');
  });

  it('may be told by its frames, though the first line of its traceback is lost', async () => {
    const frames = '  File "rendezvous.py", line 9, in f\n    store = TCPStore(host, port)\n';
    expect(await verdict(`${frames}RuntimeError: Connection timed out\n`)).toBe('rendezvous-failed');
    expect(await verdict('RuntimeError: Connection timed out\n')).not.toBe('rendezvous-failed');
  });

  it('is judged in little time, whatever the line', () => {
    const words = ['a.', 'Error', 'exit code', 'NVRM: ', 'overflow ', 'loss ', 'x: ', 'A', ' ', 'transport'];
    expect(
      effort(() => {
        for (const word of words) isTrouble(word.repeat(16_384 / word.length));
      }),
    ).toBeLessThan(1_000);
  });

  it.each([
    'ERROR: No checkpoint found at /data/ck. Use --scratch to start training from scratch.',
    "FileNotFoundError: [Errno 2] No such file or directory: '/data/ck'; pass --resume no to train from scratch",
  ])('is not taken back by advice: %s', async (line) => {
    expect(await verdict(`${line}\n`)).not.toBe('healthy');
  });
});
