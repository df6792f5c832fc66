import {
  chmodSync,
  chownSync,
  lchownSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { refuseUntrustedState } from '../../src/system/own-directory.ts';
import { refuseReplaceable, refuseShared, refuseUntrusted } from '../../src/system/trusted.ts';
import { asNoRoot } from '../support/as-other.ts';

/** base-passwd's `games`, whom every Debian has and nobody is. */
const OTHER = 5;
const isRoot = process.getuid?.() === 0;

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(realpathSync(tmpdir()), 'opsctl-trusted-'));
  onTestFinished(() => rmSync(place, { recursive: true, force: true }));
});

const directory = (...parts: string[]): string => {
  const path = join(place, ...parts);
  mkdirSync(path, { recursive: true, mode: 0o755 });
  chmodSync(path, 0o755);
  return path;
};

describe('what opsctl acts on', () => {
  it('is refused in words where it cannot even be looked at', async () => {
    const path = join(directory('state', 'runs'), 'sft-tiny');
    chmodSync(join(place, 'state'), 0o700);
    if (!isRoot) chmodSync(join(place, 'state', 'runs'), 0o000);
    await asNoRoot(() =>
      expect(() => refuseShared(path)).toThrow(
        expect.objectContaining({ exitCode: 1, message: expect.stringContaining(`cannot read ${path}`) }),
      ),
    );
    chmodSync(join(place, 'state', 'runs'), 0o755);
  });

  it('may lie behind a link of one’s own, and in /tmp, where nobody can replace what is another’s', () => {
    symlinkSync(directory('disk', 'state'), join(place, 'state'));
    expect(() => refuseUntrusted(join(place, 'state'))).not.toThrow();
    expect(refuseReplaceable(join(place, 'state'))).toBe(join(place, 'disk', 'state'));
  });

  it.each([0o775, 0o757])('is not of mode %o, and the refusal names it and says what to type', (mode) => {
    const path = directory('state');
    chmodSync(path, mode);
    expect(() => refuseUntrusted(path)).toThrow(
      expect.objectContaining({
        exitCode: 1,
        message: expect.stringContaining(`${path} can be written by others`),
        hint: `chmod go-w ${path}`,
      }),
    );
    expect(() => refuseReplaceable(path)).not.toThrow();
  });

  it('lies nowhere where everybody may put another in its place', () => {
    const path = directory('open', 'state');
    chmodSync(join(place, 'open'), 0o777);
    for (const refuse of [refuseUntrusted, refuseReplaceable])
      expect(() => refuse(path)).toThrow(`lies below ${join(place, 'open')}, which everybody may write to`);
  });

  it.skipIf(!isRoot)('belongs to nobody else, and no part of its path is somebody else’s link', () => {
    const path = directory('state');
    symlinkSync(place, join(place, 'through'));
    lchownSync(join(place, 'through'), OTHER, OTHER);
    for (const refuse of [refuseUntrusted, refuseReplaceable])
      expect(() => refuse(join(place, 'through', 'state'))).toThrow(
        `${join(place, 'through')} is a link that another user has made (uid 5)`,
      );
    chownSync(path, OTHER, OTHER);
    for (const refuse of [refuseUntrusted, refuseReplaceable])
      expect(() => refuse(path)).toThrow(`${path} belongs to another user (uid 5)`);
  });
});

describe('the state directory', () => {
  const check = () => refuseUntrustedState({ env: { OPSCTL_HOME: join(place, 'state') } });

  it('that is not there yet is no danger', () => {
    expect(check).not.toThrow();
  });

  it.each(['runs', 'journal', 'jobs', 'alerts', 'watch', 'pipelines'])(
    'is refused when everybody may write to its %s',
    (part) => {
      const path = directory('state', part);
      expect(check).not.toThrow();
      chmodSync(path, 0o777);
      expect(check).toThrow(`${path} can be written by others`);
      // A link to such a place is no way round.
      renameSync(path, join(place, 'elsewhere'));
      symlinkSync(join(place, 'elsewhere'), path);
      expect(check).toThrow(`${path} can be written by others`);
    },
  );

  it.skipIf(!isRoot)('is refused when a document in it is another user’s, or a link of his', () => {
    const path = join(directory('state'), 'exclusions.json');
    symlinkSync('/etc/hostname', path);
    lchownSync(path, OTHER, OTHER);
    expect(check).toThrow(`${path} belongs to another user`);
    rmSync(path);
    writeFileSync(path, '[]');
    chownSync(path, OTHER, OTHER);
    expect(check).toThrow(`${path} belongs to another user`);
  });
});
