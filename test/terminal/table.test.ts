import { describe, expect, it } from 'vitest';
import { cells } from '../../src/terminal/cells.ts';
import { table } from '../../src/terminal/table.ts';
import { printable, wantsColour } from '../../src/terminal/terminal.ts';

describe('table', () => {
  it('aligns columns by what they take on the screen, Chinese and coloured ones too', () => {
    expect(
      table([
        ['RUN', 'STATE'],
        ['模型', '\u001b[31mFAILED\u001b[39m'],
        ['abcdef', 'ok'],
      ]),
    ).toEqual(['RUN     STATE', '模型    \u001b[31mFAILED\u001b[39m', 'abcdef  ok']);
    expect(cells('模型-7b')).toBe(7);
  });
});

describe('printable', () => {
  it('lets no escape code of a log reach the terminal', () => {
    expect(printable('\u001b[2J\u001b]0;title\u0007red\u001b[31m\u0000')).toBe('?]0;title?red?');
  });

  it('leaves tabs, line ends and other scripts alone', () => {
    expect(printable('a\tb\nc é 模型')).toBe('a\tb\nc é 模型');
  });
});

describe('wantsColour', () => {
  it.each([
    [{}, true, true],
    [{}, false, false],
    [{ NO_COLOR: '1' }, true, false],
    [{ NO_COLOR: '' }, true, true],
    [{ FORCE_COLOR: '1' }, false, true],
    [{ FORCE_COLOR: '0' }, false, false],
    [{ TERM: 'dumb' }, true, false],
  ])('with %j and terminal %s is %s', (env, isTerminal, expected) => {
    expect(wantsColour(env, isTerminal)).toBe(expected);
  });
});
