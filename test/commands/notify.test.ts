import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { cli } from '../../src/cli.ts';
import type { System } from '../../src/system/system.ts';
import { directory, httpServer, secretFile } from '../notify/support.ts';
import { fakeExec, fakeSystem } from '../support/fake-exec.ts';

/** Runs one command line in a directory of its own. */
async function opsctl(system: System, ...argv: string[]) {
  const lines: string[] = [];
  const errors: string[] = [];
  const code = await cli(argv, system, {
    out: (line) => lines.push(line),
    note: (line) => errors.push(line),
    warn: (line) => errors.push(line),
    style: (_style, text) => text,
    width: 80,
  });
  return { code, out: lines.join('\n'), errors: errors.join('\n') };
}

async function systemWith(config?: string): Promise<System> {
  const cwd = await directory();
  if (config !== undefined) await writeFile(join(cwd, 'opsctl.yaml'), config);
  return fakeSystem(fakeExec({}).exec, { cwd, env: { HOME: cwd, OPSCTL_HOME: join(cwd, 'state') } });
}

it('notify test says for each receiver what happened, and its exit code says the worst', async () => {
  const good = await httpServer(() => ({ body: 'ok' }));
  const busy = await httpServer(() => ({ status: 503 }));
  const [goodFile, busyFile] = [await secretFile(`url=${good.url}`), await secretFile(`url=${busy.url}`)];
  const wide = await secretFile(`url=${good.url}`, 0o644);
  const receiver = (name: string, file: string) => `        ${name}: { kind: slack, secret_file: ${file} }\n`;
  const system = await systemWith(
    `profiles:\n  a:\n    notify:\n      receivers:\n${receiver('good', goodFile)}${receiver('busy', busyFile)}${receiver('wide', wide)}`,
  );
  const one = await opsctl(system, 'notify', 'test', '--to', 'good', '--json');
  expect(one.code).toBe(0);
  expect(JSON.parse(one.out)).toMatchObject([{ receiver: 'good', kind: 'slack', status: 'sent' }]);
  expect(good.requests[0]?.body).toContain('TEST');
  expect((await opsctl(system, 'notify', 'test', '--to', 'good', '--to', 'busy')).code).toBe(75);
  const all = await opsctl(system, 'notify', 'test');
  expect(all.code).toBe(1);
  expect(all.out).toMatch(/^good .* sent .*\nbusy .* no answer .*\nwide .* not set up .*chmod 600/);
  expect(await opsctl(system, 'notify', 'test', '--to', 'goood')).toMatchObject({
    code: 64,
    errors: expect.stringContaining('Did you mean "good"?'),
  });
});

it('notify test without a receiver says what to write', async () => {
  const { code, errors } = await opsctl(await systemWith(), 'notify', 'test');
  expect([code, errors]).toEqual([64, expect.stringContaining('notify: { receivers:')]);
});

it('silences are added, listed and removed, and a silence for everything is refused', async () => {
  const system = await systemWith();
  const add = (...words: string[]) => opsctl(system, 'silence', 'add', '--reason', 'known', ...words);
  const made = await add('--fault', 'disk-full', '--for', '2h', '--json');
  expect(made).toMatchObject({ code: 0, errors: '' });
  const { id } = JSON.parse(made.out) as { id: string };
  expect((await opsctl(system, 'silence', 'list')).out).toContain('disk-full');
  expect((await add('--fault', 'disk-ful', '--for', '2h')).errors).toContain('Did you mean "disk-full"?');
  expect((await add('--for', '2h')).code).toBe(64);
  expect((await add('--fault', 'x', '--for', 'soon')).errors).toContain('--for soon is no time');
  expect((await add('--run', 'nosuch', '--for', '2h')).code).toBe(64);
  expect((await opsctl(system, 'silence', 'remove', id)).code).toBe(0);
  expect((await opsctl(system, 'silence', 'remove', id)).code).toBe(64);
});

it('a configuration that is wrong about alerts is told with its lines', async () => {
  const system = await systemWith(
    [
      'profiles:',
      '  a:',
      '    alerts: { repeat: often, quiet_hours: { from: 25:00, to: "07:00", time_zone: Mars } }',
      '    notify:',
      '      receivers:',
      '        team: { kind: mail }',
      '',
    ].join('\n'),
  );
  const { code, errors } = await opsctl(system, 'notify', 'test');
  expect(code).toBe(64);
  for (const part of [
    /:3:\d+: profiles.a.alerts.repeat: expected a time as Slurm writes it/,
    /:3:\d+: profiles.a.alerts.quiet_hours.from: expected a time of day/,
    /:3:\d+: profiles.a.alerts.quiet_hours.time_zone: expected a time zone/,
    /:6:\d+: profiles.a.notify.receivers.team.to: expected at least one address/,
  ])
    expect(errors).toMatch(part);
});
