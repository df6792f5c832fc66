import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { entryIn, withBlock, withoutBlock } from '../../src/cron/block.ts';
import { crontabBlock, minutesOf, scrontabBlock, timerUnits } from '../../src/cron/entry.ts';
import { checkHome } from '../../src/cron/watcher.ts';

const HOME = '/home/me/.local/state/opsctl';
const BLOCK = crontabBlock(HOME, { every: 5, uid: 1003 });
const ENTRY = `3,8,13,18,23,28,33,38,43,48,53,58 * * * * /bin/sh ${HOME}/cron/watch.sh`;

/** Lines as users have them, with what editors and other systems leave behind. */
const userLine = fc.oneof(
  fc.constantFrom(
    '',
    '# my jobs',
    'MAILTO=me@example.org',
    '0 3 * * * /home/me/backup.sh',
    '*/5 * * * * echo 100\\%',
    '# <<< opsctl cron /another/home <<<',
    '#SCRON --qos=cron',
    '5 * * * * opsctl watch --once',
    '30 2 * * 1 备份.sh',
  ),
  fc.string().map((text) => text.replaceAll(/[\n\r]/g, ' ')),
);
const userTable = fc
  .tuple(fc.array(userLine, { maxLength: 8 }), fc.constantFrom('\n', '\r\n'), fc.boolean())
  .map(([lines, newline, ended]) => lines.join(newline) + (ended && lines.length > 0 ? newline : ''));

describe('the lines of opsctl in a crontab', () => {
  it('stand at its end, between two markers', () => {
    expect(withBlock('0 3 * * * backup\n', BLOCK).split('\n')).toEqual([
      '0 3 * * * backup',
      expect.stringMatching(/^# >>> opsctl cron \/home\/me\/\.local\/state\/opsctl: /),
      ENTRY,
      `# <<< opsctl cron ${HOME} <<<`,
      '',
    ]);
  });

  it('leave every other line as it is, byte for byte, in any table', () => {
    fc.assert(
      fc.property(userTable, (table) => {
        const ended = table === '' || table.endsWith('\n') ? table : `${table}\n`;
        const installed = withBlock(table, BLOCK);
        expect(installed.startsWith(ended)).toBe(true);
        expect(withoutBlock(installed, BLOCK)).toBe(ended);
        expect(withoutBlock(table, BLOCK)).toBe(table);
      }),
    );
  });

  it('are there once, however often and with whatever rhythm they are written', () => {
    fc.assert(
      fc.property(userTable, fc.constantFrom(1, 5, 10, 60), (table, every) => {
        const other = scrontabBlock(HOME, { every, uid: 7 }, ['--qos=cron']);
        const twice = withBlock(withBlock(table, BLOCK), other);
        expect(twice).toBe(withBlock(table, other));
        expect(withBlock(twice, other)).toBe(twice);
      }),
    );
  });

  it('do not mind a table that an editor has saved with CRLF', () => {
    const saved = withBlock('a\n', BLOCK).replaceAll('\n', '\r\n');
    expect(entryIn(saved, HOME)).toEqual({ line: ENTRY, disabled: false });
    expect(withoutBlock(saved, BLOCK)).toBe('a\r\n');
  });

  it('do not take a line with them that somebody put between them', () => {
    const edited = withBlock('', BLOCK).replace(ENTRY, `${ENTRY}\n0 4 * * * mine`);
    expect(withoutBlock(edited, BLOCK)).toBe('0 4 * * * mine\n');
  });

  it('leave those of another state directory alone', () => {
    const other = crontabBlock('/scratch/me/opsctl', { every: 5, uid: 1 });
    const both = withBlock(withBlock('', other), BLOCK);
    expect(withoutBlock(both, BLOCK)).toBe(withBlock('', other));
  });

  it.each([
    ['the end is gone', (text: string) => text.replace(/# <<<.*\n/, '')],
    ['the end is gone and they were written again', (text: string) => text.replace(/# <<<.*\n/, '') + text],
  ])('are not touched when %s: where they end is not guessed', (_what, damage) => {
    const damaged = `${damage(withBlock('0 3 * * * backup\n', BLOCK))}0 4 * * * mine\n`;
    expect(() => withoutBlock(damaged, BLOCK)).toThrow(/line 2 of the crontab begins opsctl's lines/);
    expect(() => withBlock(damaged, BLOCK)).toThrow(/their end is missing/);
  });

  it('are known to be switched off when Slurm has put #DISABLED before them', () => {
    const block = scrontabBlock(HOME, { every: 5, uid: 1003 }, []);
    const cancelled = withBlock('', block)
      .split('\n')
      .map((line) => (/^#SCRON|^\d/.test(line) ? `#DISABLED: ${line}` : line))
      .join('\n');
    expect(entryIn(cancelled, HOME)).toEqual({ line: ENTRY, disabled: true });
    expect(withoutBlock(cancelled, block)).toBe('');
  });
});

describe('when the watcher looks', () => {
  it('is another minute for another user, and as often as was asked for', () => {
    fc.assert(
      fc.property(fc.constantFrom(1, 2, 5, 15, 30, 60), fc.nat(), (every, uid) => {
        const minutes = minutesOf({ every, uid });
        expect(minutes).toHaveLength(60 / every);
        expect(minutes.every((minute) => minute >= 0 && minute < 60 && minute % every === uid % every)).toBe(
          true,
        );
      }),
    );
    expect(minutesOf({ every: 20, uid: 1003 })).toEqual([3, 23, 43]);
  });

  it('is the same for systemd', () => {
    const units = timerUnits(HOME, { every: 20, uid: 1003 }, 'opsctl-watch');
    expect(units['opsctl-watch.timer']).toContain('OnCalendar=*-*-* *:03,23,43:00\n');
    expect(units['opsctl-watch.service']).toContain(`ExecStart=/bin/sh "${HOME}/cron/watch.sh"\n`);
  });
});

describe('a state directory', () => {
  it.each(['/home/100%/x', '/home/a\\b', "/home/it's", '/home/$USER', '/home/a\nb', '/home/"a"'])(
    'with a name that cron or systemd reads as something else is refused: %j',
    (home) => {
      expect(() => checkHome(home)).toThrow(/in its name/);
    },
  );

  it('with spaces or Chinese in its name is one word for the shell', () => {
    expect(() => checkHome('/home/张三/my state')).not.toThrow();
    expect(crontabBlock('/home/张三/my state', { every: 60, uid: 0 }).lines).toEqual([
      "0 * * * * /bin/sh '/home/张三/my state/cron/watch.sh'",
    ]);
  });
});
