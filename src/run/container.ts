import { UsageError } from '../errors.ts';
import type { Parameter, ParameterValue } from '../template/parameter.ts';
import { dataLists } from './mixture.ts';

/** Looked at on the host, or made there: no path of the job's own. */
const NOT_MOUNTED = new Set(['output', 'container_image']);

/**
 * What a container has to see of the host, for a run that has one: every path that its parameters name, and the run's
 * own directory. Each is mounted under its own name.
 * @throws UsageError when the container's runtime is not known, or a path cannot be mounted.
 */
export function mountsOf(
  parameters: readonly Parameter[],
  values: Readonly<Record<string, ParameterValue>>,
  runDirectory: string,
): string[] {
  if (typeof values.container_image !== 'string') return [];
  if (typeof values.container_runtime !== 'string')
    throw new UsageError(
      'container_image: this cluster has nothing that runs containers, as far as the profile knows',
      'Give container_runtime (pyxis | apptainer | singularity), or set `container` in the profile.',
    );
  const paths = parameters
    .filter(({ name, type }) => (type === 'path' || type === 'model') && !NOT_MOUNTED.has(name))
    .map(({ name }) => values[name])
    .filter((value): value is string => typeof value === 'string' && value.startsWith('/'));
  const more = String(values.container_mounts ?? '')
    .split(/\s+/)
    .filter((path) => path !== '');
  const lists = dataLists(values).map(({ directory }) => directory);
  const mounts = [...new Set([runDirectory, ...paths, ...lists, ...more])];
  const odd = mounts.find((path) => /[,:]/.test(path) || !path.startsWith('/'));
  if (odd !== undefined)
    throw new UsageError(
      `${JSON.stringify(odd)} cannot be mounted into a container`,
      'Mounts are absolute paths without a comma or a colon, which separate them.',
    );
  return mounts;
}
