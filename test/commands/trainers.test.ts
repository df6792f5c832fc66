import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { addVersion, type Request, showAdded } from '../../src/commands/trainers-add.ts';
import { runnable } from '../../src/commands/trainers-runnable.ts';
import { showSignals } from '../../src/commands/trainers-signals.ts';
import type { System } from '../../src/system/system.ts';
import { loadKnowledge } from '../../src/trainer/knowledge.ts';
import { fakeExec, fakeSystem } from '../support/fake-exec.ts';

/** A site with an empty configuration, and a file that holds `text`. */
function site(text: string): { system: System; file: string } {
  const home = mkdtempSync(join(tmpdir(), 'opsctl-trainers-'));
  onTestFinished(() => rmSync(home, { recursive: true }));
  const file = join(home, 'words.txt');
  writeFileSync(file, text);
  const env = { HOME: '/nowhere', XDG_CONFIG_HOME: home };
  return { system: fakeSystem(fakeExec({}).exec, { env, cwd: home }), file };
}

const HELP = readFileSync('test/fixtures/trainers/torchrun-1.13.0.help', 'utf8');

function request(file: string, more: Partial<Request> = {}): Request {
  return { program: 'torchrun', version: '1.13.0', from: [file], source: 'torch 1.13', write: true, ...more };
}

describe('trainers add', () => {
  it('writes a list that the check uses from then on', async () => {
    const { system, file } = site(HELP);
    const added = await addVersion(system, request(file));
    expect(added).toMatchObject({ flags: 20, previous: '2.13.0', written: true });
    const lists = (await loadKnowledge(system.env)).lists('torchrun');
    expect(lists.map(({ version }) => version)).toEqual(['2.13.0', '1.13.0']);
    expect(lists[1]).toMatchObject({ source: 'torch 1.13', positionals: 'script', dashes: false });
  });

  it('takes the types, which --help does not tell, from the version before', async () => {
    const { system, file } = site(HELP);
    await addVersion(system, request(file));
    const [, list] = (await loadKnowledge(system.env)).lists('torchrun');
    expect(list?.flags).toMatchObject({
      '--master_port': 'int',
      '--monitor_interval': 'float',
      '--nnodes': 'str',
    });
  });

  it('shows what is more, what is less and what has probably a new name; a dash for an underscore is no difference', async () => {
    const { system, file } = site(HELP.replaceAll('--standalone', '--stand_alone_'));
    const { difference } = await addVersion(system, request(file, { write: false }));
    expect(difference?.added).toEqual(['--stand_alone_']);
    expect(difference?.renames).toEqual([{ from: '--standalone', to: '--stand_alone_' }]);
    expect(difference?.removed).not.toContain('--master-port');
  });

  it("keeps the versions of the frameworks, and moves the program's own", async () => {
    const { system, file } = site('parser.add_argument("--learning_rate", type=float)');
    await addVersion(system, request(file, { program: 'trl-sft', version: '1.11.0' }));
    const [list] = (await loadKnowledge(system.env)).lists('trl-sft');
    expect(list?.frameworks).toEqual({ trl: '1.11.0', transformers: '5.18.0' });
  });

  it('writes nothing when it is only to be shown', async () => {
    const { system, file } = site(HELP);
    const added = await addVersion(system, request(file, { write: false }));
    expect(showAdded(added)[0]).toBe('torchrun 1.13.0: 20 flags (nothing was written)');
    expect((await loadKnowledge(system.env)).lists('torchrun')).toHaveLength(1);
  });

  it.each([
    ['../torchrun', '1', 'program'],
    ['torchrun', '../1', 'version'],
    ['Torch Run', '1', 'program'],
  ])('refuses %s %s, which is no name for a file', async (program, version, key) => {
    const { system, file } = site(HELP);
    await expect(addVersion(system, request(file, { program, version }))).rejects.toThrow(key);
  });

  it('says which file is not there', async () => {
    const { system } = site('');
    await expect(addVersion(system, request('missing.txt'))).rejects.toThrow('cannot read missing.txt');
  });
});

describe('trainers', () => {
  it('lists every phase with the trainers that run it, their program and a version that is known', async () => {
    const rows = await runnable({ HOME: '/nowhere' });
    expect(rows).toContainEqual({
      trainer: 'trl',
      phase: 'sft',
      stage: null,
      program: 'trl-sft',
      version: '1.10.0.dev0',
      versions: ['1.10.0.dev0'],
      lifecycle: expect.objectContaining({ version: 'transformers 5.18' }),
      lifecycles: [
        { row: expect.objectContaining({ version: 'transformers 5.18' }), versions: ['1.10.0.dev0'] },
        { row: expect.objectContaining({ version: 'transformers 4.38' }), versions: [] },
      ],
      requeue: false,
    });
    for (const { program, version, versions } of rows.filter((row) => row.program !== null)) {
      expect(versions, `${program} ${version}`).toContain(version);
    }
  });

  it('has a row that holds for every version which is known', async () => {
    for (const { program, versions, lifecycles } of await runnable({ HOME: '/nowhere' }))
      if (lifecycles.length > 0)
        expect(lifecycles.flatMap((held) => held.versions).sort(), String(program)).toEqual(
          [...versions].sort(),
        );
  });

  it('has for everything that trains how it is stopped, what it leaves and whether it is requeued', async () => {
    const rows = await runnable({ HOME: '/nowhere' });
    const silent = rows.filter(({ lifecycle }) => lifecycle === null).map(({ phase }) => phase);
    expect([...new Set(silent)]).toEqual(['convert', 'data-clean', 'data-prepare']);
    for (const { lifecycle, requeue, trainer, phase } of rows)
      if (requeue) expect(lifecycle?.checkpoint, `${trainer} ${phase}`).toBeDefined();
    const text = showSignals(rows).join('\n');
    expect(text).toContain(
      [
        'megatron: pretrain, cpt (read from Megatron-LM d98e8a6)',
        '  holds for   d98e8a6, and every other one with --exit-signal-handler',
        '  signal      TERM to every process of the step, 600 s before the time limit',
        '  launcher    waits 540 s for its workers (TORCH_ELASTIC_SHUTDOWN_TIMEOUT)',
        '  checkpoint  iter_N; complete up to the step in latest_checkpointed_iteration.txt',
        '  resume      it continues from the newest checkpoint that its tracker file names.',
        '  requeue     yes',
      ].join('\n'),
    );
    // One block for all programs of a trainer that behave alike, and one for each that does not.
    expect(text.match(/^openrlhf: .*$/gm)).toEqual([
      'openrlhf: sft, dpo, reward (read from OpenRLHF 0.11)',
      'openrlhf: ppo (read from OpenRLHF 0.11)',
    ]);
  });
});
