import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadRunbooks } from '../../src/runbook/load.ts';
import { bodyIn, faultsOf, findRunbook, language } from '../../src/runbook/show.ts';

let site: string;
beforeEach(() => {
  site = mkdtempSync(join(tmpdir(), 'opsctl-test-'));
});
afterEach(() => rmSync(site, { recursive: true }));

const load = () => loadRunbooks({ env: { OPSCTL_RUNBOOKS: site } });

function siteRunbook(name: string, signature: string): void {
  writeFileSync(
    join(site, name),
    `---\ntitle: Licence\nsummary: No licence.\nsignatures:\n  - id: one\n    role: root\n${signature}\n    hit: [x]\n    miss: [y]\n---\n# Licence\n`,
  );
}

describe('runbooks', () => {
  it('have a body in both languages with the five parts', async () => {
    for (const runbook of faultsOf(await load())) {
      for (const part of ['Symptoms', 'Cause', 'Confirm', 'Remedy', 'Escalate']) {
        expect([runbook.fault, runbook.body]).toEqual([
          runbook.fault,
          expect.stringContaining(`## ${part}\n`),
        ]);
      }
      for (const part of ['症状', '原因', '确认', '处理', '上报']) {
        expect([runbook.fault, runbook.bodyZh]).toEqual([
          runbook.fault,
          expect.stringContaining(`## ${part}\n`),
        ]);
      }
    }
  });

  it('name what can be done by one vocabulary, with one level each', async () => {
    const remedies = (await load()).flatMap(({ front }) => front.remedies ?? []);
    const levels = new Map(remedies.map(({ id, level }) => [id, level]));
    expect(remedies.filter(({ id, level }) => levels.get(id) !== level)).toEqual([]);
    // What acts is known by its name: automation is written for these.
    const acting = [...levels].filter(([, level]) => level > 'L1').map(([id]) => id);
    expect(acting.sort()).toEqual([
      'clear-extension-cache',
      'clear-nccl-shm',
      'drain-node',
      'exclude-node',
      'hold',
      'other-port',
      'own-cache',
      'prune-checkpoints',
      'relocate-cache',
      'requeue',
      'resubmit',
      'resume-earlier',
      'resume-node',
      'wandb-offline',
    ]);
  });

  it('have a remedy for every fault', async () => {
    const without = faultsOf(await load()).filter(({ front }) => (front.remedies ?? []).length === 0);
    expect(without.map(({ fault }) => fault)).toEqual([]);
  });

  it('explain only faults that there are', async () => {
    const runbooks = await load();
    const ids = new Set(runbooks.map(({ fault }) => fault));
    const named = runbooks.flatMap(({ front }) => front.explains ?? []);
    expect(named.filter((id) => !ids.has(id))).toEqual([]);
  });

  it('cover every row of the fault table that asks for one', async () => {
    const rows = new Set((await load()).flatMap(({ front }) => front.rows ?? []));
    const asked = [4, 5, 6, 8, 9, 10, 13, 14, 21, 23, 25, 27, 28, 29, 37, 38, 39];
    expect(asked.filter((row) => !rows.has(row))).toEqual([]);
  });

  it('of a site are added, and replace ours of the same name', async () => {
    siteRunbook('licence-expired.md', '    text: No licence');
    siteRunbook('cuda-oom.md', '    text: Not enough GPU memory');
    const runbooks = await load();
    expect(findRunbook(runbooks, 'licence-expired').front.title).toBe('Licence');
    expect(findRunbook(runbooks, 'cuda-oom').front.signatures).toHaveLength(1);
  });

  it.each([
    [
      '    regex: "(a+)+"\n    literals: [aaaaaa]',
      'site.md:5: signature "one": a repetition inside a repetition',
    ],
    ['    regex: "a+"', 'site.md:5: signature "one": a "regex" needs "literals"'],
    ['    confidence: 0.5', 'site.md:5: signature "one": needs either "text" or "regex"'],
    ['    text: abcdef\n    confidence: 7', 'site.md:8: signatures.0.confidence'],
    ['    text: abcdef\n    color: red', 'site.md:5: signatures.0'],
    ['    text: [abc', 'site.md:'],
  ])('of a site that are wrong are named with their line: %s', async (signature, message) => {
    siteRunbook('site.md', signature);
    await expect(load()).rejects.toThrow(message);
  });

  it('without front matter are refused', async () => {
    writeFileSync(join(site, 'site.md'), '# Only words\n');
    await expect(load()).rejects.toThrow('site.md:1: a runbook begins with its front matter');
  });

  it('are shown in the language asked for, else that of the locale', async () => {
    const runbook = findRunbook(await load(), 'cuda-oom');
    expect(bodyIn(runbook, language('zh_cn', {}))).toContain('## 症状');
    expect(bodyIn(runbook, language(undefined, { LANG: 'zh_CN.UTF-8' }))).toContain('## 症状');
    expect(bodyIn(runbook, language(undefined, { LANG: 'de_DE.UTF-8' }))).toContain('## Symptoms');
    expect(() => language('fr', {})).toThrow('there are no runbooks in "fr"');
  });

  it('that do not exist are guessed at', async () => {
    const runbooks = await load();
    expect(() => findRunbook(runbooks, 'cuda-om')).toThrow('Did you mean "cuda-oom"?');
  });
});
