import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { claimDirectory, ensureDirectory, readIfThere, writeAtomic } from '../../src/system/files.ts';

let place: string;
beforeEach(() => {
  place = mkdtempSync(join(tmpdir(), 'opsctl-files-'));
});
afterEach(() => rmSync(place, { recursive: true }));

describe('writeAtomic', () => {
  it('puts the whole text in place with its mode, and leaves nothing beside it', async () => {
    const path = join(place, 'a');
    await writeAtomic(path, 'old');
    await writeAtomic(path, 'new', 0o640);
    expect(readFileSync(path, 'utf8')).toBe('new');
    expect(statSync(path).mode & 0o777).toBe(0o640);
    expect(readdirSync(place)).toEqual(['a']);
  });

  it('names the path and the reason when it cannot, and leaves what was there', async () => {
    mkdirSync(join(place, 'd', 'x'), { recursive: true });
    await expect(writeAtomic(join(place, 'd'), 'text')).rejects.toThrow(`cannot write ${join(place, 'd')}`);
    expect(readdirSync(place)).toEqual(['d']);
    await expect(writeAtomic(join(place, 'none', 'a'), 'text')).rejects.toMatchObject({
      exitCode: 1,
      hint: 'The directory above it does not exist.',
    });
  });

  it('gives every one of many writers a whole file', async () => {
    const path = join(place, 'a');
    const texts = Array.from({ length: 20 }, (_, index) => String(index).repeat(5000));
    await Promise.all(texts.map((text) => writeAtomic(path, text)));
    expect(texts).toContain(readFileSync(path, 'utf8'));
  });
});

describe('ensureDirectory', () => {
  it('makes what lies above, and is content with what is there', async () => {
    await ensureDirectory(join(place, 'a', 'b', 'c'));
    await ensureDirectory(join(place, 'a', 'b', 'c'));
    await ensureDirectory('/');
    expect(statSync(join(place, 'a', 'b', 'c')).mode & 0o777).toBe(0o700);
  });

  it('does not hang below /proc, where nothing can be made', async () => {
    await expect(ensureDirectory('/proc/opsctl/x')).rejects.toThrow(
      'cannot make the directory /proc/opsctl/x',
    );
  });
});

describe('claimDirectory', () => {
  it('lets one of many have it', async () => {
    const claims = await Promise.all(Array.from({ length: 8 }, () => claimDirectory(join(place, 'run'))));
    expect(claims.filter(Boolean)).toHaveLength(1);
  });
});

describe('readIfThere', () => {
  it('has nothing for a file that is not there, nor for one below a file', async () => {
    writeFileSync(join(place, 'f'), 'x');
    expect(await readIfThere(join(place, 'none'))).toBeUndefined();
    expect(await readIfThere(join(place, 'f', 'g'))).toBeUndefined();
    await expect(ensureDirectory(join(place, 'f', 'g'))).rejects.toThrow('cannot make the directory');
  });
});
