import { readdirSync, readFileSync } from 'node:fs';
import type { Knowledge } from '../../src/trainer/check.ts';
import type { FlagList } from '../../src/trainer/flag-list.ts';
import { loadKnowledge } from '../../src/trainer/knowledge.ts';

/** The package's own lists, and no site's. */
export const knowledge: Knowledge = await loadKnowledge({ XDG_CONFIG_HOME: '/nonexistent' });

/** Every list of the package, with its path. */
export const packageLists = readdirSync('trainers', { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.json') && !name.startsWith('changes'))
  .sort()
  .map((name) => ({ name, list: JSON.parse(readFileSync(`trainers/${name}`, 'utf8')) as FlagList }));
