import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseArguments } from '../../src/trainer/argparse.ts';
import { type Flag, flagOf } from '../../src/trainer/flag.ts';
import type { FlagList } from '../../src/trainer/flag-list.ts';
import { checkOverrides } from '../../src/trainer/hydra.ts';
import { resolveName, spellings } from '../../src/trainer/names.ts';
import { packageLists } from './known.ts';

const argparse = packageLists.filter(
  ({ list }) => list.syntax === 'argparse' && list.positionals !== 'script',
);
const hydra = packageLists.filter(({ list }) => list.syntax === 'hydra');

function aValue(flag: Flag): fc.Arbitrary<string> {
  if (flag.choices) return fc.constantFrom(...flag.choices);
  if (flag.type === 'int') return fc.integer().map(String);
  if (flag.type === 'float') return fc.double({ noNaN: true, noDefaultInfinity: true, min: 0 }).map(String);
  if (flag.type === 'bool') return fc.constantFrom('true', 'False', 'yes', '0');
  return fc.stringMatching(/^[A-Za-z0-9./_:,]{1,12}$/);
}

/** One flag with as many values as it takes. */
function aFlag(list: FlagList): fc.Arbitrary<string[]> {
  return fc.constantFrom(...spellings(list)).chain(([spelling, name]) => {
    const flag = flagOf(list, name);
    if (flag === undefined) throw new Error(`${list.program} has no ${name}`);
    if (flag.type === 'flag') return fc.constant([spelling]);
    const [min, max] =
      typeof flag.nargs === 'number'
        ? [flag.nargs, flag.nargs]
        : flag.nargs === '?'
          ? [0, 1]
          : flag.nargs === '*'
            ? [0, 3]
            : flag.nargs === '+'
              ? [1, 3]
              : [1, 1];
    return fc.array(aValue(flag), { minLength: min, maxLength: max }).map((values) => [spelling, ...values]);
  });
}

describe('every list', () => {
  it.each(argparse)('$name takes any of its flags with values of their types', ({ list }) => {
    const open = {
      ...list,
      flags: Object.fromEntries(Object.keys(list.flags).map((name) => [name, optional(list, name)])),
    };
    fc.assert(
      fc.property(fc.array(aFlag(open), { maxLength: 12 }), (words) => {
        expect(parseArguments(open, ['program', ...words.flat()], 1).problems).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });

  it.each(argparse)(
    '$name refuses a flag with one letter changed, unless that is another flag',
    ({ list }) => {
      const known = spellings(list);
      const letter = fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz_-');
      fc.assert(
        fc.property(fc.constantFrom(...known.keys()), fc.nat(), letter, (flag, where, to) => {
          const at = 2 + (where % Math.max(1, flag.length - 2));
          const mutated = flag.slice(0, at) + to + flag.slice(at + 1);
          fc.pre(mutated.startsWith('--') && mutated !== '--help');
          const { problems } = parseArguments(list, ['program', mutated], 1);
          const isFlag = resolveName(list, known, mutated).kind === 'known';
          expect(
            problems.some(
              (problem) =>
                problem.flag === mutated && ['unknown', 'renamed', 'removed'].includes(problem.kind),
            ),
          ).toBe(!isFlag);
        }),
        { numRuns: 60 },
      );
    },
  );

  it.each(hydra)('$name takes any of its keys, and none with a letter changed', ({ list }) => {
    fc.assert(
      fc.property(
        fc.constantFrom(...Object.keys(list.flags)),
        fc.stringMatching(/^[\w./]{0,9}$/),
        (key, value) => {
          expect(checkOverrides(list, [`${key}=${value}`], 0)).toEqual([]);
          expect(checkOverrides(list, [`${key}Q=${value}`], 0)).toHaveLength(1);
          expect(checkOverrides(list, [`+${key}Q=${value}`, `++${key}=${value}`, `~${key}`], 0)).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });
});

/** The same flag, that may be left out. */
function optional(list: FlagList, name: string): FlagList['flags'][string] {
  const entry = list.flags[name];
  if (entry === undefined || typeof entry === 'string') return entry ?? 'any';
  return { ...entry, required: false };
}
