import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { OpsError, UsageError } from '../errors.ts';
import { errorCode, fileError, readIfThere } from '../system/files.ts';
import { refuseReplaceable } from '../system/trusted.ts';
import type { Manifest } from './manifest.ts';
import type { CheckpointRule } from './upstream.ts';

/**
 * The directory of a run's checkpoints, as a path without links. It must really be the run's: neither a link there nor
 * another directory under the run's name may lead to what is not its own.
 * @throws UsageError when there is none or it is a link; OpsError when it may be somebody else's, or another run's.
 */
export async function checkpointsOf({ outputDir, runId }: Manifest, rule: CheckpointRule): Promise<string> {
  const directory = join(outputDir, 'checkpoints', rule.directory ?? '');
  const real = await realpath(directory).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return undefined;
    throw fileError('cannot read', directory, error);
  });
  if (real === undefined)
    throw new UsageError(`the run ${runId} has no ${directory}`, 'There is nothing to prune.');
  const home = refuseReplaceable(outputDir);
  const own = join(home, 'checkpoints', rule.directory ?? '').replace(/\/$/, '');
  if (real !== own)
    throw new UsageError(
      `${directory} is a link to ${real}: only what lies in the run's own directory is pruned`,
    );
  refuseReplaceable(real);
  if ((await runIn(home)) !== runId)
    throw new OpsError(
      `${outputDir} is not the directory of the run ${runId}: its manifest.json says otherwise`,
      {
        hint: 'Another directory has taken its name; look what became of it.',
      },
    );
  return real;
}

/** The run that the copy of the manifest beside the checkpoints speaks of. */
async function runIn(outputDir: string): Promise<string | undefined> {
  try {
    const found: unknown = JSON.parse((await readIfThere(join(outputDir, 'manifest.json'))) ?? '');
    return (found as Partial<Manifest> | null)?.runId;
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}
