import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readSource } from '../../src/trainer/read-source.ts';

const read = (text: string, name = 'source.py') => readSource([{ name, text }]);

describe("a program's --help", () => {
  it('of torchrun 1.13, as it was printed, gives every flag, its choices, and where the script begins', () => {
    const found = read(readFileSync('test/fixtures/trainers/torchrun-1.13.0.help', 'utf8'), '-');
    expect(Object.keys(found.flags)).toHaveLength(20);
    expect(found.flags['--standalone']).toBe('flag');
    expect(found.flags['--nnodes']).toBe('any');
    expect(found.flags['--start_method']).toEqual({ choices: ['spawn', 'fork', 'forkserver'] });
    expect(found.aliases).toEqual({ '-m': '--module', '-r': '--redirects', '-t': '--tee' });
    expect(found.positionals).toBe('script');
    expect(found.dashes).toBe(false);
  });

  it.each([
    ['  --a A               help', 'any'],
    ['  --a                 help', 'flag'],
    ['  --a [A]             help (default: False)', 'bool?'],
    ['  --a [A ...]         help', 'any*'],
    ['  --a A [A ...]       help', 'any+'],
    ['  --a [A [A ...]]     help', 'any*'],
    ['  --a A A             help', 'any 2'],
    ['  --a A               help (default: 5e-05)', 'float'],
    ['  --a A               help (default: 500)', 'any'],
    ['  --a {x,y}           help', { choices: ['x', 'y'] }],
    ['  --a {x,y} [{x,y} ...]', { choices: ['x', 'y'], nargs: '+' }],
    ['  --a A\n                        help on the next line (default: 0.1)', 'float'],
  ])('%j', (line, entry) => {
    expect(read(`usage: x [-h] [--a]\n\noptions:\n${line}\n`, '-').flags).toEqual({ '--a': entry });
  });

  it('knows what is required by the brackets that it has not in the usage', () => {
    const text =
      'usage: x [-h] --a A\n         [--b {1,2}] [--c [C]]\n\noptions:\n  --a A  it\n  --b {1,2}  it\n  --c [C]  it\n';
    expect(read(text, '-').flags['--a']).toEqual({ type: 'any', required: true });
    expect(read(text, '-').flags['--b']).toEqual({ choices: ['1', '2'] });
  });

  it('sees that every flag has both spellings', () => {
    expect(read('options:\n  --a_b A, --a-b A  it\n  --c C  it\n', '-')).toMatchObject({
      flags: { '--a_b': 'any', '--c': 'any' },
      dashes: true,
      aliases: {},
    });
  });
});

describe('Python source', () => {
  it('with add_argument gives types, values, choices, and what stands for what', () => {
    const found = read(`
parser = argparse.ArgumentParser(allow_abbrev=False)
parser.add_argument("--lr", "-l", type=float, default=1e-5, help="a, (b) and 'c'")
parser.add_argument('--files', nargs='+', required=True)  # add_argument("--not_this")
parser.add_argument("--betas", type=float, nargs=2, default=(0.9, 0.95))
group.add_argument("--mode", choices=["a", 'b'], type=str)
group.add_argument("--level", type=int, choices=(0, 1, 2))
group.add_argument("--dry", action="store_true",
    help="""many
lines""")
group.add_argument("--odd", type=lambda x: x.lower())
parser.add_argument("script")
parser.add_argument("rest", nargs=argparse.REMAINDER)
args = parser.parse_args()
`);
    expect(found).toMatchObject({
      flags: {
        '--lr': 'float',
        '--files': { nargs: '+', required: true },
        '--betas': 'float 2',
        '--mode': { choices: ['a', 'b'] },
        '--level': { type: 'int', choices: ['0', '1', '2'] },
        '--dry': 'flag',
        '--odd': 'any',
      },
      aliases: { '-l': '--lr' },
      abbreviations: false,
      positionals: 'script',
    });
    expect(found.unknown).toBeUndefined();
  });

  it('whose parser passes over what it does not know is a list that does so too', () => {
    expect(read('parser.add_argument("--a")\nargs, rest = parser.parse_known_args()').unknown).toBe(
      'ignored',
    );
  });

  it('with names that are computed is refused, because the list would lack them', () => {
    expect(() => read('parser.add_argument(f"--{prefix}.lr")\nparser.add_argument("--a")')).toThrow(
      /computed/,
    );
  });

  it('that defines or hands on add_argument has no computed names by that', () => {
    const found = read(
      'def add_argument(self, action):\n    super().add_argument(action)\nparser.add_argument("--a")',
    );
    expect(found.flags).toEqual({ '--a': 'str' });
  });

  it('with dataclasses gives what HfArgumentParser makes of them', () => {
    const found = read(`
@dataclass
class Arguments(Base):
    # a remark
    r"""
    name: not a field
    """
    model: str
    lr: float = field(default=5e-5, metadata={"help": "its, peak"})
    steps: int = -1
    bf16: Optional[bool] = field(default=None)
    tf32: bool | None = None
    packing: bool = field(
        default=False,
        metadata={"help": "x"},
    )
    shuffle: bool = True
    modules: Optional[list[str]] = None
    kind: Literal["a", "b"] = "a"
    options: dict[str, Any] | str | None = None
    hidden: int = field(default=0, init=False)

    def method(self):
        local: int = 3
`);
    expect(found).toMatchObject({ dashes: true });
    expect(found.flags).toEqual({
      '--model': { required: true },
      '--lr': 'float',
      '--steps': 'int',
      '--bf16': 'bool',
      '--tf32': 'bool',
      '--packing': 'bool?',
      '--shuffle': 'bool?',
      '--no_shuffle': 'flag',
      '--modules': 'str+',
      '--kind': { choices: ['a', 'b'] },
      '--options': 'any',
    });
  });

  it('of several files is one list, and a later file wins', () => {
    const files = [
      'parser.add_argument("--a", type=int)',
      'parser.add_argument("--a", type=float)\nparser.add_argument("--b")',
    ];
    expect(readSource(files.map((text) => ({ name: 'x.py', text }))).flags).toEqual({
      '--a': 'float',
      '--b': 'str',
    });
  });
});

describe("Hydra's configuration", () => {
  it('gives its leaves, an empty map and a list among them', () => {
    const found = read('defaults:\n  - _self_\na:\n  b: 1\n  c: {}\n  d: [1, 2]\ne: null\n', 'config.yaml');
    expect(found).toMatchObject({
      syntax: 'hydra',
      flags: { 'a.b': 'any', 'a.c': 'any', 'a.d': 'any', e: 'any' },
    });
    expect(Object.keys(found.flags)).toHaveLength(4);
  });
});

it('a text without flags is refused, with what is wanted', () => {
  expect(() => read('hello', '-')).toThrow('-: no flags are in it');
});
