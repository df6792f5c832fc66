import { describe, expect, it } from 'vitest';
import { nagiosLine } from '../../src/commands/preflight-report.ts';
import { parseCheck } from '../../src/health/parse-check.ts';
import { preflight } from '../../src/health/preflight.ts';
import type { Verdict } from '../../src/health/verdict.ts';
import type { Exec } from '../../src/system/exec.ts';
import { fakeExec, fakeSystem } from '../support/fake-exec.ts';

const CHECK = parseCheck(
  '/x/well.sh',
  `# ---
# id: well
# question: "Is it well?"
# scope: node
# level: node
# gate: false
# seconds: 5
# inputs: [CHECK_PEERS, CHECK_PEER_ADDRESSES, CHECK_MASTER_ADDR]
# rules:
#   - { fact: well, op: ne, limit: "yes", severity: critical, message: "well is {well}", fix: "none" }
# ---
echo well=yes
`,
);

const names = (count: number) =>
  Array.from({ length: count }, (_, at) => `gnode${String(at + 1).padStart(2, '0')}`);
const said = (nodes: readonly string[], well: string) =>
  nodes
    .flatMap((node) => [`${node}\twell\twell=${well}`, `${node}\twell\t.end 12`, `${node}\t-\t.done`])
    .map((line) => `opsctl-check\t${line}\n`)
    .join('');

/** Asks so many nodes with a Slurm that has them all, and tells which programs were started and what the bundle held. */
async function ask(count: number) {
  const nodes = names(count);
  const fake = fakeExec({
    ...(count > 1 && {
      [`sinfo --noheader --all --Node --nodes=gnode[01-${count < 10 ? '0' : ''}${count}] --format=%N|%o`]:
        nodes.map((node, at) => `${node}|10.0.0.${at + 1}\n`).join(''),
    }),
    'sinfo --noheader --all --Node': nodes.map((node) => `${node}|idle|none\n`).join(''),
    'timeout --kill-after=5': said(nodes, 'yes'),
  });
  let program = '';
  const exec: Exec = (argv, options) => {
    program += Object.values(options?.env ?? {}).join('');
    return fake.exec(argv, options);
  };
  const request = { checks: [CHECK], inputs: {}, environment: '', nodes, way: { options: [] } };
  const verdicts = await preflight(fakeSystem(exec), request);
  return { verdicts, programs: fake.calls.map(([name]) => name), program };
}

describe('preflight of many nodes', () => {
  it('starts as many Slurm commands for 36 nodes as for two, and one less for one', async () => {
    const [one, two, all] = [await ask(1), await ask(2), await ask(36)];
    expect(one.programs).toEqual(['sinfo', 'timeout']);
    expect(two.programs).toEqual(['sinfo', ...one.programs]);
    expect(all.programs).toEqual(two.programs);
    expect(all.verdicts.map(({ status }) => status)).toEqual(names(36).map(() => 'ok'));
  });

  it('tells each node where Slurm reaches the others, so that none has to look them up', async () => {
    const { program } = await ask(2);
    expect(program).toContain("export CHECK_PEERS='gnode01 gnode02'\n");
    expect(program).toContain("export CHECK_PEER_ADDRESSES='gnode01=10.0.0.1 gnode02=10.0.0.2'\n");
    expect(program).toContain('export CHECK_MASTER_ADDR=10.0.0.1\n');
  });
});

const verdict = (node: string, status: Verdict['status'], message: string, seconds: number): Verdict => ({
  check: 'shm',
  node,
  status,
  message,
  fact: 'shm_free_mib',
  value: 1,
  limit: 2,
  fix: null,
  seconds,
});

describe('the line for Nagios', () => {
  it('has one bar, before the performance data, whatever a message holds', () => {
    const line = nagiosLine('critical', [
      verdict('gnode02', 'critical', 'a | b\nc', 0.25),
      verdict('gnode01', 'ok', 'fine', 1.5),
    ]);
    expect(line).toBe(
      'PREFLIGHT CRITICAL - gnode02 shm: a / b c | ok=1;;;0 warning=0;;;0 critical=1;;;0 unknown=0;;;0 slowest=1.500s;;;0',
    );
  });

  it('is OK with a count when nothing is wrong', () => {
    expect(nagiosLine('ok', [verdict('gnode01', 'ok', 'fine', 0)])).toMatch(
      /^PREFLIGHT OK - 1 checks are ok \| ok=1;;;0 /,
    );
  });
});
