import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { verdict } from './engine.ts';

/** What torchrun 1.13 and its ranks wrote on two nodes when one rank got SIGKILL: recorded. */
const killed = readFileSync(join(import.meta.dirname, '..', 'fixtures', 'sigkill-two-nodes.log'), 'utf8');
const complaints = [...killed.matchAll(/^RuntimeError: \[.*gloo.*$/gm)];

/** The log with something in place of one rank's last line, for every place at which that line can be torn. */
function* torn(instead: (first: string, rest: string) => string): Generator<string> {
  const [{ 0: line, index } = { 0: '', index: 0 }] = complaints;
  for (let cut = 1; cut < line.length; cut += 1) {
    const text = instead(line.slice(0, cut), line.slice(cut));
    yield killed.slice(0, index) + text + killed.slice(index + line.length);
  }
}

/** What the logs are called, each once. */
async function verdicts(logs: Iterable<string>): Promise<string[]> {
  const found = new Set<string>();
  for (const log of logs) found.add(await verdict(log));
  return [...found];
}

describe('the last line of a rank that lost a peer', () => {
  it('is there on both nodes', () => {
    expect(complaints.length).toBeGreaterThanOrEqual(2);
  });

  it('may end anywhere, since the process was killed while it wrote', async () => {
    expect(await verdicts(torn((first) => first))).toEqual(['killed-external']);
  });

  it('may go on behind the line of another', async () => {
    expect(await verdicts(torn((first, rest) => `${first}\nstep=40/100000 loss=2.3\n${rest}`))).toEqual([
      'killed-external',
    ]);
  });
});
