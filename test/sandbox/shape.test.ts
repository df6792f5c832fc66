import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import {
  DEFAULT_SHAPE,
  differences,
  nodeList,
  nodeNames,
  readShape,
  type ShapeOptions,
  wholeShape,
} from '../../src/sandbox/shape.ts';

const NOTHING: ShapeOptions = {
  nodes: undefined,
  gpus: undefined,
  cpus: undefined,
  memory: undefined,
  shm: undefined,
  tmp: undefined,
  accounting: false,
};

describe('readShape', () => {
  it('is the default shape when nothing was asked for', () => {
    expect(wholeShape(readShape(NOTHING))).toEqual(DEFAULT_SHAPE);
  });

  it.each([
    [{ nodes: '0' }, '--nodes "0": a whole number from 1 to 64.'],
    [{ nodes: '65' }, '--nodes "65"'],
    [{ nodes: '1e1' }, '--nodes "1e1"'],
    [{ gpus: '-1' }, '--gpus "-1"'],
    [{ shm: '64' }, '--shm "64": a size like 64m or 2g.'],
    [{ tmp: '1m,mode=0' }, '--tmp "1m,mode=0"'],
    [{ memory: '0g' }, '--memory "0g"'],
  ])('refuses %j', (options, message) => {
    const read = () => readShape({ ...NOTHING, ...options });
    expect(read).toThrow(UsageError);
    expect(read).toThrow(message);
  });

  it('reads memory in the units that people type', () => {
    expect(readShape({ ...NOTHING, memory: '2G' }).memoryMb).toBe(2048);
    expect(readShape({ ...NOTHING, memory: '900m' }).memoryMb).toBe(900);
  });
});

describe('differences', () => {
  it('are none when nothing was asked for', () => {
    expect(differences(readShape(NOTHING), { ...DEFAULT_SHAPE, nodes: 36 })).toEqual([]);
  });

  it('name the option and both values', () => {
    const asked = readShape({ ...NOTHING, nodes: '4', accounting: true });
    expect(differences(asked, DEFAULT_SHAPE)).toEqual([
      '--nodes is 2, you asked for 4',
      '--accounting is false, you asked for true',
    ]);
  });
});

describe('node names', () => {
  it('have two digits', () => {
    expect(nodeNames(10).at(-1)).toBe('gnode10');
    expect([nodeList(1), nodeList(2), nodeList(64)]).toEqual(['gnode01', 'gnode[01-02]', 'gnode[01-64]']);
  });
});
