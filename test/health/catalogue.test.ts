import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadChecks } from '../../src/health/catalogue.ts';
import { exec } from '../../src/system/exec.ts';

const HEADER = `#!/usr/bin/env bash
# ---
# id: own
# question: "Is it well?"
# scope: node
# level: node
# gate: false
# seconds: 2
# rules:
#   - { fact: thing, op: eq, limit: broken, severity: warning, message: "broken", fix: "mend" }
# ---

`;

let home: string;
let directory: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'opsctl-catalogue-'));
  directory = join(home, 'opsctl', 'checks');
  mkdirSync(directory, { recursive: true, mode: 0o755 });
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const load = (probe: string) => {
  writeFileSync(join(directory, 'own.sh'), HEADER + probe, { mode: 0o644 });
  return loadChecks({ env: { ...process.env, XDG_CONFIG_HOME: home }, exec });
};

describe("a site's own check", () => {
  it('is one file beside ours, and needs no build', async () => {
    const checks = await load('echo thing=fine\n');
    expect(checks.find(({ id }) => id === 'own')).toMatchObject({ probe: 'echo thing=fine' });
    expect(checks.length).toBeGreaterThan(20);
  });

  it('is refused when others may write the directory it stands in', async () => {
    chmodSync(directory, 0o777);
    await expect(load('echo thing=fine\n')).rejects.toThrow(`${directory} can be written by others`);
  });

  it('is refused, with its line, when bash cannot read it: it would spoil the program of all checks', async () => {
    await expect(load('echo thing=fine\nif true; then\n  (echo )) \nfi\n')).rejects.toThrow(
      /own\.sh:15: bash cannot read it: syntax error near unexpected token/,
    );
  });

  it.each([
    ['a here-document without its end', 'cat <<EOF\nthing=fine\n'],
    ['a bracket that closes the function around it', 'echo thing=fine\n)\necho more\n('],
    ['a text without its end', "echo 'thing=fine\n"],
  ])('is refused for %s', async (_title, probe) => {
    await expect(load(probe)).rejects.toThrow(/own\.sh:\d+: bash cannot read it/);
  });
});
