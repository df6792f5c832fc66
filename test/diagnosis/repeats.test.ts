import { describe, expect, it } from 'vitest';
import type { Hit } from '../../src/diagnosis/literal-search.ts';
import { chooseAmongRepeats } from '../../src/diagnosis/repeats.ts';
import { diagnoseText, verdict } from './engine.ts';

const FETCH = 'ConnectionResetError';
const progress = (lines: number): string =>
  Array.from({ length: lines }, (_, step) => `step ${step} loss: 2.31 lr: 1e-4\n`).join('');
const caught = `Traceback (most recent call last):
  File "/opt/train/remote.py", line 101, in fetch
    return self.session.get(url, timeout=30)
${FETCH}: [Errno 104] Connection reset by peer
WARNING attempt 1 of 5 failed, trying again in 2 s
`;
/** About 1 MB: a traceback in twenty lines. */
const busy = `${caught}${progress(20)}`.repeat(1200);

/** The stretch's own hits, as far as these texts go. */
function hitsOf(stretch: string, ...literals: string[]): Hit[] {
  return literals
    .flatMap((literal) =>
      [...stretch.matchAll(new RegExp(literal, 'g'))].map(({ index: at }) => ({ literal, at })),
    )
    .sort((a, b) => a.at - b.at);
}

describe('a text that a log repeats', () => {
  const choose = (stretch: string, ...literals: string[]) =>
    chooseAmongRepeats()(Buffer.from(stretch), hitsOf(stretch, ...literals));

  it('is read some times, and wherever the progress behind it does not suffice', () => {
    const { hits, readFrom } = choose(busy, FETCH);
    expect(busy.slice(readFrom).match(/^step /gm)?.length).toBe(60);
    const all = hitsOf(busy, FETCH);
    expect(hits).toEqual([...all.slice(0, 32), ...all.filter(({ at }) => at >= readFrom)]);
    expect(hits.length).toBeGreaterThan(32);
  });

  it('is always read where the run does not go on', () => {
    const stretch = `${busy}${'waiting\n'.repeat(20_000)}`;
    expect(choose(stretch, FETCH).hits).toHaveLength(1200);
  });

  it('is always read where the job begins anew', () => {
    const stretch = `${busy}attempt 2 of job 7 on gnode01\n${progress(100)}`;
    expect(choose(stretch, FETCH, ' of job ').hits).toHaveLength(1201);
  });

  it('is always read where it says that the work is done', () => {
    const stretch = `train_runtime 12\n${progress(20)}`.repeat(100);
    expect(choose(stretch, 'train_runtime').hits).toHaveLength(100);
  });

  it('hides no other', () => {
    const stretch = `${busy}uncorrectable ECC error\n${busy}`;
    expect(choose(stretch, FETCH, 'uncorrectable ECC').hits).toContainEqual({
      literal: 'uncorrectable ECC',
      at: busy.length,
    });
  });
});

describe('a log that is full of errors which were caught', () => {
  it('is healthy where the run goes on', async () => {
    expect(await verdict(busy.repeat(3))).toBe('healthy');
  });

  it('names the same error where the run ends with it', async () => {
    const end = caught.split('\n').slice(0, 4).join('\n');
    for (const size of [1 << 16, 1 << 20]) {
      const { status, causes, seen } = await diagnoseText(`${busy.repeat(3)}${end}\n`, size);
      expect([status, causes[0]?.fault ?? seen.at(-1)?.text]).toEqual([
        'unknown',
        expect.stringContaining(FETCH),
      ]);
    }
  });

  it('names another error, and the line where it is', async () => {
    const lines = busy.repeat(3).split('\n').length;
    const { causes } = await diagnoseText(
      `${busy.repeat(3)}torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.\n`,
    );
    expect([causes[0]?.fault, causes[0]?.evidence[0]?.line]).toEqual(['cuda-oom', lines]);
  });

  it('lists what the run lived through, be it said but once', async () => {
    const oom = 'torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB.\n';
    const { status, ruledOut } = await diagnoseText(`${busy}${oom}${busy}`);
    expect(status).toBe('healthy');
    expect(ruledOut.map(({ fault }) => fault)).toContain('cuda-oom');
  });

  it('ends each attempt with what ended it', async () => {
    const first = `attempt 1 of job 7 on gnode01\n${busy}torch.OutOfMemoryError: CUDA out of memory.\n`;
    const { attempts } = await diagnoseText(`${first}attempt 2 of job 7 on gnode01\n${progress(100)}`);
    expect(attempts.map(({ fault }) => fault)).toEqual(['cuda-oom', null]);
  });
});
