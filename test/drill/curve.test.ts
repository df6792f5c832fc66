import { describe, expect, it } from 'vitest';
import { type Curve, compareCurves, readCurve } from '../../src/drill/curve.ts';

const curve = (losses: [number, number][], more: Partial<Curve> = {}): Curve => ({
  losses: new Map(losses),
  samplesSeen: 16,
  samplesCrc: 7,
  ...more,
});
const whole = curve([
  [1, 2.5],
  [2, 2.25],
]);

describe('two loss curves', () => {
  it('are equal when every loss, the number of samples and their order are', () => {
    expect(compareCurves(whole, whole)).toMatchObject({ equal: true, maxLossDifference: 0, steps: 2 });
  });

  it.each([
    [
      'a loss differs in its last digit',
      curve([
        [1, 2.5],
        [2, 2.2500000000000004],
      ]),
    ],
    ['a step is missing', curve([[1, 2.5]])],
    ['samples were repeated', { ...whole, samplesSeen: 24 }],
    ['samples were lost', { ...whole, samplesSeen: 8 }],
    ['the samples came in another order', { ...whole, samplesCrc: 8 }],
  ])('are not equal when %s', (_, disturbed) => {
    expect(compareCurves(disturbed, whole).equal).toBe(false);
  });

  it('are not equal when neither has a step', () => {
    expect(compareCurves(curve([]), curve([])).equal).toBe(false);
  });

  it('are read from the last checkpoint, evaluations left out', () => {
    const text = JSON.stringify({
      log_history: [
        { step: 1, loss: 2.5 },
        { step: 1, eval_loss: 3 },
      ],
      samples_seen: 16,
      samples_crc: 7,
    });
    expect(readCurve(text, 'x')).toEqual(curve([[1, 2.5]]));
    expect(() => readCurve('{}', 'x')).toThrow('x holds no loss curve');
  });
});
