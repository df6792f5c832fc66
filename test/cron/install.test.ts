import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { install, planInstallation, type Wish } from '../../src/cron/install.ts';
import { remove } from '../../src/cron/remove.ts';
import { cronStatus, type Known, type State, stateOf } from '../../src/cron/status.ts';
import { watcherScript } from '../../src/cron/watcher.ts';
import { fakeSystem } from '../support/fake-exec.ts';
import { type Behaviour, standIns } from './stand-ins.ts';

const WISH: Wish = { scheduler: null, every: 5, scron: [], config: null, profile: null };
const MINE = 'MAILTO=me@example.org\n0 3 * * * backup\n';

const NOT_ALLOWED = { code: 1, stderr: 'You (me) are not allowed to use this program (crontab)\n' };

function place(tables: { crontab?: string; scrontab?: string }, behaviour: Behaviour = {}) {
  const root = mkdtempSync(join(tmpdir(), 'opsctl-cron-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  const fake = standIns(tables, behaviour);
  const home = join(root, 'state');
  const system = fakeSystem(fake.exec, {
    env: { HOME: root, OPSCTL_HOME: home, PATH: '/usr/bin:/bin' },
    cwd: root,
  });
  const put = async (wish: Partial<Wish> = {}) => {
    const plan = await planInstallation(system, { ...WISH, ...wish });
    return { plan, installed: await install(system, plan) };
  };
  return { root, home, system, put, ...fake };
}

describe('cron install', () => {
  it('takes Slurm’s own crontab where there is one, with what the site asks for', async () => {
    const { put, tables, home } = place({ crontab: MINE }, { scron: true });
    const { plan, installed } = await put({ scron: ['--qos=cron'] });
    expect(plan).toMatchObject({ scheduler: 'scrontab', skipped: [] });
    expect(installed).toMatchObject({ changed: true, movedFrom: [] });
    expect(tables.scrontab).toContain(`#SCRON --qos=cron\n`);
    expect(tables.scrontab).toContain(`* * * * /bin/sh ${home}/cron/watch.sh\n`);
    expect(tables.crontab).toBe(MINE);
  });

  it('else the crontab, behind what stands there', async () => {
    const { put, tables } = place({ crontab: MINE });
    expect((await put()).plan).toMatchObject({
      scheduler: 'crontab',
      skipped: [{ scheduler: 'scrontab', why: 'this cluster has no ScronParameters=enable' }],
    });
    expect(tables.crontab?.startsWith(MINE)).toBe(true);
  });

  it('else a timer of systemd, which is started and named when it stops at logout', async () => {
    const { put, root, calls } = place(
      {},
      {
        list: { code: 1, stderr: 'You (me) are not allowed to use this program (crontab)\n' },
        systemctl: { stdout: 'disabled\n' },
      },
    );
    const { plan, installed } = await put();
    expect(plan.scheduler).toBe('systemd');
    expect(plan.skipped[1]?.why).toContain('not allowed to use this program');
    expect(readFileSync(join(root, '.config/systemd/user/opsctl-watch.timer'), 'utf8')).toContain(
      'OnCalendar=',
    );
    expect(calls).toContain('systemctl --user enable --now opsctl-watch.timer');
    expect(installed.notes.join('\n')).toContain('loginctl enable-linger');
  });

  it('takes no timer where the user’s systemd cannot be spoken to, although it reads unit files', async () => {
    const { put, root } = place({}, { list: NOT_ALLOWED, noBus: true });
    await expect(put()).rejects.toThrow(/systemd: no systemd for this user: Failed to connect to bus/);
    expect(existsSync(join(root, '.config'))).toBe(false);
  });

  it.each(['daemon-reload', 'enable'])('leaves no unit behind when systemctl %s fails', async (fails) => {
    const { put, root, system } = place({}, { list: NOT_ALLOWED, fails, systemctl: { stdout: 'enabled\n' } });
    await expect(put()).rejects.toThrow(`systemctl --user ${fails}`);
    expect(readdirSync(join(root, '.config/systemd/user'))).toEqual([]);
    expect(await cronStatus(system, null)).toMatchObject({ state: 'missing', scheduler: null });
  });

  it('puts the units of before back when a change of them fails', async () => {
    const before = { list: NOT_ALLOWED, systemctl: { stdout: 'enabled\n' } };
    const { put, root, system } = place({}, before);
    await put();
    const unit = join(root, '.config/systemd/user/opsctl-watch.timer');
    const text = readFileSync(unit, 'utf8');
    const { exec } = standIns({}, { ...before, fails: 'daemon-reload' });
    const plan = await planInstallation(system, { ...WISH, every: 10 });
    await expect(install({ ...system, exec }, plan)).rejects.toThrow('daemon-reload');
    expect(readFileSync(unit, 'utf8')).toBe(text);
  });

  it('says of each scheduler why it cannot be used, and changes nothing', async () => {
    const { put, home } = place({}, { list: { missing: true, code: null } });
    await expect(put()).rejects.toThrow(
      /scrontab: this cluster has no .*; crontab: crontab is not here; systemd: no systemd for this user: .*No medium found/,
    );
    expect(existsSync(home)).toBe(false);
  });

  it('done twice is done once', async () => {
    const { put, tables } = place({ crontab: MINE });
    await put();
    const once = tables.crontab;
    expect((await put()).installed.changed).toBe(false);
    expect(tables.crontab).toBe(once);
  });

  it('moves from the crontab to scrontab when the cluster gets one', async () => {
    const { put, tables, system } = place({ crontab: MINE });
    await put();
    const { exec } = standIns(tables, { scron: true });
    const plan = await planInstallation({ ...system, exec }, WISH);
    expect((await install({ ...system, exec }, plan)).movedFrom).toEqual(['crontab']);
    expect(tables.crontab).toBe(MINE);
    expect(tables.scrontab).toContain('/cron/watch.sh');
  });

  it.each([
    ['it does not answer', { code: null, timedOut: true }, /did not answer/],
    [
      'it is not allowed',
      { code: 1, stderr: 'You (me) are not allowed to use this program (crontab)\n' },
      /not allowed/,
    ],
    [
      'its spool is broken',
      { code: 1, stderr: 'crontabs/me: fopen: Permission denied\n' },
      /Permission denied/,
    ],
    ['it is in another encoding', { stdout: '# \ufffd\ufffd\n' }, /not UTF-8/],
    [
      'its lines end as DOS ends them, as Debian lists that',
      { stdout: '0 3 * * * /bin/true\\r\n' },
      /DOS ends them/,
    ],
  ] as const)('does not write a crontab that cannot be read: %s', async (_what, list, why) => {
    const { put, calls } = place({ crontab: MINE }, { list });
    await expect(put({ scheduler: 'crontab' })).rejects.toThrow(why);
    expect(calls.filter((call) => call.startsWith('crontab'))).toEqual(['crontab -l']);
  });

  it('puts the crontab back when it was written half', async () => {
    let isFirst = true;
    const store = (text: string) => {
      const half = isFirst ? text.slice(0, 30) : text;
      isFirst = false;
      return half;
    };
    const { put, tables, home } = place({ crontab: MINE }, { store });
    await expect(put()).rejects.toMatchObject({ hint: expect.stringContaining('put back as it was') });
    expect(tables.crontab).toBe(MINE);
    expect(readFileSync(join(home, 'cron', 'crontab.before'), 'utf8')).toBe(MINE);
  });

  it('says where the old crontab is when it cannot be put back either', async () => {
    const { put, home } = place({ crontab: MINE }, { store: (text) => text.slice(0, 30) });
    await expect(put()).rejects.toMatchObject({
      hint: expect.stringContaining(`"crontab ${home}/cron/crontab.before" installs that`),
    });
    expect(readFileSync(join(home, 'cron', 'crontab.before'), 'utf8')).toBe(MINE);
  });

  it('does not believe an exit code: scrontab ends well when it has refused a line', async () => {
    const { put, tables } = place({ scrontab: MINE }, { scron: true, store: () => undefined });
    await expect(put()).rejects.toThrow(
      'scrontab did not take the new table: There are errors in your crontab.',
    );
    expect(tables.scrontab).toBe(MINE);
  });

  it('keeps its state for its owner alone, and refuses a place that others can change', async () => {
    const { put, home, root } = place({ crontab: MINE });
    await put();
    expect(statSync(home).mode & 0o777).toBe(0o700);
    expect(statSync(join(home, 'cron', 'watch.sh')).mode & 0o777).toBe(0o700);
    chmodSync(join(home, 'cron'), 0o770);
    await expect(put()).rejects.toThrow(/can be written by others/);
    rmSync(join(home, 'cron'), { recursive: true });
    mkdirSync(join(root, 'elsewhere'));
    symlinkSync(join(root, 'elsewhere'), join(home, 'cron'));
    await put();
    chmodSync(join(root, 'elsewhere'), 0o777);
    await expect(put()).rejects.toThrow(/can be written by others/);
  });
});

describe('cron remove', () => {
  it('leaves the crontab as it was', async () => {
    const { put, tables, system, home } = place({ crontab: MINE });
    await put();
    expect(await remove(system)).toEqual({ from: ['crontab'], left: [] });
    expect(tables.crontab).toBe(MINE);
    expect(existsSync(join(home, 'cron', 'watch.sh'))).toBe(false);
    expect(await remove(system)).toEqual({ from: [], left: [] });
  });

  it('takes a crontab away that was empty before', async () => {
    const { put, tables, system } = place({});
    await put();
    await remove(system);
    expect(tables.crontab).toBeUndefined();
  });

  it('names the machine in whose crontab it stands', async () => {
    const { put, tables, system, home } = place({});
    await put();
    delete tables.crontab;
    writeFileSync(
      join(home, 'cron', 'installed.json'),
      JSON.stringify({ scheduler: 'crontab', every: 5, host: 'login9', at: '2026-01-02T03:00:00Z' }),
    );
    expect((await remove(system)).left).toEqual(['crontab of login9: run "opsctl cron remove" there']);
  });

  it('takes out the units that a failed install has left where no systemd can be spoken to, and all is well', async () => {
    const { put, root, system } = place({}, { list: NOT_ALLOWED, systemctl: { stdout: 'enabled\n' } });
    await put();
    const units = join(root, '.config/systemd/user');
    mkdirSync(join(units, 'timers.target.wants'));
    symlinkSync('../opsctl-watch.timer', join(units, 'timers.target.wants', 'opsctl-watch.timer'));
    const silent = { ...system, exec: standIns({}, { noBus: true }).exec };
    expect(await cronStatus(silent, null)).toMatchObject({ state: 'missing', scheduler: null });
    expect(await remove(silent)).toEqual({ from: ['systemd'], left: [] });
    expect(readdirSync(units, { recursive: true })).toEqual(['timers.target.wants']);
    expect(await remove(silent)).toEqual({ from: [], left: [] });
  });

  it('does not say that it is gone when the crontab cannot be read', async () => {
    const { put, tables, system } = place({});
    await put();
    const { exec } = standIns(tables, { list: { code: null, timedOut: true } });
    expect(await remove({ ...system, exec })).toEqual({
      from: [],
      left: ['crontab: crontab -l did not answer'],
    });
  });
});

describe('cron status', () => {
  const NOW = Date.parse('2026-01-02T03:00:00Z');
  const ago = (minutes: number) => NOW - minutes * 60_000;
  const KNOWN: Known = {
    entry: { disabled: false },
    isUnreadable: false,
    lastLookMs: ago(4),
    installedMs: ago(600),
    every: 5,
    now: NOW,
  };

  it.each<[string, Partial<Known>, State]>([
    ['looks, when the last one is young enough', {}, 'looking'],
    ['still looks, when two were missed', { lastLookMs: ago(14) }, 'looking'],
    ['is late, when three were missed', { lastLookMs: ago(16) }, 'late'],
    ['is late, when it never looked', { lastLookMs: null }, 'late'],
    ['waits, when it was installed just now', { lastLookMs: null, installedMs: ago(3) }, 'waiting'],
    ['is switched off, however young the last look is', { entry: { disabled: true } }, 'disabled'],
    ['is elsewhere, when only its looks are seen', { entry: undefined }, 'elsewhere'],
    ['is missing, when nothing is seen', { entry: undefined, lastLookMs: ago(90) }, 'missing'],
    ['is not known, when the crontab cannot be read', { entry: undefined, isUnreadable: true }, 'unknown'],
  ])('%s', (_what, over, state) => {
    expect(stateOf({ ...KNOWN, ...over })).toBe(state);
  });

  it('reads the sign of life of the last look, and of the site’s heartbeat', async () => {
    const { put, system, home, root } = place({});
    await put();
    expect(await cronStatus(system, null)).toMatchObject({
      state: 'waiting',
      scheduler: 'crontab',
      lastLook: null,
    });
    mkdirSync(join(home, 'watch'));
    const sign = join(home, 'watch', 'beat.json');
    writeFileSync(sign, '{"at":"2026-01-02T02:00:05Z","host":"login1","pid":6,"accountedAt":null,"ticks":3}');
    expect((await cronStatus(system, null)).lastLook).toMatchObject({ secondsAgo: 3840 });
    const heartbeat = join(root, 'beat');
    writeFileSync(heartbeat, '{"at":"2026-01-02T03:03:05Z","host":"login2","pid":7}');
    const status = await cronStatus(system, heartbeat);
    expect(status).toMatchObject({ state: 'looking', lastLook: { secondsAgo: 60 } });
    expect(status.installedOn).toBe(hostname().split('.')[0]);
  });
});

describe('the script that cron starts', () => {
  it('runs opsctl with the same paths and variables, whatever is in them, and keeps what it says', () => {
    const { root } = place({});
    const home = join(root, "it's $HOME `x` 张三");
    mkdirSync(join(home, 'cron'), { recursive: true });
    const node = join(root, 'node');
    writeFileSync(node, '#!/bin/sh\nprintf "%s|" "$OPSCTL_HOME" "$LANG" "$SECRET" "$PATH" "$@"; exit 1\n');
    chmodSync(node, 0o700);
    const text = watcherScript({
      node,
      opsctl: '/opt/ops ctl/bin/opsctl.cjs',
      home,
      config: '/home/me/$(touch x).yaml',
      profile: 'a b',
      env: { LANG: 'zh_CN.UTF-8' },
      slurm: '/opt/slurm/bin',
    });
    const script = join(root, 'watch.sh');
    writeFileSync(script, text);
    expect(() =>
      execFileSync('/bin/sh', [script], { env: { SECRET: 'no' }, cwd: root, stdio: 'pipe' }),
    ).toThrow(/Command failed/);
    expect(readFileSync(join(home, 'cron', 'watch.log'), 'utf8')).toBe(
      `${[home, 'zh_CN.UTF-8', 'no', `/opt/slurm/bin:${root}:/usr/local/bin:/usr/bin:/bin`, '/opt/ops ctl/bin/opsctl.cjs', '--config', '/home/me/$(touch x).yaml', '--profile', 'a b', 'watch', '--once'].join('|')}|`,
    );
    expect(existsSync(join(root, 'x'))).toBe(false);
  });

  it('keeps two megabytes of it at most', () => {
    const { root } = place({});
    mkdirSync(join(root, 'cron'));
    writeFileSync(join(root, 'cron', 'watch.log'), 'x'.repeat(1_100_000));
    const text = watcherScript({
      node: '/bin/true',
      opsctl: 'o',
      home: root,
      config: null,
      profile: null,
      env: {},
      slurm: null,
    });
    execFileSync('/bin/sh', ['-c', text]);
    expect(statSync(join(root, 'cron', 'watch.log')).size).toBe(0);
    expect(statSync(join(root, 'cron', 'watch.log.1')).size).toBe(1_100_000);
  });
});
