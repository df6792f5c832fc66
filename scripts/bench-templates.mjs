// Rendering every template, flags checked, as a ratio to as many starts of `node -e 0`: run by scripts/bench.mjs.
import { bundled } from './bundled.mjs';

/** Each round renders some thirty templates. */
const ROUNDS = 3;
/** What every program of every trainer is given where it has to be given something. */
const VALUES = { path: '/place', model: '/models/base', string: 'word', int: '2', float: '1', memory: '1G' };

/** @param tools of bench.mjs: the program, a start of it timed, and what compares two things. */
export async function benchTemplates({ opsctl, compare, time, bare, env }) {
  const commands = await everyTemplate();
  const all = () =>
    commands.reduce((total, words) => total + time([opsctl, 'render', ...words], env), 0) / commands.length;
  compare(`opsctl render, the mean of all ${commands.length} templates / node -e 0`, 2, all, bare, ROUNDS);
}

/** The words behind `opsctl render` for each program that a trainer has a template of. */
async function everyTemplate() {
  const { listPrograms, loadTemplate } = await bundled(
    `export { listPrograms, loadTemplate } from './src/template/load.ts';`,
  );
  const env = { HOME: '/nowhere' };
  const programs = await listPrograms(env);
  return Promise.all(
    programs.map(async ({ trainer, phase, stage }) => {
      const { parameters } = await loadTemplate(env, phase, trainer, stage ?? undefined);
      const required = parameters.filter((one) => one.required && one.default == null);
      const words = required.flatMap((one) => [
        '--set',
        `${one.name}=${one.choices?.[0] ?? VALUES[one.type]}`,
      ]);
      return [phase, ...(stage === null ? [] : ['--stage', stage]), '-t', trainer, ...words];
    }),
  );
}
