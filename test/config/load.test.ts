import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config/load.ts';
import { loadRecipe } from '../../src/config/recipe.ts';
import { UsageError } from '../../src/errors.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'opsctl-config-'));
});
afterAll(() => rm(directory, { recursive: true }));

let files = 0;
async function file(text: string | Buffer): Promise<string> {
  const path = join(directory, `${++files}.yaml`);
  await writeFile(path, text);
  return path;
}

/** What a user reads, with the file's name left out. */
async function problems(text: string | Buffer): Promise<string[]> {
  const path = await file(text);
  const error: unknown = await loadConfig({ cwd: directory, env: {} }, { config: path }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof UsageError)) throw new Error(`expected a UsageError, got ${error}`);
  return error.message.replaceAll(path, 'FILE').split('\n');
}

const profile = (lines: string): string => `profiles:\n  a:\n${lines.replace(/^/gm, '    ')}\n`;

describe('a configuration that is wrong', () => {
  it('is told in full, each problem with line, column, key, value and what is right', async () => {
    const text = profile(
      [
        'accounting: maybe',
        'slurm_version: 22.05',
        'partitions: { gpu: { max_tiem: 1, nodes: 1.5 } }',
        'gpu_request: gress',
        'data_root: data',
        'constructor: 3',
      ].join('\n'),
    );
    expect(await problems(text)).toEqual([
      'FILE:3:17: profiles.a.accounting: expected true or false, found "maybe"',
      'FILE:4:20: profiles.a.slurm_version: expected text, found 22.05: put it in quotes',
      'FILE:5:26: profiles.a.partitions.gpu.max_tiem: there is no such key. Did you mean "max_time"?',
      'FILE:5:46: profiles.a.partitions.gpu.nodes: expected a whole number, found 1.5',
      'FILE:6:18: profiles.a.gpu_request: expected one of gres, gpus-per-node, none, found "gress". Did you mean "gres"?',
      'FILE:7:16: profiles.a.data_root: expected an absolute path, beginning with "/", found "data"',
      expect.stringMatching(/^FILE:8:5: profiles\.a\.constructor: there is no such key\. Known keys: /),
    ]);
  });

  it.each([
    ['a tab', 'profiles:\n\ta: {}\n', /^FILE:2:1: Tabs are not allowed/],
    ['a key that is there twice', 'version: 1\nversion: 1\n', /^FILE:2:1: the key "version" is there twice/],
    ['half a file', 'profiles:\n  a: { cluster: "x\n', /^FILE:\d+:\d+: /],
    ['a list', '- a\n- b\n', /^FILE:1:1: expected keys with values/],
    ['one word', 'hello\n', /^FILE:1:1: expected keys with values/],
    ['several documents', 'version: 1\n---\nversion: 1\n', /^FILE:\d+:\d+: .*document/],
    ['a tag', 'profile: !include x\n', /^FILE:1:10: Unresolved tag/],
    ['another version', 'version: 2\n', /^FILE:1:10: version: expected 1, found 2/],
    ['deep nesting', `profile: ${'['.repeat(50_000)}`, /^FILE/],
    [
      'an alias bomb',
      `a: &a [x,x,x,x,x,x,x,x,x]\n${'bcdefghi'.replace(/./g, (c) => `${c}: &${c} [${`*${String.fromCharCode(c.charCodeAt(0) - 1)},`.repeat(9)}]\n`)}`,
      /alias/,
    ],
    ['binary data', Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1, 0xff]), /^FILE:1: not UTF-8 text/],
    ['a file of 50 MB', Buffer.alloc(50_000_000, 'a'), /^FILE is larger than 1 MB/],
  ])('names the place of %s', async (_, text, message) => {
    expect((await problems(text))[0]).toMatch(message);
  });

  it('takes neither a directory nor a file that is not there', async () => {
    const system = { cwd: directory, env: {} };
    await expect(loadConfig(system, { config: directory })).rejects.toThrow('is a directory');
    await expect(loadConfig(system, { config: join(directory, 'none.yaml') })).rejects.toThrow(
      'there is no configuration file',
    );
  });
});

describe('a configuration', () => {
  it('may have a byte order mark, CRLF line ends, and keys with nothing but comments under them', async () => {
    const path = await file(
      '\ufeffprofiles:\r\n  a:\r\n    partitions:\r\n      # gpu:\r\n    defaults:\r\n',
    );
    const { profile } = await loadConfig({ cwd: directory, env: {} }, { config: path });
    expect(profile).toMatchObject({
      partitions: {},
      defaults: {},
      gpu_request: 'gres',
      network: { socket_ifname: null },
    });
  });

  it('says of each value which line it is from', async () => {
    const path = await file(
      profile(
        'cluster: x\ndefaults:\n  learning-rate: 1e-5\n  name: 007\n  trainer: trl\nphases:\n  sft: { nodes: 4 }\nenvironment: { modules: [cuda, gcc], activate: null }',
      ),
    );
    const config = await loadConfig({ cwd: directory, env: {} }, { config: path });
    expect(config.origin(['cluster'])).toBe(`${path}:3`);
    expect(config.origin(['accounting'])).toBe('default');
    expect(config.defaults).toEqual({
      learning_rate: { value: '1e-5', where: `${path}:5` },
      name: { value: '007', where: `${path}:6` },
      trainer: { value: 'trl', where: `${path}:7` },
    });
    expect(config.phases.sft).toEqual({ nodes: { value: '4', where: `${path}:9` } });
    expect(config.environment).toEqual({ modules: { value: 'cuda gcc', where: `${path}:10` } });
  });

  it('is looked for here, then above, then in the home of configurations', async () => {
    const below = join(directory, 'project', 'src');
    await mkdir(below, { recursive: true });
    await mkdir(join(directory, 'xdg', 'opsctl'), { recursive: true });
    const mine = join(directory, 'xdg', 'opsctl', 'config.yaml');
    const system = { cwd: below, env: { XDG_CONFIG_HOME: join(directory, 'xdg') } };
    expect((await loadConfig({ ...system, env: { HOME: directory } })).path).toBeNull();
    await writeFile(mine, 'version: 1\n');
    expect((await loadConfig(system)).path).toBe(mine);
    const above = join(directory, 'project', 'opsctl.yaml');
    await writeFile(above, 'version: 1\n');
    expect((await loadConfig(system)).path).toBe(above);
  });

  it('uses the profile that was asked for, else the one it names, else its only one', async () => {
    const two = await file('profile: b\nprofiles:\n  a: {}\n  b: {}\n');
    const system = { cwd: directory, env: {} };
    expect((await loadConfig(system, { config: two })).profileName).toBe('b');
    expect((await loadConfig(system, { config: two, profile: 'a' })).profileName).toBe('a');
    const one = await file('profiles:\n  lonely:\n');
    expect((await loadConfig(system, { config: one })).profileName).toBe('lonely');
    const unsaid = await file('profiles: { a: {}, b: {} }\n');
    await expect(loadConfig(system, { config: unsaid })).rejects.toThrow('has several profiles: a, b');
    await expect(loadConfig(system, { config: one, profile: 'lonly' })).rejects.toThrow(
      'Did you mean "lonely"?',
    );
    await expect(loadConfig(system, { config: one, profile: 'constructor' })).rejects.toThrow(
      'there is no profile',
    );
    await expect(
      loadConfig({ cwd: '/nonexistent', env: { HOME: '/nonexistent' } }, { profile: 'x' }),
    ).rejects.toThrow('no configuration file was found');
  });
});

describe('a recipe', () => {
  it('keeps phase and trainer apart from its parameters', async () => {
    const path = await file('phase: sft\ntrainer: xllm\nbatch-size: 8\nquiet: yes\nmodel: null\n');
    expect(await loadRecipe(path)).toEqual({
      path,
      phase: { value: 'sft', where: `${path}:1` },
      trainer: { value: 'xllm', where: `${path}:2` },
      parameters: {
        batch_size: { value: '8', where: `${path}:3` },
        quiet: { value: 'yes', where: `${path}:4` },
        model: { value: null, where: `${path}:5` },
      },
    });
  });

  it('is flat', async () => {
    const path = await file('model:\n  path: x\n');
    await expect(loadRecipe(path)).rejects.toThrow(`${path}:2:3: model: expected one value`);
  });
});
