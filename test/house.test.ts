import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

/** The rooms from the ground up. A room imports itself and the floors below it: ARCHITECTURE.md draws it. */
const FLOORS = [
  'system',
  'terminal',
  'slurm',
  'shell',
  'config',
  'template',
  'trainer',
  'lint',
  'health',
  'run',
  'pipeline',
  'runbook',
  'diagnosis',
  'alert',
  'notify',
  'remedy',
  'watch',
  'cron',
  'oncall',
  'sandbox',
  'drill',
  'commands',
];
/** One door for each package. */
const DOORS: Record<string, readonly string[]> = {
  zx: ['system/exec.ts'],
  handlebars: ['template/render.ts'],
  cron: ['system/schedule.ts'],
  nodemailer: ['notify/email.ts'],
  // The second is for what outlives opsctl: the daemons of a sandbox.
  'node:child_process': ['sandbox/daemon.ts', 'system/exec.ts'],
};

const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter(
  (name) => name.endsWith('.ts') && !name.endsWith('.d.ts'),
);
/** A room may have folders of its own: `remedy/actions` is of remedy. */
const roomOf = (file: string): string => (file.includes('/') ? (file.split('/')[0] ?? '') : '.');
const imports = files.flatMap((file) =>
  [...readFileSync(join('src', file), 'utf8').matchAll(/(?:from|import\() ?'([^']+)'/g)].map((match) => ({
    file,
    to: match[1] ?? '',
  })),
);

describe('the house', () => {
  it('knows every room', () => {
    const rooms = new Set(files.map(roomOf).filter((room) => room !== '.'));
    expect([...rooms].sort()).toEqual([...FLOORS].sort());
  });

  it.each(FLOORS)('%s imports only itself and the floors below', (room) => {
    const own = imports.filter(({ file, to }) => roomOf(file) === room && to.startsWith('.'));
    const above = own.filter(({ file, to }) => {
      const target = roomOf(relative('.', join(dirname(file), to)));
      return target !== '.' && FLOORS.indexOf(target) > FLOORS.indexOf(room);
    });
    expect(above).toEqual([]);
  });

  it.each(Object.entries(DOORS))('%s comes in through %s alone', (name, doors) => {
    const users = imports
      .filter(({ to }) => to === name || to.startsWith(`${name}/`))
      .map(({ file }) => file);
    expect([...new Set(users)].sort()).toEqual(doors);
  });

  it('has small files: nine in ten up to 180 lines, none above 300', () => {
    const lengths = files
      .map((file) => readFileSync(join('src', file), 'utf8').split('\n').length)
      .sort((a, b) => a - b);
    expect(lengths.at(-1)).toBeLessThanOrEqual(300);
    expect(lengths[Math.floor(lengths.length * 0.9)]).toBeLessThanOrEqual(180);
  });
});
