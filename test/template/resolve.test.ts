import { describe, expect, it } from 'vitest';
import type { Parameter } from '../../src/template/parameter.ts';
import { type Layer, parseSettings, resolveParameters } from '../../src/template/resolve.ts';

const around = { cwd: '/', home: '/', exists: () => false };
const parameters: Parameter[] = [
  { name: 'nodes', type: 'int', default: 1, min: 1, help: 'Nodes', group: 'g' },
  { name: 'learning_rate', type: 'float', help: 'Rate', group: 'g' },
  { name: 'model', type: 'model', required: true, help: 'Model', group: 'g' },
];
const layer = (source: Layer['source'], values: Record<string, unknown>): Layer => ({
  source,
  values: Object.fromEntries(Object.entries(values).map(([name, value]) => [name, { value, where: source }])),
});

describe('resolveParameters', () => {
  it('lets the last layer win and remembers which it was', () => {
    const resolved = resolveParameters(
      parameters,
      [
        layer('profile', { nodes: 2, model: 'a' }),
        layer('recipe', { nodes: 3 }),
        layer('flag', { nodes: 4 }),
      ],
      around,
    );
    expect(resolved.nodes).toEqual({ value: 4, source: 'flag', where: 'flag' });
    expect(resolved.model?.source).toBe('profile');
    expect(resolved.learning_rate).toEqual({ value: null, source: 'default', where: 'default' });
  });

  it('takes a value away with null', () => {
    expect(() =>
      resolveParameters(
        parameters,
        [layer('profile', { model: 'a' }), layer('recipe', { model: null })],
        around,
      ),
    ).toThrow('model is missing');
  });

  it('reports every problem at once, with "did you mean"', () => {
    const act = () =>
      resolveParameters(parameters, [layer('set', { nods: 2, learning_rate: 'fast', nodes: 0 })], around);
    expect(act).toThrow(/"nods".*Did you mean "nodes"/);
    expect(act).toThrow('learning_rate: "fast"');
    expect(act).toThrow('nodes: "0"');
    expect(act).toThrow('model is missing: Model');
  });

  it('lets a profile name parameters of other templates, and nobody else', () => {
    const foreign = { ...layer('profile', { beta: 1, model: 'a' }), allowed: new Set(['beta']) };
    expect(resolveParameters(parameters, [foreign], around).model?.value).toBe('a');
    expect(() => resolveParameters(parameters, [layer('recipe', { beta: 1, model: 'a' })], around)).toThrow(
      'no parameter "beta"',
    );
  });
});

describe('parseSettings', () => {
  it('keeps everything behind the first equals sign', () => {
    expect(parseSettings(['a=b=c', 'learning-rate=1'])).toEqual({
      a: { value: 'b=c', where: '--set a' },
      learning_rate: { value: '1', where: '--set learning_rate' },
    });
  });

  it('refuses a word without one', () => {
    expect(() => parseSettings(['nodes'])).toThrow('not of the form key=value');
  });
});
