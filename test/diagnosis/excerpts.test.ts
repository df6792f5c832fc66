import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { diagnoseText } from './engine.ts';

interface Excerpt {
  readonly id: string;
  readonly label: string;
  readonly sure: boolean;
  readonly text: string;
}

const fixtures = join(import.meta.dirname, '..', 'fixtures');

/** What people posted in public issues, shortened, with its source: labelled by a person before the engine read it. */
const excerpts = readdirSync(fixtures)
  .filter((name) => /^excerpts(?:-\d+)?\.jsonl$/.test(name))
  .flatMap((name) => readFileSync(join(fixtures, name), 'utf8').trim().split('\n'))
  .map((line) => JSON.parse(line) as Excerpt);

/** Pairs of which either is fair. */
const EITHER = JSON.parse(
  readFileSync(join(fixtures, 'either.json'), 'utf8'),
) as readonly (readonly string[])[];

const answers = await Promise.all(
  excerpts.map(async ({ id, label, sure, text }) => {
    const { status, causes } = await diagnoseText(text);
    const got = causes[0]?.fault ?? status;
    const right = got === label || EITHER.some((pair) => pair.includes(got) && pair.includes(label));
    return { id, label, sure, got, right, confidence: causes[0]?.confidence ?? 0 };
  }),
);

describe('excerpts of real logs', () => {
  it('are named rightly in 97 of 100 cases', () => {
    const sure = answers.filter((answer) => answer.sure);
    const wrong = sure.filter(({ right }) => !right);
    expect(wrong.length / sure.length, JSON.stringify(wrong)).toBeLessThanOrEqual(0.03);
  });

  it('are never named wrongly with confidence', () => {
    expect(answers.filter(({ sure, right, confidence }) => sure && !right && confidence >= 0.8)).toEqual([]);
  });

  it('of runs that are fine have no fault', () => {
    expect(answers.filter(({ label, right }) => label === 'healthy' && !right)).toEqual([]);
  });
});
