import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { redactDiff } from '../../src/run/redact-diff.ts';
import { effort } from '../support/effort.ts';

const KEY = 'Zq3rT9wL0vXy';
const HEX = '0123456789abcdef0123456789abcdef01234567';

function diffOf(file: string, ...lines: string[]): string {
  return [
    `diff --git a/${file} b/${file}`,
    'index 1111111..2222222 100644',
    `--- a/${file}`,
    `+++ b/${file}`,
    '@@ -1 +1 @@ secret: of nobody',
    ...lines,
    '',
  ].join('\n');
}

describe('redactDiff', () => {
  it.each([
    ['run.sh', `export AWS_SECRET_ACCESS_KEY=${KEY}/K7+b=`],
    ['run.sh', `WANDB_API_KEY=${HEX} python train.py`],
    ['run.sh', `trl sft --hub_token ${KEY} --push_to_hub`],
    ['run.sh', `trl sft --hub-token=${KEY}`],
    ['run.sh', `export HF_TOKEN="${KEY} with words"`],
    ['run.sh', `wandb login ${HEX}`],
    ['.env', `password = ${KEY}`],
    ['.netrc', `machine api.wandb.ai login user password ${KEY}`],
    ['Dockerfile', `ENV WANDB_API_KEY ${KEY}`],
    ['conf.yaml', `hub_token: ${KEY}`],
    ['conf.yaml', `passphrase: correct ${KEY} staple`],
    ['conf.json', `  "api_key": "${KEY}",`],
    ['train.py', `password = "${KEY}"`],
    ['train.py', `os.environ["WANDB_API_KEY"] = '${KEY}'`],
    ['train.py', `os.environ.setdefault("HF_TOKEN", "${KEY}")`],
    ['train.py', `def get(api_key: str | None = "${KEY}"):`],
    ['train.py', `if password == "${KEY}":`],
    ['train.py', `login(token=r"${KEY}")`],
    ['train.py', `os.system("export HF_TOKEN=${KEY}; wandb login")`],
    ['train.py', `wandb.login(key="${HEX}")`],
    ['notebook.ipynb', `    "api_key = \\"${KEY}\\"\\n",`],
  ])('takes the value of a key out of %s: %s', (file, line) => {
    for (const mark of '+- ') {
      const text = redactDiff(diffOf(file, `${mark}${line}`));
      expect(text).not.toContain(KEY);
      expect(text).not.toContain(HEX);
      expect(text).toContain('[secret]');
    }
  });

  it.each([
    ['train.py', 'next_token = logits.argmax(dim=-1)'],
    ['train.py', 'for token in tokens: loss[token] = 0'],
    ['train.py', 'token = os.environ["HF_TOKEN"]'],
    ['train.py', 'tokenizer.pad_token = "<pad>"'],
    ['train.py', 'def sample(token: int, max_tokens: int = 5):'],
    ['train.py', `model = load("base", revision="${HEX}")`],
    ['run.sh', 'export HF_TOKEN=$(cat ~/.token)'],
    ['run.sh', 'WANDB_API_KEY=${WANDB_API_KEY:-} python train.py'],
    ['run.sh', 'trl sft --max_tokens 4096 --hub_token "$HF_TOKEN"'],
    ['conf.yaml', 'api_key: null'],
    ['conf.yaml', 'hub_token: <your token>  # fill in'],
    ['conf.yaml', 'max_new_tokens: 100'],
    ['conf.json', '  "token": 12,'],
  ])('leaves what is no key as it is, in %s: %s', (file, line) => {
    expect(redactDiff(diffOf(file, `+${line}`))).toBe(diffOf(file, `+${line}`));
  });

  it('takes out the whole of a private key', () => {
    const lines = [
      '+-----BEGIN OPENSSH PRIVATE KEY-----',
      `+${KEY}`,
      `+${KEY}`,
      '+-----END OPENSSH PRIVATE KEY-----',
    ];
    const text = redactDiff(diffOf('id', ...lines, '+after'));
    expect(text).not.toContain(KEY);
    expect(text).toContain('+after');
  });

  it('judges each file by its own name, whatever the lines of another look like', () => {
    const text = redactDiff(
      `${diffOf('a.py', '+token = pick(x)')}${diffOf('a.env', '+++ b/x.py', `+token = ${KEY}`)}`,
    );
    expect(text).toContain('token = pick(x)');
    expect(text).not.toContain(KEY);
  });

  it('is done with long lines in no time, and never loses or adds a line', () => {
    const piece = fc.constantFrom(
      'password',
      '=',
      ' ',
      '"',
      "'",
      ':',
      '\\',
      'a',
      '-',
      '.',
      '_',
      '[',
      ']',
      'token',
      '--',
      '$',
    );
    const line = fc.array(piece, { maxLength: 300 }).map((pieces) => pieces.join(''));
    fc.assert(
      fc.property(fc.array(line, { maxLength: 5 }), fc.constantFrom('a.py', 'a.sh'), (lines, file) => {
        const diff = diffOf(file, ...lines.map((each) => `+${each}`));
        expect(redactDiff(diff).split('\n')).toHaveLength(diff.split('\n').length);
      }),
    );
    for (const unit of [
      'password',
      'password=',
      '"password" ',
      '--token ',
      'token: ',
      "token='",
      'A_TOKEN=',
      '-',
    ]) {
      const diff = diffOf('a.sh', `+${unit.repeat(20_000)}`);
      expect(
        effort(() => redactDiff(diff)),
        unit,
      ).toBeLessThan(2_000);
    }
  });
});
