import { describe, expect, it } from 'vitest';
import { diagnoseText, verdict } from './engine.ts';

/** A traceback as Python prints it, down to the source of its last frame. */
const traceback = (last: string) =>
  `Traceback (most recent call last):\n  File "/w/train.py", line 10, in <module>\n    main()\n${last}\n`;

describe('a run that found nothing to go on from and began anew', () => {
  it('is fine, be it cut off before its first step', async () => {
    const log =
      'Checkpoint tracker file does not exist: /ck/latest_checkpointed_iteration.txt\nTraining from scratch\n';
    expect(await verdict(log)).toBe('healthy');
  });
});

describe('a port that was taken, of which torch tells before it raises', () => {
  const taken =
    '[E socket.cpp:500] [c10d] The server socket has failed to listen on any local network address.\n';

  it('is why the run ended where nothing else is', async () => {
    expect(await verdict(taken)).toBe('port-in-use');
  });

  it('is not why a run ended that went on alone until a person cancelled it', async () => {
    const log = `${taken}INFO:root:Running... (rank: 0/1)\nslurmstepd: error: *** JOB 2567 ON hgx CANCELLED AT 2024-07-09T14:25:08 ***\n`;
    expect(await verdict(log)).toBe('cancelled');
  });
});

describe('a step that waits for its turn', () => {
  const waits = 'srun: Job 5 step creation still disabled, retrying (Requested nodes are busy)\n';
  const created = (step: number) => `srun: Step created for StepId=5.${step}\n`;

  it('is no failure once the steps are created', async () => {
    const begun = Array.from({ length: 8 }, (_, step) => created(step)).join('');
    expect(await verdict(`${waits.repeat(20)}${begun}`)).toBe('healthy');
  });

  it('was never launched where the log ends with its waiting', async () => {
    expect(await verdict(waits.repeat(20))).toBe('srun-step-failed');
  });
});

describe('what a traceback ends with', () => {
  it.each([
    'torch._dynamo.exc.Unsupported: call_function BuiltinVariable(setattr)',
    'triton.runtime.errors.OutOfResources: out of resource: registers, Required: 5, Hardware limit: 1',
    "cv2.error: OpenCV(4.5.1) /tmp/x.cpp:182: error: (-215:Assertion failed) !_src.empty() in function 'cvtColor'",
    "TypeError: unsupported operand type(s) for +: 'NoneType' and 'int'",
  ])('is an exception of the program, whatever its name: %s', async (last) => {
    expect(await verdict(traceback(last))).toBe('python-error');
  });

  it('stands behind the line of another process, which looks like one', async () => {
    expect(await verdict(`${traceback('data.loader: 300 files')}KeyError: 'input_ids'\n`)).toBe(
      'python-error',
    );
  });
});

describe('a rank that mpirun saw abort', () => {
  it('is not healthy', async () => {
    const log =
      'mpirun noticed that process rank 3 with PID 0 on node hpb0205 exited on signal 6 (Aborted).\n';
    expect(await verdict(log)).toBe('segfault');
  });
});

describe('an exception that says how the program could go on', () => {
  const said = 'ValueError: options of the old layout are not ignored; using "new" instead';
  const frames = 'Traceback (most recent call last):\n  File "/w/train.py", line 3, in main\n    check()\n';

  it.each(['', 'Traceback (most recent call last):\n', frames])(
    'ended it where nothing comes behind: %j',
    async (before) => {
      expect(await verdict(`${before}${said}\n`)).toBe('python-error');
    },
  );

  it('was caught where the program goes about its work, unless frames lead to it', async () => {
    const behind = 'loading the new layout\n3 files\n';
    expect(await verdict(`${said}\n${behind}`)).toBe('healthy');
    expect(await verdict(`${frames}${said}\n${behind}`)).toBe('python-error');
  });

  it.each(['ValueError: Unknown level: WARNING', "KeyError: 'INFO'", 'RuntimeError: DEBUG must be 0 or 1'])(
    'is no line of a logger where it names a level: %s',
    async (line) => {
      expect(await verdict(`${line}\n`)).not.toBe('healthy');
    },
  );
});

describe('a warning of Python’s', () => {
  const warned =
    '/env/joblib/_multiprocessing_helpers.py:46: UserWarning: [Errno 28] No space left on device.  joblib will operate in serial mode\n';

  it('is no failure where the program goes about its work behind it', async () => {
    expect(await verdict(`${warned}  warnings.warn(\nloading\n3 files\n`)).toBe('healthy');
  });

  it('says why it ended where it is the last that was said', async () => {
    expect(await verdict(warned)).toBe('disk-full');
  });
});

describe('two runs in one log, each of which failed at once', () => {
  it('are answered without being sure: nobody says which of them is meant', async () => {
    const oom = 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB\n';
    const missing =
      'Traceback (most recent call last):\n  File "/w/train.py", line 3, in main\nFileNotFoundError: [Errno 2] No such file or directory: \'/data/train.jsonl\'\n';
    const { causes } = await diagnoseText(`starting\n${oom}starting\n${missing}`);
    expect(causes.map(({ fault }) => fault).sort()).toEqual(['cuda-oom', 'path-missing']);
    expect(causes.every(({ confidence }) => confidence < 0.8)).toBe(true);
  });
});
