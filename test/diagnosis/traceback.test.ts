import { describe, expect, it } from 'vitest';
import { diagnoseText, verdict } from './engine.ts';

/** A source line of the program that holds the words of another fault, quoted by the frame before it. */
const QUOTED = `Traceback (most recent call last):
  File "/w/train.py", line 9, in main
    raise RuntimeError("CUDA out of memory. Tried to allocate") if full else opt.step()
UnboundLocalError: local variable 'opt' referenced before assignment
`;

const faults = async (text: string) => {
  const { status, causes } = await diagnoseText(text);
  return [status, ...causes.map(({ fault }) => fault)];
};

describe('the source that a traceback quotes', () => {
  it('is no evidence of what it speaks of', async () => {
    expect(await faults(QUOTED)).toEqual(['diagnosed', 'python-error']);
  });

  it('is none where the first line of the traceback was lost', async () => {
    expect(await faults(QUOTED.slice(QUOTED.indexOf('\n') + 1))).toEqual(['diagnosed', 'python-error']);
  });

  it('is none behind the prefix of a rank, among the lines of others', async () => {
    const lines = QUOTED.trimEnd().split('\n');
    const ranks = lines.flatMap((line) => [`[rank0]: ${line}`, `[rank1]: ${line}`]).join('\n');
    expect(await faults(`${ranks}\n`)).toEqual(['diagnosed', 'python-error']);
  });

  it('is none where the whole traceback stands further in', async () => {
    const quoted = QUOTED.replaceAll(/^(?=.)/gm, '    ');
    expect(await faults(quoted)).toEqual(['diagnosed', 'python-error']);
  });

  it('does not take the exception for it where a frame has no source', async () => {
    const text = `    Traceback (most recent call last):
      File "<string>", line 1, in <module>
    ModuleNotFoundError: No module named 'absent'
`;
    expect(await faults(text)).toEqual(['diagnosed', 'python-dep-missing']);
  });

  it('does not silence an indented line that no frame stands before', async () => {
    expect(await faults('    CUDA out of memory. Tried to allocate 2.00 GiB.\n')).toEqual([
      'diagnosed',
      'cuda-oom',
    ]);
  });
});

describe('the end of a traceback', () => {
  it('is known where the name begins with an underscore and the frames were lost', async () => {
    const [, fault] = await faults(
      'numpy.core._exceptions._ArrayMemoryError: Unable to allocate 11.2 GiB for an array with shape (750, 9)\n',
    );
    expect(fault).toBe('host-oom');
  });

  it('may be a plain Exception', async () => {
    const text = QUOTED.replace(/^UnboundLocalError/m, 'Exception');
    expect(await faults(text)).toEqual(['diagnosed', 'python-error']);
  });
});

it('is read behind a logger that stands before each of its lines', async () => {
  const logged = (line: string) =>
    `(EngineCore_DP0 pid=300) ERROR 05-28 03:53:36 [v1/engine/core.py:620] ${line}\n`;
  const lines = [
    'Traceback (most recent call last):',
    '  File "/v/deepseek.py", line 788, in load',
    '    param = params[name]',
    "KeyError: 'w2_offset'",
  ];
  expect(await verdict(`${lines.map(logged).join('')}[rank0]: Traceback (most recent call last):\n`)).toBe(
    'python-error',
  );
  expect(await verdict(logged('EngineCore failed to start.'))).not.toBe('healthy');
});
