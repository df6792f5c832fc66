import { join } from 'node:path';
import { OpsError } from '../errors.ts';
import type { System } from '../system/system.ts';
import { type Block, entryIn, withBlock, withoutBlock } from './block.ts';
import { readTable, replaceTable, type TableProgram } from './crontab.ts';
import { crontabBlock, type Rhythm, scrontabBlock } from './entry.ts';
import type { Keeper, Look } from './keeper.ts';

export const crontab = tableKeeper('crontab', crontabBlock);
export const scrontab = tableKeeper('scrontab', scrontabBlock);

function tableKeeper(
  program: TableProgram,
  blockOf: (home: string, rhythm: Rhythm, options: readonly string[]) => Block,
): Keeper {
  return {
    look: (system, home) => look(system, program, home),
    put: (system, home, rhythm, options) =>
      change(system, program, home, (text) => withBlock(text, blockOf(home, rhythm, options))),
    take: (system, home) => change(system, program, home, (text) => withoutBlock(text, { home, lines: [] })),
  };
}

async function look(system: System, program: TableProgram, home: string): Promise<Look> {
  const table = await readTable(system, program);
  if (table.kind === 'missing') return { kind: 'unusable', why: `${program} is not here` };
  if (table.kind === 'unreadable') return { kind: 'unusable', why: table.why };
  return { kind: 'usable', entry: entryIn(table.text, home) ?? null };
}

async function change(
  system: System,
  program: TableProgram,
  home: string,
  how: (text: string) => string,
): Promise<boolean> {
  const table = await readTable(system, program);
  if (table.kind !== 'table')
    throw new OpsError(table.kind === 'missing' ? `${program} is not here` : table.why, {
      hint: 'What cannot be read is not written either: nothing was changed.',
    });
  const after = how(table.text);
  if (after === table.text) return false;
  await replaceTable(system, program, table.text, after, join(home, 'cron'));
  return true;
}
