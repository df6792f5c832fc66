import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { run, temporaryDirectory } from './support.ts';

let place: string;
let opsctl: string;

beforeAll(async () => {
  place = temporaryDirectory();
  const packed = await run(['npm', 'pack', '--silent', '--pack-destination', place]);
  expect(packed, packed.stderr).toMatchObject({ code: 0 });
  const tarball = readdirSync(place).find((name) => name.endsWith('.tgz')) ?? '';
  // Offline: the package has to bring everything along.
  const installed = await run(
    ['npm', 'install', '--offline', '--global', '--prefix', join(place, 'prefix'), join(place, tarball)],
    { timeoutMs: 120_000 },
  );
  expect(installed, installed.stderr).toMatchObject({ code: 0 });
  opsctl = join(place, 'prefix', 'bin', 'opsctl');
});
afterAll(() => rmSync(place, { recursive: true, force: true }));

describe('the package, installed globally without a network', () => {
  it('knows its version and its commands', async () => {
    expect((await run([opsctl, '--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
    expect((await run([opsctl, '--help'])).stdout).toContain('opsctl submit <phase>');
  });

  it('renders a script from its templates, from a directory of its own', async () => {
    const { code, stdout } = await run(
      [opsctl, 'render', 'sft', '-t', 'example', '--data', '/d', '--output', '/r'],
      { cwd: place },
    );
    expect(code).toBe(0);
    expect(stdout).toContain(
      join(place, 'prefix', 'lib', 'node_modules', 'opsctl', 'examples', 'lm', 'train.py'),
    );
  });

  it('takes a template that a site has added, without a build', async () => {
    const trainer = join(place, 'config', 'opsctl', 'templates', 'trainers', 'house');
    mkdirSync(trainer, { recursive: true });
    writeFileSync(
      join(trainer, 'sft.hbs'),
      '---\ntitle: Trainer house\nphases: [sft]\nparameters:\n  beta: { type: float, default: 0.5, help: A number }\n---\n' +
        '{{#*inline "launch"}}\n  exec house-trainer {{sh model}} {{beta}}\n{{/inline}}\n{{> phase}}\n',
    );
    const env = { XDG_CONFIG_HOME: join(place, 'config') };
    const options = [
      'render',
      'sft',
      '-t',
      'house',
      '--model',
      'a b',
      '--data',
      '/d',
      '--output',
      '/r',
      '--beta',
      '2',
    ];
    const { stdout, stderr } = await run([opsctl, ...options], { env });
    expect(stdout, stderr).toContain("exec house-trainer 'a b' 2");
  });

  it('names the file and the place when that template is broken', async () => {
    const trainer = join(place, 'config', 'opsctl', 'templates', 'trainers', 'broken');
    mkdirSync(trainer, { recursive: true });
    writeFileSync(
      join(trainer, 'sft.hbs'),
      '---\ntitle: B\nphases: [sft]\nparamters: {}\n---\n{{> phase}}\n',
    );
    const { code, stderr } = await run(
      [opsctl, 'render', 'sft', '-t', 'broken', '--model', 'm', '--data', '/d', '--output', '/r'],
      {
        env: { XDG_CONFIG_HOME: join(place, 'config') },
      },
    );
    expect(code).toBe(64);
    expect(stderr).toContain('broken/sft.hbs');
    expect(stderr).toContain('paramters');
  });
});
