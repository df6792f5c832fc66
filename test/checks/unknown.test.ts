import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type Check, checks, RECORDED, run, status, type Tools } from './support.ts';
import { ANSWERING, INPUTS } from './tools.ts';

/** How a tool can fail to answer, as what its stand-in does instead of SCRIPT. */
const FAILURES: Readonly<Record<string, (script: string) => string>> = {
  hangs: () => 'exec sleep 60',
  'prints nothing': () => 'exit 0',
  'prints half': (script) =>
    `text=$(real() { ${script}\n}; (real "$@"); echo .); text=\${text%.}; printf %s "\${text:0:\${#text}/2}"`,
  'prints garbage': () => `printf '\\x01\\xc3garbage {"a": [} 12 = | : * -\\n%%PDF-1.4 ]] 0x0\\n\\t\\t7\\n'`,
};

function recording(tools: Tools, log: string): Tools {
  return Object.fromEntries(
    Object.entries(tools).map(([name, script]) => [name, `echo '${name}' >>${log}\n${script}`]),
  );
}

/** The tools a probe asks when all of them answer, and what it looked for in vain. */
async function asked(one: Check, tools: Tools): Promise<{ called: Set<string>; missing: Set<string> }> {
  const dir = mkdtempSync(join(tmpdir(), 'opsctl-asked-'));
  const log = join(dir, 'called');
  const handler = `() { echo "missing $1" >>${log}; return 127; }`;
  await run(one.id, {
    tools: recording(tools, log),
    alone: true,
    env: { ...INPUTS, 'BASH_FUNC_command_not_found_handle%%': handler },
  });
  let lines: string[] = [];
  try {
    lines = readFileSync(log, 'utf8').split('\n').filter(Boolean);
  } catch {
    // No tool was asked.
  }
  rmSync(dir, { recursive: true });
  return {
    called: new Set(lines.filter((line) => !line.startsWith('missing '))),
    missing: new Set(
      lines.filter((line) => line.startsWith('missing ')).map((line) => line.slice('missing '.length)),
    ),
  };
}

/** All tools, or without those that the probe prefers to this one, so that this one is asked. */
async function toolsThatReach(one: Check, tool: string): Promise<Tools> {
  if ((await asked(one, ANSWERING)).called.has(tool)) return ANSWERING;
  const others = new Set((one.tools ?? []).filter((name) => name !== tool));
  return Object.fromEntries(Object.entries(ANSWERING).filter(([name]) => !others.has(name)));
}

describe.each(checks.map((one) => [one.id, one] as const))('%s', (id, one) => {
  it('asks bash, coreutils and the tools it names, and no other', async () => {
    const { called, missing } = await asked(one, ANSWERING);
    expect([...called].filter((name) => !(one.tools ?? []).includes(name))).toEqual([]);
    expect([...missing]).toEqual([]);
  });

  it.each(one.tools ?? [])('is never ok when %s hangs, prints nothing, half or garbage', async (tool) => {
    const tools = await toolsThatReach(one, tool);
    expect((await asked(one, tools)).called).toContain(tool);
    const found = await Promise.all(
      Object.entries(FAILURES).map(async ([how, failing]) => {
        const script = failing(ANSWERING[tool] ?? '');
        const result = await run(id, {
          tools: { ...tools, [tool]: script },
          alone: true,
          env: INPUTS,
          seconds: how === 'hangs' ? 1 : 20,
        });
        return [how, status(id, result)];
      }),
    );
    expect(found).toEqual(Object.keys(FAILURES).map((how) => [how, 'unknown']));
  });
});

describe('a report of nvidia-smi that breaks off', () => {
  it('says nothing about the GPUs, whatever line it breaks off after', async () => {
    const lines = readFileSync(join(RECORDED, 'nvidia-smi/q-a10-535.129.03.txt'), 'utf8')
      .trimEnd()
      .split('\n');
    const seen = new Set<string>();
    for (let end = 0; end < lines.length; end++) {
      const text = lines.slice(0, end).join('\n');
      const found = await run('gpu', { tools: { 'nvidia-smi': `cat <<'X'\n${text}\nX` } });
      seen.add(status('gpu', found));
    }
    expect([...seen]).toEqual(['unknown']);
  });
});
