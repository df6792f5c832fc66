import { describe, expect, it } from 'vitest';
import type { Parameter } from '../../src/template/parameter.ts';
import { parseSettings } from '../../src/template/resolve.ts';
import { sweepSettings } from '../../src/template/sweep.ts';

const parameter = (name: string, type: Parameter['type']): Parameter => ({ name, type, help: '', group: '' });
const PARAMETERS = [
  parameter('learning_rate', 'float'),
  parameter('seed', 'int'),
  parameter('data', 'path'),
  parameter('nodelist', 'slurm'),
  parameter('tags', 'string'),
];
const tasks = (...words: string[]) =>
  sweepSettings(parseSettings(words), PARAMETERS).tasks.map((settings) =>
    Object.values(settings).map(({ value }) => value),
  );

describe('--set with a list', () => {
  it('makes a task of each combination, the last list changing fastest', () => {
    expect(tasks('learning_rate=1e-5,5e-6', 'seed=1,2')).toEqual([
      ['1e-5', '1'],
      ['1e-5', '2'],
      ['5e-6', '1'],
      ['5e-6', '2'],
    ]);
  });

  it('takes lists of texts in brackets', () => {
    expect(tasks('data=[/a, /b]')).toEqual([['/a'], ['/b']]);
  });

  it.each([['tags=a,b'], ['nodelist=gnode[01,03]'], ['data=/a,b'], ['tags=[a]'], ['learning_rate=1e-5']])(
    'leaves %s as the one value that it is',
    (word) => {
      expect(tasks(word)).toEqual([[word.slice(word.indexOf('=') + 1)]]);
    },
  );
});
