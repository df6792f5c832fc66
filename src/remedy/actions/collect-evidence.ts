import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { EXIT, OpsError } from '../../errors.ts';
import { readRun } from '../../run/registry.ts';
import { ensureDirectory, writeAtomic } from '../../system/files.ts';
import { type System, stateHome } from '../../system/system.ts';
import type { Deed } from '../deed.ts';
import { EVIDENCE_PROGRAM } from '../evidence-program.ts';
import { runOnNodes } from '../on-nodes.ts';
import { jobHeld, seeJob } from '../see-job.ts';
import type { Act } from '../step.ts';

const LIMIT_S = 60;

/** Beside the run's logs, else in the state directory: `evidence/JOB.RESTARTS.txt`. */
async function directoryOf(system: System, { runId }: Act): Promise<string> {
  const manifest = runId === null ? undefined : await readRun(system, runId);
  return join(manifest?.outputDir ?? stateHome(system.env), 'evidence');
}

async function fileOf(system: System, act: Act): Promise<string> {
  const job = await seeJob(system, act.jobId ?? '');
  return `${act.jobId}.${job?.restarts ?? 0}.txt`;
}

/** What the processes of a job that stands still are doing, before anything is killed. One bundle for each attempt. */
export const collectEvidence: Deed = {
  see: async (system, act) => {
    const job = await seeJob(system, act.jobId ?? '');
    return { job, files: await readdir(await directoryOf(system, act)).catch(() => []) };
  },
  isSo: ({ jobId }, { files, job }) => files?.includes(`${jobId}.${job?.restarts ?? 0}.txt`) === true,
  held: jobHeld,
  act: async (system, { act, command }) => {
    const directory = await directoryOf(system, act);
    const name = await fileOf(system, act);
    const { stdout, said } = await runOnNodes(system, command, EVIDENCE_PROGRAM, LIMIT_S);
    if (stdout.trim() === '')
      throw new OpsError(`no node has answered: ${said}`, { exitCode: EXIT.tryAgain });
    await ensureDirectory(directory);
    if ((await lstat(directory)).isSymbolicLink())
      throw new OpsError(`${directory} is a link: evidence is written into the run's own directory only`);
    await writeAtomic(join(directory, name), stdout);
    return join(directory, name);
  },
  judge: ({ jobId }, { job: before }, { files }) =>
    files?.includes(`${jobId}.${before?.restarts ?? 0}.txt`) ? 'done' : 'not-done',
};
