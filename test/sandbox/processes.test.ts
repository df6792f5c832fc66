import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { isAlive, parseEnvironment, parseStat, processId } from '../../src/sandbox/processes.ts';

describe('parseStat', () => {
  const tail = '1 10 10 0 -1 4194560 100 0 0 0 1 2 0 0 20 0 1 0 98765 1000 10';

  it('reads parent and start time behind a name with spaces and parentheses', () => {
    const text = `42 (a) S (b) c) S ${tail}`;
    expect(parseStat(text)).toEqual({ parent: 1, startTime: '98765', zombie: false });
  });

  it('knows a zombie', () => {
    expect(parseStat(`42 (sleep) Z ${tail}`)?.zombie).toBe(true);
  });

  it('knows that there is no process', () => {
    expect(parseStat('')).toBeUndefined();
  });
});

describe('parseEnvironment', () => {
  it('keeps "=" in values', () => {
    expect(parseEnvironment('A=1\0B=x=y\0')).toEqual(
      new Map([
        ['A', '1'],
        ['B', 'x=y'],
      ]),
    );
  });
});

describe('isAlive', () => {
  it('does not take a later process for the one that had its number', async () => {
    const own = await processId(process.pid);
    expect(own && (await isAlive(own))).toBe(true);
    expect(await isAlive({ pid: process.pid, startTime: '1' })).toBe(false);
  });

  it('says no once it has ended', async () => {
    const child = spawn('sleep', ['60']);
    const id = await processId(child.pid ?? 0);
    expect(id && (await isAlive(id))).toBe(true);
    child.kill('SIGKILL');
    await once(child, 'exit');
    expect(id && (await isAlive(id))).toBe(false);
  });
});
