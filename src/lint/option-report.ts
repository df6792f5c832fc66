import { type SlurmProgram, slurmOptions, type TypedOption } from '../slurm/options.ts';
import { suggest } from '../terminal/suggest.ts';
import type { Report, Site } from './rule.ts';

/** Options that plugins bring: pyxis, Amazon's HyperPod agent, X11 and NVIDIA's IMEX plugins, SPANK tunnels. */
const OF_PLUGINS =
  /^(?:no-)?container-|^auto-resume$|^tunnel$|^x11$|^imex|^dcgm|^gpumps$|^private-tmp|^comment-/;

/** What is wrong with one option of sbatch or srun, or undefined. */
export function optionReport(
  program: SlurmProgram,
  { name, known, ambiguous }: TypedOption,
  at: number,
  site: Site,
): Report | undefined {
  const dashes = name.length === 1 ? '-' : '--';
  const option = slurmOptions(program).get(name);
  if (known && option) {
    if (site.slurmVersion === undefined) return undefined;
    if (site.slurmVersion >= option.since && site.slurmVersion <= option.until) return undefined;
    const message = `${program} has had --${name} from Slurm ${option.since} to ${option.until}; this cluster has ${site.slurmVersion}.`;
    return { at, message, fix: `Leave --${name} out.`, severity: 'warning' };
  }
  if (ambiguous) {
    const message = `--${name} may be ${ambiguous.map((one) => `--${one}`).join(', ')}: ${program} refuses it as ambiguous.`;
    return { at, message, fix: `--${suggest(name, ambiguous) ?? ambiguous[0]}` };
  }
  if (/^[\u2010-\u2015\u2212]/.test(name)) {
    const message = `A dash of these is no minus sign, as an editor or a web page writes it: ${program} refuses the option.`;
    return { at, message, fix: 'Type the two minus signs anew.' };
  }
  if (known || OF_PLUGINS.test(name)) return undefined;
  const other = program === 'srun' ? 'sbatch' : 'srun';
  if (slurmOptions(other).has(name)) {
    const message = `--${name} is an option of ${other}: ${program} refuses it.`;
    return { at, message, fix: `Give --${name} to ${other}.` };
  }
  const meant = name.length > 2 ? suggest(name, slurmOptions(program).keys()) : undefined;
  if (meant === undefined) {
    const message = `${program} itself has no ${dashes}${name}: it is refused unless a plugin of the cluster adds it.`;
    return { at, message, fix: `Look for it in: ${program} --help`, severity: 'info' };
  }
  const message = `${program} has no --${name}. Did you mean "--${meant}"?`;
  return { at, message, fix: `--${meant}` };
}
