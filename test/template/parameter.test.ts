import { describe, expect, it } from 'vitest';
import { type Parameter, readValue } from '../../src/template/parameter.ts';

const around = {
  cwd: '/work dir',
  home: '/home/me',
  exists: (path: string) => path === '/work dir/local-model',
};

function read(type: Parameter['type'], value: unknown, more: Partial<Parameter> = {}) {
  return readValue(
    { name: 'p', type, help: 'what it is', group: 'g', ...more },
    { value, where: '--p' },
    around,
  );
}

describe('readValue', () => {
  it.each([
    ['int', '8', 8],
    ['int', '+8', 8],
    ['float', '5e-6', 5e-6],
    ['float', '.5', 0.5],
    ['bool', 'Yes', true],
    ['bool', 'off', false],
    ['path', 'runs', '/work dir/runs'],
    ['path', '~/runs', '/home/me/runs'],
    ['path', "/a b/$(x)'", "/a b/$(x)'"],
    ['paths', ' /a/../b  ~/runs ', '/b /home/me/runs'],
    ['model', 'meta/Llama-2-13b', 'meta/Llama-2-13b'],
    ['model', 'local-model', '/work dir/local-model'],
    ['model', './other', '/work dir/other'],
    ['duration', '2-00:00:00', '2-00:00:00'],
    ['duration', '90', '90'],
    ['memory', '64G', '64G'],
    ['slurm', 'gnode[01-04,07]', 'gnode[01-04,07]'],
  ] as const)('reads %s %s', (type, value, expected) => {
    expect(read(type, value)).toBe(expected);
  });

  it.each([
    ['int', '3.5', 'no whole number'],
    ['int', '0x10', 'no whole number'],
    ['int', 'NaN', 'no whole number'],
    ['int', '99999999999999999999', 'no whole number'],
    ['float', 'Infinity', 'no number'],
    ['float', '1,5', 'no number'],
    ['bool', 'maybe', 'neither true nor false'],
    ['string', '', 'is empty'],
    ['string', 'a\nb', 'line break'],
    ['string', 'a\u001b[31m', 'control character'],
    ['string', '\ud800', 'not valid Unicode'],
    ['string', '--evil', 'begins with "-"'],
    ['path', 'x'.repeat(5000), 'longer than 4096'],
    ['paths', '/a runs', 'would be /work dir/runs'],
    ['paths', '  ', 'is empty'],
    ['name', 'a b', 'letters, digits'],
    ['name', '../up', 'letters, digits'],
    ['slurm', 'gpu;reboot', 'as Slurm spells it'],
    ['duration', 'tomorrow', 'no time that Slurm knows'],
    ['memory', 'lots', 'such as 64G'],
  ] as const)('refuses %s %j and says why', (type, value, why) => {
    expect(() => read(type, value)).toThrow(why);
  });

  it('names the parameter, the value and the place', () => {
    expect(() => read('int', 'eight')).toThrow('p: "eight" (from --p) is no whole number');
  });

  it('holds numbers to their limits, with the unit', () => {
    expect(() => read('int', '0', { min: 1, unit: 'GPUs' })).toThrow('is below the least, 1 GPUs');
    expect(() => read('float', '2', { max: 1 })).toThrow('is above the most, 1');
  });

  it('offers the choices', () => {
    expect(() => read('choice', 'zero4', { choices: ['zero2', 'zero3'] })).toThrow('none of: zero2, zero3');
  });
});
