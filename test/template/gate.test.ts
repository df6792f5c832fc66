import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { planOf } from '../support/plan.ts';

// The whole rendered script runs in bash. Stand-ins for Slurm's programs: srun runs what it is given once a node, or says
// what the test has found for a node; scontrol and sinfo know a small partition.
let place: string;
const SHM = 'critical\tNODE\tshm\t12 MiB free in /dev/shm, of 64000\topsctl runbook show shm-exhausted\n';
const PATHS = 'critical\tNODE\tpaths\tnot readable here: /data/x (missing)\tls -ld PATH\n';

function standIn(name: string, body: string): void {
  const path = join(place, 'bin', name);
  writeFileSync(path, `#!/bin/bash\n${body}\n`);
  chmodSync(path, 0o755);
}

beforeAll(() => {
  place = mkdtempSync(join(tmpdir(), 'opsctl-gate-'));
  mkdirSync(join(place, 'bin'));
  standIn(
    'srun',
    `echo "srun $*" >>"$SAID"
while [[ $1 == --* ]]; do shift; done
[[ \${SLURM_STDINMODE:-} != none ]] || exec </dev/null
[[ \${SLURM_STDOUTMODE:-} != none ]] || exec >/dev/null
[[ -z \${SLURM_LABELIO:-} ]] || exec > >(sed 's/^/0: /')
text=$(cat)
if [[ $text != *gate_on_node* ]]; then echo trained >>"$SAID"; exit; fi
for node in $NODES; do
  [[ ! -e $FOUND/$node.silent ]] || continue
  if [[ -e $FOUND/$node ]]; then
    sed "s/NODE/$node/" "$FOUND/$node"
    printf 'end\\t%s\\n' "$node"
  else
    SLURM_NODEID=0 SLURMD_NODENAME=$node bash -s <<<"$text"
  fi
done
[[ ! -e $FOUND/fails ]] || exit "$(cat "$FOUND/fails")"`,
  );
  standIn(
    'scontrol',
    `case "$1 $2" in
'show hostnames') tr ' ,' '\\n\\n' <<<"$3" ;;
'--oneliner show') echo "JobId=7 JobState=RUNNING ExcNodeList=\${EXCLUDED:-(null)} EndTime=2026-01-01T00:00:00" ;;
*) echo "scontrol $*" >>"$SAID" ;;
esac`,
  );
  standIn('sinfo', '[[ -n $PARTITION ]] || exit 1\nprintf "%s\\n" "$PARTITION"');
  standIn('getent', 'exit 0');
});
afterAll(() => rmSync(place, { recursive: true, force: true }));

const FOUR = 'gnode01 mix\ngnode02 mix\ngnode03 idle\ngnode04 idle\ngnode05 down*\ngnode06 drain';
let runs = 0;

/** Runs an attempt of a training on these nodes. `found`: what a node says; null: it says nothing. */
async function attempt(
  nodes: readonly string[],
  found: Readonly<Record<string, string | null>>,
  more: {
    values?: Record<string, unknown>;
    env?: Record<string, string>;
    dir?: string;
    trainer?: string;
    /** What becomes of the gate's text on the way. */
    gate?: (script: string) => string | undefined;
  } = {},
) {
  const dir = more.dir ?? join(place, `run-${runs++}`);
  for (const name of ['found', 'data', 'runs/run']) mkdirSync(join(dir, name), { recursive: true });
  for (const [node, text] of Object.entries(found))
    writeFileSync(join(dir, 'found', text === null ? `${node}.silent` : node), text ?? '');
  const said = join(dir, 'said');
  writeFileSync(said, '');
  const { script, outputDir, gate } = await planOf(more.trainer ?? 'example', {
    data: join(dir, 'data'),
    output: join(dir, 'runs'),
    name: 'run',
    nodes: nodes.length,
    ...more.values,
  });
  const text = (more.gate ?? ((same) => same))(gate?.script ?? '');
  if (gate && text !== undefined) writeFileSync(gate.path, text);
  const result = spawnSync('bash', ['-s'], {
    input: script,
    encoding: 'utf8',
    timeout: 30_000,
    env: {
      PATH: `${join(place, 'bin')}:/usr/bin:/bin`,
      HOME: place,
      SLURM_JOB_ID: '7',
      SLURM_JOB_NODELIST: nodes.join(','),
      SLURM_JOB_NUM_NODES: String(nodes.length),
      SLURM_NNODES: String(nodes.length),
      SLURM_JOB_PARTITION: 'gpu',
      SLURMD_NODENAME: nodes[0],
      NODES: nodes.join(' '),
      PARTITION: FOUR,
      FOUND: join(dir, 'found'),
      SAID: said,
      ...more.env,
    },
  });
  const records = execFileSync('bash', ['-c', `cat ${outputDir}/attempts/*.json | tail -n 1`]);
  return {
    dir,
    code: result.status,
    log: result.stdout + result.stderr,
    said: readFileSync(said, 'utf8'),
    record: JSON.parse(String(records)) as Record<string, unknown>,
  };
}
const TWO = ['gnode01', 'gnode02'];

describe('the gate of a batch script', () => {
  it('lets a run begin whose nodes are fit, after one srun', async () => {
    const { code, said, log, record } = await attempt(TWO, { gnode01: '', gnode02: '' });
    expect(code, log).toBe(0);
    expect(said.match(/^srun/gm)).toHaveLength(2);
    expect(said).toContain('trained');
    expect(log).toContain('gate: 2 of 2 nodes have answered');
    expect(record).toMatchObject({ exitCode: 0, reason: 'finished', refused: [], because: '' });
  });

  it.each(['SLURM_STDINMODE=none', 'SLURM_STDOUTMODE=none', 'SLURM_LABELIO=1'])(
    'hears every node though the job has %s, which is for other steps',
    async (setting) => {
      const [name = '', value = ''] = setting.split('=');
      const { log } = await attempt(TWO, {}, { env: { [name]: value } });
      expect(log).toContain('gate: 2 of 2 nodes have answered');
    },
  );

  it('leaves out the one node that is bad, and requeues', async () => {
    const { said, log, record } = await attempt(TWO, { gnode01: '', gnode02: SHM });
    expect(log).toContain(
      'gate: critical on gnode02: shm: 12 MiB free in /dev/shm, of 64000 [opsctl runbook show shm-exhausted]',
    );
    expect(said).toContain('scontrol requeue 7');
    expect(said).toContain('scontrol update JobId=7 ExcNodeList=gnode02');
    expect(said).not.toContain('trained');
    expect(record).toMatchObject({
      reason: 'gate',
      requeued: true,
      refused: ['gnode02'],
      because: 'shm: 12 MiB free in /dev/shm, of 64000 [opsctl runbook show shm-exhausted]',
      exitCode: 75,
    });
  });

  it('leaves out one node that does not see what the others see', async () => {
    const { said, record } = await attempt(TWO, { gnode01: PATHS, gnode02: '' });
    expect(said).toContain('scontrol update JobId=7 ExcNodeList=gnode01');
    expect(record).toMatchObject({ requeued: true, refused: ['gnode01'] });
  });

  it('stops without a requeue when every node shows the same, with the fix', async () => {
    for (const found of [SHM, PATHS]) {
      const { code, said, log, record } = await attempt(TWO, { gnode01: found, gnode02: found });
      const [, , check, message, fix] = found.trim().split('\t');
      expect(code).toBe(2);
      expect(log).toContain(`gate: critical on all 2 nodes: ${check}: ${message} [${fix}]`);
      expect(log).toContain(`gate: stopped: every node shows it: ${check}: ${message} [${fix}]`);
      expect(said).not.toMatch(/requeue|trained/);
      expect(record).toMatchObject({ reason: 'gate', requeued: false, exitCode: 2, refused: TWO });
    }
  });

  it('stops when each node has something else', async () => {
    const { code, said, log } = await attempt(TWO, { gnode01: SHM, gnode02: PATHS });
    expect(code).toBe(2);
    expect(log).toContain('gate: stopped: each node fails a check');
    expect(said).not.toMatch(/requeue|trained/);
  });

  it('goes on over warnings and what is not known, and says them', async () => {
    const words =
      'warning\tNODE\tlimits\tfew\tulimit\n' +
      'unknown\tNODE\tgpu\tno answer in time\t-\n'.replace('NODE', 'gnode01');
    const { code, said, log } = await attempt(TWO, { gnode01: words, gnode02: '' });
    expect(code, log).toBe(0);
    expect(said).toContain('trained');
    expect(log).toContain('gate: warning on gnode01: limits: few [ulimit]\n');
    expect(log).toContain('gate: unknown on gnode01: gpu: no answer in time\n');
  });

  it('does not hold silence against a node, or against all of them', async () => {
    const one = await attempt(TWO, { gnode01: '', gnode02: null });
    expect(one.code, one.log).toBe(0);
    expect(one.log).toContain('gate: unknown on gnode02: gate: no answer, srun ended with 0\n');
    expect(one.said).toContain('trained');
    const all = await attempt(TWO, { gnode01: null, gnode02: null, fails: '1' });
    expect(all.code, all.log).toBe(0);
    expect(all.log).toContain('gate: unknown on all 2 nodes: gate: no answer, srun ended with 1\n');
    expect(all.said).toContain('trained');
    const late = await attempt(TWO, { gnode01: '', gnode02: null, fails: '124' });
    expect(late.code, late.log).toBe(0);
    expect(late.log).toContain('gate: unknown on gnode02: gate: no answer within 60 s\n');
  });

  it('stops when the partition would not have enough nodes left', async () => {
    const four = ['gnode01', 'gnode02', 'gnode03', 'gnode04'];
    const found = { gnode01: '', gnode02: SHM, gnode03: '', gnode04: '' };
    const { code, said, log, record } = await attempt(four, found);
    expect(code).toBe(2);
    const why = 'gnode02 cannot be used, and without it the partition gpu has 3 of the 4 nodes';
    expect(log).toContain(`gate: stopped: ${why}`);
    expect(record).toMatchObject({ because: expect.stringContaining(why), refused: ['gnode02'] });
    expect(said).not.toMatch(/requeue|trained/);
  });

  it('counts out the nodes that the job avoids already', async () => {
    const three = ['gnode01', 'gnode02', 'gnode03'];
    const bad = { gnode01: SHM, gnode02: '', gnode03: '' };
    expect((await attempt(three, bad)).said).toContain('requeue');
    const { code, log } = await attempt(three, bad, { env: { EXCLUDED: 'gnode04' } });
    expect(code).toBe(2);
    expect(log).toContain('has 2 of the 3 nodes');
  });

  it('stops when how many nodes are left is not known, or the nodes were chosen by name', async () => {
    const bad = { gnode01: '', gnode02: SHM };
    expect(await attempt(TWO, bad, { env: { PARTITION: '' } })).toMatchObject({
      code: 2,
      log: expect.stringContaining('sinfo did not say'),
    });
    for (const [name, value, says] of [
      ['nodelist', 'gnode[01-02]', 'the run is to have the nodes gnode[01-02]'],
      ['reservation', 'maint', 'if the reservation has other nodes: --exclude gnode02'],
    ] as const) {
      const { code, log, said } = await attempt(TWO, bad, { values: { [name]: value } });
      expect(code).toBe(2);
      expect(log).toContain(says);
      expect(said).not.toMatch(/scontrol requeue|trained/);
    }
  });

  it('stops when the budget of requeues is used up', async () => {
    const bad = { gnode01: '', gnode02: SHM };
    const { code, said, log, record } = await attempt(TWO, bad, { values: { max_requeues: 0 } });
    expect(code).toBe(2);
    expect(log).toContain('max_requeues is 0');
    expect(log).toContain('gate: stopped: gnode02 cannot be used, and the job was not requeued: shm:');
    expect(said).not.toMatch(/scontrol requeue|trained/);
    expect(record).toMatchObject({ reason: 'gate', requeued: false, exitCode: 2 });
  });

  it("asks one node's fault on another node first, and takes it for the run's when that shows it too", async () => {
    const first = await attempt(['gnode01'], { gnode01: SHM });
    expect(first.said).toContain('ExcNodeList=gnode01');
    const again = { dir: first.dir, env: { SLURM_RESTART_COUNT: '1' } };
    // The same node once more says nothing new.
    expect((await attempt(['gnode01'], { gnode01: SHM }, again)).said).toContain('ExcNodeList=gnode01');
    expect(await attempt(['gnode02'], { gnode02: SHM }, again)).toMatchObject({
      code: 2,
      log: expect.stringContaining('every node shows it: shm:'),
    });
  });

  it('takes what is missing on the only node for the run itself', async () => {
    const { code, said } = await attempt(['gnode01'], { gnode01: PATHS });
    expect(code).toBe(2);
    expect(said).not.toMatch(/scontrol requeue|trained/);
  });

  it('only reports, or does not ask at all, when told so', async () => {
    const bad = { gnode01: SHM, gnode02: SHM };
    const report = await attempt(TWO, bad, { values: { gate: 'report' } });
    expect(report).toMatchObject({ code: 0, log: expect.stringContaining('critical on all 2 nodes: shm') });
    expect(report.said).toContain('trained');
    const off = await attempt(TWO, bad, { values: { gate: 'off' } });
    expect(off).toMatchObject({ code: 0, log: expect.not.stringContaining('gate') });
  });

  it.each([
    ['is not there', () => undefined, 'so the nodes are not asked'],
    ['is empty', () => '', 'so the nodes are not asked'],
    [
      'was cut off',
      (text: string) => text.slice(0, text.length / 2),
      'unknown on all 2 nodes: gate: no answer',
    ],
  ])('goes on with a warning when its file %s', async (_, gate, says) => {
    const { code, said, log } = await attempt(TWO, {}, { gate });
    expect(code, log).toBe(0);
    expect(log).toContain(says);
    expect(said).toContain('trained');
  });

  it('shows control characters and words of bash in a finding as nothing but text', async () => {
    const odd = 'critical\tgnode01\tpaths\t$(touch canary) `x` ]} "\\\'\tfix $HOME\n';
    const { log, dir, record } = await attempt(TWO, { gnode01: odd, gnode02: '' });
    expect(log).toContain('gate: critical on gnode01: paths: $(touch canary) `x` ]} "\\\' [fix $HOME]');
    expect(record.because).toBe('paths: $(touch canary) `x` ]} "\\\' [fix $HOME]');
    expect(existsSync(join(dir, 'runs', 'run', 'canary'))).toBe(false);
  });
});

describe("the gate's checks on a node", () => {
  it('find nothing against nodes that are fit', async () => {
    const { code, log, said } = await attempt(TWO, {});
    expect(code, log).toBe(0);
    expect(log).toMatch(/gate: 2 of 2 nodes have answered, in \d s/);
    expect(log).not.toMatch(/gate: critical|no answer/);
    expect(said).toContain('trained');
  });

  it('say what is missing, and never run what a path is called', async () => {
    const data = join(place, 'it\'s $(touch canary) "x"');
    const { code, log } = await attempt(TWO, {}, { values: { data } });
    expect(code, log).toBe(2);
    expect(log).toContain(`critical on all 2 nodes: paths: not readable here: ${data} (missing)`);
    expect(existsSync('canary')).toBe(false);
  });

  it('name an environment that cannot be set up, and leave no temporary directory', async () => {
    const root = join(place, 'root');
    const { code, log } = await attempt(TWO, {}, { values: { python: 'no-such-python', data_root: root } });
    expect(code).toBe(2);
    expect(log).toContain('there is no no-such-python on gnode01');
    expect(log).toContain('critical on all 2 nodes: environment: it cannot be set up');
    const fit = await attempt(TWO, {}, { values: { data_root: root } });
    expect(fit.code, fit.log).toBe(0);
    expect(execFileSync('find', [root, '-path', `${root}/*/tmp/*`], { encoding: 'utf8' })).toBe('');
  });

  it('look at the key of wandb where the launcher would find it', async () => {
    const run = async (key: string) => {
      const secrets = join(place, `secrets-${key}`);
      writeFileSync(secrets, `export WANDB_API_KEY=${key}\n`, { mode: 0o600 });
      const values = {
        model: place,
        report_to: 'wandb',
        secrets_file: secrets,
        gate: 'report',
        gpus_per_node: 0,
        python: 'python3',
      };
      return (await attempt(['gnode01'], {}, { trainer: 'trl', values })).log;
    };
    expect(await run('a'.repeat(40))).not.toContain('wandb:');
    const log = await run('short');
    expect(log).toContain('wandb: what stands in WANDB_API_KEY has not the shape of a wandb key');
    expect(log).not.toContain('short');
  });

  it('end within ten seconds when a probe hangs and will not be told', async () => {
    const hang = (text: string) =>
      text.replace(/^probe_host\(\) \{\n/m, "$&trap '' TERM\nwhile :; do sleep 60; done\n");
    const seconds = async (run: () => ReturnType<typeof attempt>) => {
      const begin = Date.now();
      return { ...(await run()), took: (Date.now() - begin) / 1000 };
    };
    const well = await seconds(() => attempt(['gnode01'], {}));
    const { code, log, said, took } = await seconds(() => attempt(['gnode01'], {}, { gate: hang }));
    expect(code, log).toBe(0);
    expect(log).toContain('gate: unknown on gnode01: host: no answer in time');
    // Beside a job whose probes answer: what else the machine has to do slows both.
    expect(took - well.took).toBeLessThan(10);
    expect(said).toContain('trained');
  });
});

describe("the gate's file", () => {
  it('passes bash -n and shellcheck', async () => {
    const values = { model: 'Qwen/Qwen2.5-7B', report_to: 'wandb', nodes: 2 };
    const { gate } = await planOf('trl', { data: '/data/a b', output: '/data/runs', ...values });
    expect(execFileSync('bash', ['-n'], { input: gate?.script, encoding: 'utf8' })).toBe('');
    // Found in bash-runtime.ts and in the probes, each of which is looked at by itself (test/checks).
    const excluded = '--exclude=SC2034,SC2154,SC2317,SC2016,SC2015,SC2094';
    execFileSync('shellcheck', ['--severity=warning', excluded, '-'], { input: gate?.script });
  });

  it('holds what the run needs and nothing else', async () => {
    const paths = { data: '/d', output: '/r' };
    const ids = async (trainer: string, values: Record<string, unknown>, phase?: string) =>
      (await planOf(trainer, { ...paths, ...values }, phase === undefined ? {} : { phase })).gate?.checks ??
      [];
    expect(await ids('example', {}, 'data-clean')).toEqual([
      'host',
      'kernel',
      'limits',
      'mounts',
      'paths',
      'tmp',
    ]);
    expect(await ids('example', {})).toContain('shm');
    expect(await ids('example', { gpus_per_node: 8 })).not.toContain('cxx');
    const hub = await ids('trl', { model: 'Qwen/Q', report_to: 'wandb', nodes: 2 });
    expect(hub).toEqual(expect.arrayContaining(['gpu', 'hf', 'infiniband', 'nccl-net', 'wandb']));
    expect(await ids('xllm', { model: '/m', code: '/c' })).toContain('cxx');
    // Inside an image are other programs and another environment.
    const image = { container_image: '/i.sif', container_runtime: 'apptainer', report_to: 'wandb' };
    const inside = await ids('trl', { model: 'Qwen/Q', ...image });
    expect(inside.filter((id) => ['cxx', 'hf', 'wandb'].includes(id))).toEqual([]);
    expect(await ids('example', { gate: 'off' })).toEqual([]);
  });
});
