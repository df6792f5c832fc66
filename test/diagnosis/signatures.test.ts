import { describe, expect, it } from 'vitest';
import { compileMatcher } from '../../src/diagnosis/matcher.ts';
import { parseLine } from '../../src/diagnosis/prefix.ts';
import type { Signature } from '../../src/runbook/schema.ts';
import { runbooks } from './engine.ts';

/** What launchers and loggers put before a line. */
const PREFIXES = [
  '',
  '3: ',
  ' 12: ',
  '[rank7]: ',
  '[default3]:',
  '[1,10]<stderr>:',
  'gnode07: ',
  '[gnode07:3] ',
  '(RayWorker pid=12, ip=10.0.0.3) ',
  '\u001b[36m(RayWorker pid=12)\u001b[0m ',
  '2026-11-23T19:02:37 ',
  '0: [rank0]: ',
];

/** One signature alone. Noise speaks against others only, so it is tried as a root. */
function says(fault: string, signature: Signature, line: string): boolean {
  const role = signature.role === 'noise' ? 'root' : signature.role;
  const runbook = {
    fault,
    path: '',
    body: '',
    bodyZh: '',
    front: { title: '', summary: '', signatures: [{ ...signature, role }] },
  };
  return compileMatcher([runbook]).match(parseLine(line).text, signature.within?.[0] ?? '').length > 0;
}

const signatures = runbooks.flatMap(({ fault, front }) =>
  front.signatures.map((signature) => [`${fault}/${signature.id}`, fault, signature] as const),
);

describe('every signature', () => {
  it.each(signatures)('%s matches its own lines behind every prefix', (_name, fault, signature) => {
    const missed = signature.hit.flatMap((line) =>
      PREFIXES.map((prefix) => prefix + line).filter((whole) => !says(fault, signature, whole)),
    );
    expect(missed).toEqual([]);
  });

  it.each(signatures)('%s leaves its near misses alone', (_name, fault, signature) => {
    expect(signature.miss.filter((line) => says(fault, signature, line))).toEqual([]);
  });

  it.each(signatures)('%s has lines of both kinds', (_name, _fault, signature) => {
    expect([signature.hit.length > 0, signature.miss.length > 0]).toEqual([true, true]);
  });
});

it('takes a host and its process for a node, and a file and its line for none', () => {
  expect(parseLine('[gnode07:3] CUDA out of memory')).toMatchObject({ node: 'gnode07' });
  for (const place of ['core.py:39', 'engine.cc:7', 'lib.rs:120'])
    expect(parseLine(`[${place}] CUDA out of memory`).node ?? null).toBeNull();
  for (const program of ['cc1plus', 'python3.11'])
    expect(parseLine(`${program}: error: no such option`).node ?? null).toBeNull();
});
