import { describe, expect, it } from 'vitest';
import { templateContext } from '../../src/template/context.ts';
import { compile, render } from '../../src/template/render.ts';

async function print(
  body: string,
  values: Parameters<typeof templateContext>[0] = {},
  partials: Record<string, string> = {},
) {
  const entries = Object.entries(partials).map(
    async ([name, text]) => [name, { path: `${name}.hbs`, compiled: await compile(text) }] as const,
  );
  const main = { path: 'main.hbs', compiled: await compile(body) };
  return render(main, new Map(await Promise.all(entries)), templateContext(values));
}

describe('render', () => {
  it('quotes a text for the shell and prints numbers and booleans as they are', async () => {
    expect(await print('run {{sh model}} {{n}} {{b}}', { model: "it's & <b>", n: 3e-6, b: true })).toBe(
      "run 'it'\\''s & <b>' 0.000003 true\n",
    );
  });

  it('refuses a text without a helper, so that no template can forget to quote', async () => {
    await expect(print('run {{model}}', { model: 'x' })).rejects.toThrow(/main\.hbs.*needs its place/s);
  });

  it('refuses with the reason that a template gives', async () => {
    await expect(print('{{refuse "backend: it needs a GPU"}}')).rejects.toThrow(/^backend: it needs a GPU$/);
  });

  it('refuses a name that is not there', async () => {
    await expect(print('run {{sh modle}}', { model: 'x' })).rejects.toThrow(/main\.hbs/);
  });

  it('does not indent what a partial prints, because a heredoc would end elsewhere', async () => {
    expect(await print('a\n  {{> p}}\nb', {}, { p: 'x\ny\n' })).toBe('a\n  x\ny\nb\n');
  });

  it('doubles the percent sign of a path, which Slurm would read as a pattern', async () => {
    const line = await print('#SBATCH --output={{directive-path p}}', { p: '/a b/100%j' });
    expect(line).toBe('#SBATCH --output="/a b/100%%j"\n');
  });

  it('has no way to a prototype', async () => {
    await expect(print('{{sh constructor}}', {})).rejects.toThrow(/main\.hbs/);
  });
});
