import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { trainerCommands } from '../../src/run/commands.ts';
import { straightCommands } from '../../src/run/expand.ts';
import { exec } from '../../src/system/exec.ts';
import { loadTemplate } from '../../src/template/load.ts';
import { checkCommand } from '../../src/trainer/check.ts';
import { knowledge } from './known.ts';

const SCRIPTS = readdirSync('test/golden').filter((name) => name.endsWith('.sbatch'));
const system = { exec, env: { PATH: process.env.PATH, HOME: '/nowhere' }, now: () => new Date(0), cwd: '/' };

/** What the script says of itself in its first lines: `# sft with trl: …`, `# rlhf (ppo) with verl: …`. */
async function read(name: string) {
  const script = readFileSync(`test/golden/${name}`, 'utf8');
  const [, phase = '', stage, trainer = ''] = /^# (\S+)(?: \((\S+)\))? with (\S+):/m.exec(script) ?? [];
  const template = await loadTemplate({ HOME: '/nowhere' }, phase, trainer, stage);
  const commands = await trainerCommands(system, script, 2);
  return { script, template, commands };
}

/** Numbers that bash computes, which the straight reading leaves as they are written. */
function withoutSums(argv: readonly string[]): string[] {
  return argv.map((word) =>
    word.startsWith('$((') || /^\d+$/.test(word)
      ? 'N'
      : word.replaceAll(/\$SLURM_(NNODES|JOB_NUM_NODES)/g, 'N'),
  );
}

describe('the command lines of every golden script', () => {
  it.each(SCRIPTS)('%s: launcher and trainer take all of them', async (name) => {
    const { template, commands } = await read(name);
    const { program, version } = template.front;
    // A CPU job of the package's own scripts has no list.
    if (program === undefined) return;
    const known = commands
      .map(({ argv }) => checkCommand(argv, knowledge, { program, version }))
      .filter(({ programs }) => programs.length > 0);
    expect(known.length, 'no command line of it is known').toBeGreaterThan(0);
    expect(known.flatMap((check) => check.problems)).toEqual([]);
  });

  it.each(SCRIPTS)('%s: a launch that is read without bash is read as bash reads it', async (name) => {
    const { script, commands } = await read(name);
    const bodies = [...script.matchAll(/^(?:launch|serve)\(\) \{\n([\s\S]*?)\n\}$/gm)];
    const commandsOf = bodies.map(([, body = '']) => straightCommands(body));
    if (!commandsOf.every((list) => list !== undefined)) return;
    const straight = commandsOf.flat();
    const python = (argv: readonly string[]) => argv.map((word) => (word === '$python' ? 'python3' : word));
    expect(straight.map(python).map((argv) => withoutSums(argv).slice(1))).toEqual(
      commands.map(({ argv }) => withoutSums(argv).slice(1)),
    );
  });
});
