import { isAlias, isMap, type Node, parseDocument } from 'yaml';
import { UsageError } from '../errors.ts';
import { parseDuration } from '../slurm/duration.ts';
import { check } from './check.ts';
import type { Entry, Scalar, Value } from './findings.ts';
import { type Config, configSchema } from './schema.ts';
import {
  addEntries,
  applyEdits,
  type Edit,
  insertLines,
  type ParsedPair,
  pairOf,
  replaceValue,
} from './yaml-edit.ts';
import { parseYaml, type YamlFile } from './yaml-file.ts';
import { blockLines, flowText, isMapValue } from './yaml-write.ts';

/** The cluster says one thing and the file another. */
export interface Difference {
  /** Within the profile: `partitions.gpu.max_time`. */
  readonly key: string;
  readonly file: string;
  readonly cluster: string;
  readonly line: number | null;
  readonly action: 'kept' | 'updated';
}

export interface Merged {
  readonly text: string;
  readonly differences: readonly Difference[];
  /** Keys that the file did not have, within the profile; `(profile)` when all of it is new. */
  readonly added: readonly string[];
}

interface Target {
  readonly path: string;
  readonly profile: string;
  /** Take the cluster's values where they differ. */
  readonly update: boolean;
}

const HEADER = [
  '# Configuration of opsctl: what it knows of a cluster. Written by "opsctl init"; edit it freely.',
  '# Running "opsctl init" again adds what is new and tells what differs; with --update it also takes over what',
  '# the cluster says. "opsctl config" shows every value and where it came from. For completion in an editor:',
  '# "opsctl config --schema > opsctl.schema.json", and as the first line of this file',
  '# "# yaml-language-server: $schema=opsctl.schema.json".',
];

/**
 * The file with a profile of these entries: a new one, or what was there with keys added. Only the lines that
 * change are touched; every other one, its comments and other profiles stay byte for byte.
 * @throws UsageError when the file is not valid, or cannot be edited without changing more than that.
 */
export function mergeProfile(
  existing: string | undefined,
  entries: readonly Entry[],
  target: Target,
): Merged {
  if (existing === undefined || existing.trim() === '') {
    const top = [entryOf('version', 1), entryOf('profile', target.profile)];
    const lines = [...HEADER, ...blockLines(top, ''), 'profiles:', `  ${flowText(target.profile)}:`];
    const text = [...lines, ...blockLines(entries, '    ', true), ''].join('\n');
    return { text: verified(target, text), differences: [], added: ['(profile)'] };
  }
  const file = parseYaml(target.path, existing);
  const config = check(configSchema, file);
  if (!Object.hasOwn(config.profiles, target.profile))
    return withNewProfile(existing, config, entries, target);
  return withChanges(existing, file, entries, target);
}

/**
 * The profiles of a file, each with the cluster it stands for: a person may call it anything.
 * @throws UsageError when the file is not valid.
 */
export function profilesIn(path: string, existing: string | undefined): Map<string, string | null> {
  if (existing === undefined) return new Map();
  const { profiles } = check(configSchema, parseYaml(path, existing));
  return new Map(Object.entries(profiles).map(([name, profile]) => [name, profile.cluster]));
}

/** The profile that a file chooses, or the only one; null where neither is so. */
export function profileInForce(path: string, text: string): string | null {
  const { profile, profiles } = check(configSchema, parseYaml(path, text));
  const [only, ...others] = Object.keys(profiles);
  return profile ?? (others.length === 0 ? (only ?? null) : null);
}

function withNewProfile(text: string, config: Config, entries: readonly Entry[], target: Target): Merged {
  const top = parseDocument<Node>(text).contents;
  const profiles = pairOf(top, 'profiles');
  const profile: Entry = { kind: 'fact', key: target.profile, value: { entries }, comment: [] };
  const edits: Edit[] = [];
  if (profiles) {
    // With one profile none had to be chosen; with two the one that was used stays the one that is.
    const [only, ...others] = Object.keys(config.profiles);
    const at = profiles.key.range?.[0] ?? 0;
    if (only !== undefined && others.length === 0 && !pairOf(top, 'profile') && !isFlow(top)) {
      edits.push({ from: at, to: at, text: `profile: ${flowText(only)}\n` });
    }
    edits.push(...addEntries(text, profiles, [profile], { spaced: true, inFlow: isFlow(top) }));
  } else {
    const whole: Entry = { kind: 'fact', key: 'profiles', value: { entries: [profile] }, comment: [] };
    edits.push(insertLines(text, text.length, blockLines([whole], ''), false));
  }
  return { text: verified(target, applyEdits(text, edits)), differences: [], added: ['(profile)'] };
}

function withChanges(text: string, file: YamlFile, entries: readonly Entry[], target: Target): Merged {
  const document = parseDocument<Node>(text);
  const profile = pairOf(pairOf(document.contents, 'profiles')?.value, target.profile);
  const result: { edits: Edit[]; differences: Difference[]; added: string[] } = {
    edits: [],
    differences: [],
    added: [],
  };
  const walk = (
    parent: ParsedPair,
    wanted: readonly Entry[],
    keyPath: readonly string[],
    inFlow: boolean,
  ): void => {
    // What an alias stands for belongs to another place too: a person has to decide.
    if (isAlias(parent.value)) return;
    const flow = inFlow || isFlow(parent.value);
    const missing: Entry[] = [];
    for (const entry of wanted) {
      const path = [...keyPath, entry.key];
      const pair = pairOf(parent.value, entry.key);
      const inside = isMapValue(entry.value) ? entry.value.entries : undefined;
      if (!pair) {
        if (entry.kind !== 'blank' && !entry.implied) missing.push(entry);
      } else if (inside) {
        walk(pair, inside, path, flow);
      } else if (entry.kind === 'fact' && !isAlias(pair.value)) {
        compare(pair, entry, path);
      }
    }
    if (missing.length === 0) return;
    result.edits.push(...addEntries(text, parent, missing, { inFlow, spaced: keyPath.length === 0 }));
    result.added.push(...missing.map((entry) => [...keyPath, entry.key].join('.')));
  };
  const compare = (pair: ParsedPair, entry: Entry, keyPath: readonly string[]): void => {
    const found: unknown = pair.value?.toJS(document) ?? null;
    if (equal(found, entry.value) || sameTime(entry.key, found, entry.value)) return;
    result.differences.push({
      key: keyPath.join('.'),
      file: flowText(found as Scalar | Scalar[]),
      cluster: flowText(entry.value),
      line: file.line(['profiles', target.profile, ...keyPath]) ?? null,
      action: target.update ? 'updated' : 'kept',
    });
    if (target.update) result.edits.push(replaceValue(text, pair, entry));
  };
  if (profile)
    walk(
      profile,
      entries,
      [],
      isFlow(document.contents) || isFlow(pairOf(document.contents, 'profiles')?.value),
    );
  const { edits, differences, added } = result;
  return { text: verified(target, applyEdits(text, edits)), differences, added };
}

/** An edited file must be one that opsctl reads: anything else is refused before it is written. */
function verified(target: Target, text: string): string {
  try {
    check(configSchema, parseYaml(target.path, text));
    return text;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    throw new UsageError(
      `${target.path} cannot be edited without rewriting it; nothing was changed (${error.message})`,
      'Write the profile to another file with --output and copy what you need.',
    );
  }
}

/** Lists of names are sets, except for the first, which is the default. */
function equal(found: unknown, wanted: Value): boolean {
  if (!Array.isArray(found) || !Array.isArray(wanted)) return found === wanted;
  return (
    found.length === wanted.length && found[0] === wanted[0] && wanted.every((item) => found.includes(item))
  );
}

/** A person may write 1:00:00 or 60 where Slurm prints 01:00:00. */
function sameTime(key: string, found: unknown, wanted: Value): boolean {
  if (key !== 'max_time' || typeof found !== 'string' || typeof wanted !== 'string') return false;
  return parseDuration(found) === parseDuration(wanted);
}

function isFlow(node: Node | null | undefined): boolean {
  return isMap(node) && node.flow === true;
}

function entryOf(key: string, value: Scalar): Entry {
  return { kind: 'fact', key, value, comment: [] };
}
