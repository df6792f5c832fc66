import { spawn } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import type { Check as Parsed } from '../../src/health/check-schema.ts';
import { judgeRule } from '../../src/health/judge.ts';
import { parseCheck } from '../../src/health/parse-check.ts';
import { type Status, worst } from '../../src/health/verdict.ts';

export const CHECKS = resolve('checks');
export const RECORDED = resolve('test/fixtures/checks');

/** A check as production code reads it, and its whole text. */
export interface Check extends Parsed {
  readonly source: string;
}

export const checks: readonly Check[] = readdirSync(CHECKS)
  .filter((name) => name.endsWith('.sh'))
  .sort()
  .map((name) => {
    const source = readFileSync(join(CHECKS, name), 'utf8');
    return { ...parseCheck(join(CHECKS, name), source), source };
  });

export function check(id: string): Check {
  const found = checks.find((one) => one.id === id);
  if (found === undefined) throw new Error(`no check "${id}"`);
  return found;
}

/** Programs by name, each the text of a bash script. */
export type Tools = Readonly<Record<string, string>>;
export interface Setting {
  readonly tools?: Tools;
  readonly env?: Readonly<Record<string, string>>;
  /** The only programs on PATH beside bash and coreutils; left out: the machine's own PATH. */
  readonly alone?: boolean;
  readonly seconds?: number;
  /** Shell text before the probe, as root in mounts of its own. */
  readonly before?: string;
}
export interface Found {
  readonly facts: ReadonlyMap<string, string>;
  readonly output: string;
  readonly seconds: number;
  readonly inTime: boolean;
}

/** A stand-in that prints a recorded output and ends with the exit code of the tool. */
export function prints(file: string, code = 0): string {
  return `cat ${join(RECORDED, file)}; exit ${code}`;
}

/** The same with one change to the recorded text. */
export function printsChanged(file: string, change: (text: string) => string, code = 0): string {
  const text = readFileSync(join(RECORDED, file), 'utf8');
  const changed = change(text);
  if (changed === text) throw new Error(`the change of ${file} changed nothing`);
  return `cat <<'RECORDED'\n${changed.replace(/\n$/, '')}\nRECORDED\nexit ${code}`;
}

/** Fills a directory with bash and coreutils and nothing else, as the poorest compute node has them. */
function plainTools(dir: string): string {
  mkdirSync(dir);
  const list = readFileSync('/var/lib/dpkg/info/coreutils.list', 'utf8').split('\n');
  for (const path of [...list.filter((one) => /^(\/usr)?\/bin\/./.test(one)), '/bin/bash'])
    symlinkSync(path, join(dir, basename(path)));
  return dir;
}

/** Runs a probe as a node would: alone, with its time limit, in the C locale. */
export async function run(id: string, setting: Setting = {}): Promise<Found> {
  const dir = mkdtempSync(join(tmpdir(), 'opsctl-check-'));
  const bin = join(dir, 'bin');
  mkdirSync(bin);
  for (const [name, script] of Object.entries(setting.tools ?? {})) {
    writeFileSync(join(bin, name), `#!/bin/bash\n${script}\n`);
    chmodSync(join(bin, name), 0o755);
  }
  const rest = setting.alone === true ? plainTools(join(dir, 'plain')) : (process.env.PATH ?? '');
  const start = process.hrtime.bigint();
  const path = `${bin}:${rest}`;
  const probe = ['/bin/bash', '-u', join(CHECKS, `${id}.sh`)];
  // The text before the probe has the machine's own programs, the probe only its own.
  const before = `${setting.before}\nPATH=$PROBE_PATH exec "$@"`;
  const unshare = ['/usr/bin/unshare', '-m', '--propagation', 'private', '/bin/bash', '-c', before, 'before'];
  const argv = setting.before === undefined ? probe : [...unshare, ...probe];
  const child = spawn(argv[0] ?? '', argv.slice(1), {
    env: {
      PATH: setting.before === undefined ? path : process.env.PATH,
      PROBE_PATH: path,
      LC_ALL: 'C',
      HOME: dir,
      ...setting.env,
    },
    cwd: dir,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    output += chunk.toString();
  });
  let inTime = true;
  const timer = setTimeout(
    () => {
      inTime = false;
      // The probe may tidy up before it is ended for good.
      const group = child.pid === undefined ? undefined : -child.pid;
      if (group !== undefined) process.kill(group, 'SIGTERM');
    },
    (setting.seconds ?? 20) * 1000,
  );
  await new Promise((done) => child.on('exit', done));
  clearTimeout(timer);
  // What a stand-in or the text before left running.
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Nothing was.
  }
  await new Promise((done) => setImmediate(done));
  const facts = new Map<string, string>();
  for (const line of output.split('\n')) {
    const match = /^([a-z0-9_]+)=(.*)$/.exec(line);
    if (match) facts.set(match[1] ?? '', match[2] ?? '');
  }
  rmSync(dir, { recursive: true, force: true });
  return { facts, output, inTime, seconds: Number(process.hrtime.bigint() - start) / 1e9 };
}

/** The worst that the rules of a check say of one node. */
export function status(id: string, found: Found): Status {
  const one = check(id);
  const said = one.rules.map((rule) => judgeRule(one, rule, found.facts) ?? 'ok');
  return worst(found.inTime ? said : [...said, 'unknown']);
}

/** The rules that hold, as "fact severity". */
export function firing(id: string, found: Found): string[] {
  const one = check(id);
  return one.rules
    .filter((rule) => judgeRule(one, rule, found.facts) === rule.severity)
    .map((rule) => `${rule.fact} ${rule.severity}`);
}
