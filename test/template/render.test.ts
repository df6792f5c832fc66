import { describe, expect, it } from 'vitest';
import { templateContext } from '../../src/template/context.ts';
import { render } from '../../src/template/render.ts';

function print(
  body: string,
  values: Parameters<typeof templateContext>[0] = {},
  partials: Record<string, string> = {},
) {
  const sources = new Map(
    Object.entries(partials).map(([name, text]) => [name, { path: `${name}.hbs`, body: text }]),
  );
  return render({ path: 'main.hbs', body }, sources, templateContext(values));
}

describe('render', () => {
  it('quotes a text for the shell and prints numbers and booleans as they are', () => {
    expect(print('run {{sh model}} {{n}} {{b}}', { model: "it's & <b>", n: 3e-6, b: true })).toBe(
      "run 'it'\\''s & <b>' 0.000003 true\n",
    );
  });

  it('refuses a text without a helper, so that no template can forget to quote', () => {
    expect(() => print('run {{model}}', { model: 'x' })).toThrow(/main\.hbs.*needs its place/s);
  });

  it('refuses a name that is not there', () => {
    expect(() => print('run {{sh modle}}', { model: 'x' })).toThrow(/main\.hbs/);
  });

  it('does not indent what a partial prints, because a heredoc would end elsewhere', () => {
    expect(print('a\n  {{> p}}\nb', {}, { p: 'x\ny\n' })).toBe('a\n  x\ny\nb\n');
  });

  it('doubles the percent sign of a path, which Slurm would read as a pattern', () => {
    expect(print('#SBATCH --output={{directive-path p}}', { p: '/a b/100%j' })).toBe(
      '#SBATCH --output="/a b/100%%j"\n',
    );
  });

  it('has no way to a prototype', () => {
    expect(() => print('{{sh constructor}}', {})).toThrow(/main\.hbs/);
  });
});
