import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startSandbox, type TestSandbox, until } from './support.ts';

// The environments that a profile or a run may name, on a real Slurm of two nodes: the virtual environments, the Python in them
// and the modules are real. This machine can have no conda, no apptainer and no pyxis: stand-ins/ and `conda` below say what
// they do of them. The trainer's launcher is a module that notes how it was started.
let slurm: TestSandbox;

const LAUNCHER = `# A stand-in for torch.distributed.run: notes how it was started, and ends as it is told.
import json, os, sys
note = os.path.join(os.environ["RECORDS"], os.environ["SLURM_JOB_NAME"] + "." + os.environ["SLURM_NODEID"])
with open(note, "w") as file:
    json.dump({"prefix": sys.prefix, "cwd": os.getcwd(), "argv": sys.argv, "env": dict(os.environ)}, file)
sys.exit(int(os.environ.get("ENDS_WITH", "0")) if os.environ["SLURM_NODEID"] == "1" else 0)
`;
/** What \`conda shell.bash hook\` prints, as far as it matters here: a function that puts an environment first. */
const CONDA = `#!/bin/bash
# A stand-in for conda.
[[ "$*" == "shell.bash hook" ]] || exit 99
cat <<'HOOK'
conda() { [[ $1 == activate && -d $ENVIRONMENTS/$2 ]] && export CONDA_DEFAULT_ENV=$2 PATH=$ENVIRONMENTS/$2/bin:$PATH; }
HOOK
`;
const NODES = 2;

interface Noted {
  readonly prefix: string;
  readonly cwd: string;
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const path = (...parts: string[]) => join(slurm.root, ...parts);
const noted = (name: string): readonly Noted[] =>
  Array.from({ length: NODES }, (_, node) =>
    JSON.parse(readFileSync(path('records', `${name}.${node}`), 'utf8')),
  );
const log = (name: string) => readFileSync(path('runs', name, 'logs', 'job.log'), 'utf8');

/** A virtual environment that has the launcher, and nothing that Debian's own Python would find. */
function environment(...parts: string[]): void {
  const made = spawnSync('/usr/bin/python3', ['-m', 'venv', '--without-pip', path(...parts)]);
  expect(made.status, String(made.stderr)).toBe(0);
  const version = spawnSync(path(...parts, 'bin', 'python3'), [
    '-c',
    'import sys; print("python%d.%d" % sys.version_info[:2])',
  ]);
  putLauncher(path(...parts, 'lib', String(version.stdout).trim(), 'site-packages'));
}
function putLauncher(directory: string): void {
  mkdirSync(join(directory, 'torch', 'distributed'), { recursive: true });
  for (const name of ['torch', 'torch/distributed']) writeFileSync(join(directory, name, '__init__.py'), '');
  writeFileSync(join(directory, 'torch', 'distributed', 'run.py'), LAUNCHER);
}
function program(name: string, text: string): void {
  writeFileSync(path('bin', name), text);
  chmodSync(path('bin', name), 0o755);
}

const CASES: readonly (readonly [
  string,
  Readonly<Record<string, string>>,
  Readonly<Record<string, string>>?,
])[] = [
  ['venv', { venv: "envs/it's mine" }],
  ['uv', { uv_project: 'project' }],
  ['conda', { conda_env: 'trainer' }],
  ['modules', {}, { OPSCTL_CONFIG: 'modules.yaml' }],
  ['no-module', { modules: 'launcher/2.0' }],
  ['apptainer', { container_image: 'image one', container_runtime: 'apptainer', container_mounts: '/opt' }],
  ['pyxis', { container_image: 'image one' }],
  ['venv-fails', { venv: "envs/it's mine" }, { ENDS_WITH: '7' }],
  ['apptainer-fails', { container_image: 'image one', container_runtime: 'apptainer' }, { ENDS_WITH: '7' }],
  ['pyxis-fails', { container_image: 'image one' }, { ENDS_WITH: '7' }],
];
const PATHS = new Set(['venv', 'uv_project', 'container_image']);

beforeAll(async () => {
  slurm = await startSandbox(['--nodes', '8']);
  for (const name of ['records', 'bin', 'data', 'modulefiles']) mkdirSync(path(name));
  writeFileSync(path('data', 'x.jsonl'), '{"id": "1", "data": ["a", "b"]}\n');
  writeFileSync(path('secrets'), 'export WANDB_API_KEY=of-the-file\n', { mode: 0o600 });
  environment('envs', "it's mine");
  environment('envs', 'trainer');
  environment('project', '.venv');
  environment('image one');
  writeFileSync(
    path('image one', 'environment'),
    'HF_HOME=/of/the/image\nMASTER_ADDR=image\nOWN=of the image\n',
  );
  putLauncher(path('of-a-module'));
  const files = {
    'launcher/1.0': `prepend-path PYTHONPATH ${path('of-a-module')}`,
    extra: 'setenv OWN {of a module}',
  };
  for (const [name, line] of Object.entries(files)) {
    mkdirSync(join(path('modulefiles', name), '..'), { recursive: true });
    writeFileSync(path('modulefiles', name), `#%Module\n${line}\n`);
  }
  program('conda', CONDA);
  for (const name of ['apptainer', 'srun'])
    cpSync(join(import.meta.dirname, 'stand-ins', 'containers', name), path('bin', name));
  // What holds for the whole cluster stands in its profile.
  const profile = `container: pyxis, secrets_file: ${path('secrets')}`;
  writeFileSync(path('opsctl.yaml'), `profiles: { here: { ${profile} } }\n`);
  const modules = 'environment: { modules: [launcher/1.0, extra] }';
  writeFileSync(path('modules.yaml'), `profiles: { here: { ${profile}, ${modules} } }\n`);
  const env = {
    PATH: `${path('bin')}:${process.env.PATH}`,
    RECORDS: path('records'),
    ENVIRONMENTS: path('envs'),
    MODULEPATH: path('modulefiles'),
    OF_THE_USER: 'a "b" $c',
  };
  for (const [name, values, more] of CASES) {
    const words = Object.entries(values).flatMap(([key, value]) => [
      '--set',
      `${key}=${PATHS.has(key) ? path(value) : value}`,
    ]);
    const fixed = {
      data: path('data'),
      output: path('runs'),
      name,
      time: '5:00',
      gate: 'off',
    };
    const set = Object.entries({ ...fixed, nodes: NODES }).flatMap(([key, value]) => [
      '--set',
      `${key}=${value}`,
    ]);
    const argv = ['submit', 'sft', '-t', 'example', ...set, ...words, '--no-preflight', '--again'];
    const { code, stderr } = await slurm.opsctl(argv, { env: { ...env, ...more } });
    expect(code, `${name}: ${stderr}`).toBe(0);
  }
  await until(
    'all jobs end',
    async () => (await slurm.slurm(['squeue', '--noheader', '--format=%j'])).stdout.trim() === '',
    120_000,
  );
}, 200_000);
afterAll(() => slurm?.down());

describe('a run in an environment', () => {
  it.each([
    ['venv', "envs/it's mine"],
    ['uv', 'project/.venv'],
    ['conda', 'envs/trainer'],
    ['apptainer', 'image one'],
    ['pyxis', 'image one'],
  ])('%s has its Python on every node', (name, directory) => {
    for (const { prefix } of noted(name)) expect(prefix, log(name)).toBe(path(directory));
  });

  it.each(CASES.filter(([name]) => !name.endsWith('fails') && name !== 'no-module').map(([name]) => name))(
    '%s has its directory, its variables and those of the user, and ends as its launcher does',
    (name) => {
      expect(log(name)).toContain('attempt 0 ended with exit code 0');
      const nodes = noted(name);
      const { MASTER_ADDR, MASTER_PORT } = nodes[0]?.env ?? {};
      expect(Number(MASTER_PORT)).toBeGreaterThan(12_000);
      for (const [node, { cwd, argv, env }] of nodes.entries()) {
        expect(cwd).toBe(path('runs', name));
        expect(argv.slice(argv.indexOf('--node_rank'))[1]).toBe(String(node));
        expect(env).toMatchObject({
          MASTER_ADDR,
          MASTER_PORT,
          RUN_DIR: path('runs', name),
          ATTEMPT_DIR: path('runs', name, 'logs', 'attempt-0'),
          WANDB_API_KEY: 'of-the-file',
          OF_THE_USER: 'a "b" $c',
          TOKENIZERS_PARALLELISM: 'false',
          HF_DATASETS_CACHE: path('runs', name, 'cache', 'datasets'),
        });
      }
    },
  );

  it.each(CASES.filter(([name]) => name.endsWith('fails')).map(([name]) => name))(
    '%s: the exit code of one node is the job’s',
    (name) => {
      expect(log(name)).toContain('attempt 0 ended with exit code 7');
      const attempt = JSON.parse(readFileSync(path('runs', name, 'attempts', '0.json'), 'utf8'));
      expect(attempt).toMatchObject({ exitCode: 7, reason: 'failed', requeued: false });
    },
  );

  it('finds what its modules have set, and keeps the user’s PATH', () => {
    for (const { env } of noted('modules')) {
      expect(env.OWN).toBe('of a module');
      expect(env.PYTHONPATH).toContain(path('of-a-module'));
      expect(env.PATH?.split(':')).toContain(path('bin'));
      expect(env.LOADEDMODULES).toBe('launcher/1.0:extra');
    }
  });

  it('ends at once, and says where, when a module is not there', () => {
    expect(log('no-module')).toMatch(/the module launcher\/2\.0 cannot be loaded on gnode0\d/);
    expect(log('no-module')).toContain('attempt 0 ended with exit code 127');
  });

  it('is given by apptainer what it reads and writes, under the same paths', () => {
    for (let node = 0; node < NODES; node++) {
      const words = readFileSync(path('records', `apptainer.${node}.container`), 'utf8').split('\n');
      const binds = words.filter((_, at) => words[at - 1] === '--bind');
      expect(binds).toEqual(
        expect.arrayContaining([path('runs', 'apptainer'), path('data'), path('secrets'), '/opt']),
      );
      expect(words[words.indexOf('--pwd') + 1]).toBe(path('runs', 'apptainer'));
      expect(words).toContain(path('image one'));
    }
  });

  it('is given by pyxis the same, and the image’s variables where the job does not name its own', () => {
    const words = readFileSync(path('records', 'pyxis.container'), 'utf8');
    for (const mount of [path('runs', 'pyxis'), path('data'), path('secrets')])
      expect(words).toContain(`${mount}:${mount}`);
    for (const { env } of noted('pyxis')) {
      expect(env.OWN).toBe('of the image');
      expect(env.HF_HOME).not.toBe('/of/the/image');
    }
  });
});
