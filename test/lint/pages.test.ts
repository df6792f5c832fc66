import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { lintText, NO_SITE } from '../../src/lint/lint.ts';
import { rules } from '../../src/lint/register.ts';
import type { Site } from '../../src/lint/rule.ts';
import { loadKnowledge } from '../../src/trainer/knowledge.ts';

/** The cluster that the page of `time-limit` speaks of. */
const SITE: Site = {
  ...NO_SITE,
  partitions: new Map([['gpu', 86_400]]),
  trainers: await loadKnowledge({ XDG_CONFIG_HOME: '/nonexistent' }),
};

function example(page: string, heading: string): string {
  const text = page.split(`## ${heading}\n\n\`\`\`bash\n`)[1]?.split('```')[0] ?? '';
  return text.replaceAll('␍', '\r');
}

function found(text: string): string[] {
  return lintText('job.sbatch', text, SITE).findings.map(({ rule }) => rule);
}

describe('the pages of the rules', () => {
  it('are one for each rule', () => {
    const pages = readdirSync('docs/lint').map((name) => name.replace(/\.md$/, ''));
    expect(pages.sort()).toEqual(rules.map(({ id }) => id).sort());
  });

  it.each(rules)(
    '$id: what is called wrong fires, what is called right does not',
    ({ id, severity, summary }) => {
      const page = readFileSync(`docs/lint/${id}.md`, 'utf8');
      expect(page).toContain(`${summary}. Severity: ${severity}.`);
      expect(example(page, 'Wrong')).not.toBe('');
      expect(found(example(page, 'Wrong'))).toContain(id);
      expect(
        found(example(page, 'Right')).filter((rule) => rule === id || rule !== 'kill-on-bad-exit'),
      ).toEqual([]);
    },
  );
});

describe('the scripts that opsctl renders', () => {
  const golden = readdirSync('test/golden').filter((name) => name.endsWith('.sbatch'));
  it.each(golden)('%s has nothing to be found', (name) => {
    expect(lintText(name, readFileSync(`test/golden/${name}`, 'utf8'), SITE).findings).toEqual([]);
  });
});
