import { UsageError } from '../errors.ts';
import type { FrontMatter } from './front-matter.ts';
import { precompiled } from './precompiled.ts';
import { type Compiled, compile, fromBuild } from './render.ts';

export interface TemplateFile {
  readonly path: string;
  readonly front: FrontMatter;
  readonly compiled: Compiled;
}

/**
 * Reads one template: front matter, YAML between two lines of `---`, and body.
 * @throws UsageError naming the file and what is wrong in it.
 */
export async function readTemplate(path: string, source: string): Promise<TemplateFile> {
  const fromPackage = await precompiled.get(source)?.();
  if (fromPackage) {
    const { front, specification } = fromPackage.built;
    return { path, front, compiled: fromBuild(specification) };
  }
  const { parseFrontMatter } = await import('./front-matter.ts');
  const { front, body } = splitTemplate(path, source);
  const parsed = parseFrontMatter(path, front);
  try {
    return { path, front: parsed, compiled: await compile(body) };
  } catch (error) {
    throw new UsageError(`${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/** The two parts of a template's text. */
export function splitTemplate(path: string, source: string): { front: string; body: string } {
  const text = source.replace(/^\ufeff/, '').replaceAll('\r\n', '\n');
  const match = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(text);
  if (match) return { front: match[1] ?? '', body: match[2] ?? '' };
  throw new UsageError(`${path}: does not begin with its front matter, YAML between two lines of "---"`);
}
