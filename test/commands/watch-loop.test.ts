import { expect, it } from 'vitest';
import { passes } from '../../src/commands/watch-loop.ts';
import { EXIT, OpsError, UsageError } from '../../src/errors.ts';
import { fileError } from '../../src/system/files.ts';

const disk = (code: string) =>
  fileError('cannot write', '/state/x', Object.assign(new Error(code), { code }));

it.each([
  ['Slurm does not answer', new OpsError('squeue', { exitCode: EXIT.tryAgain })],
  ['the disk is full', disk('ENOSPC')],
  ['the quota is used up', disk('EDQUOT')],
  ['the file server is away', disk('ESTALE')],
])('goes on watching when %s', (_, error) => expect(passes(error)).toBe(true));

it.each([
  ['others may write to its state', new OpsError('can be written by others')],
  ['it may not write', disk('EACCES')],
  ['the configuration is wrong', new UsageError('automation.level')],
  ['there is a bug', new TypeError('x')],
])('ends when %s', (_, error) => expect(passes(error)).toBe(false));
