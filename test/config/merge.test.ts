import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { findings } from '../../src/config/findings.ts';
import { mergeProfile } from '../../src/config/merge.ts';
import { survey } from './survey.ts';

const target = { path: 'opsctl.yaml', profile: 'mycluster', update: false };
const entries = findings(survey());

/** Lines of the second text that the first has not, and the other way round. */
function changedLines(before: string, after: string): { gone: string[]; come: string[] } {
  const [old, now] = [before.split('\n'), after.split('\n')];
  return { gone: old.filter((line) => !now.includes(line)), come: now.filter((line) => !old.includes(line)) };
}

const fresh = mergeProfile(undefined, entries, target).text;

describe('a new profile', () => {
  it('says what the cluster said, with a comment above every key', () => {
    expect(parse(fresh).profiles.mycluster).toMatchObject({
      cluster: 'mycluster',
      accounting: true,
      partitions: {
        gpu: {
          default: true,
          max_time: '7-00:00:00',
          max_nodes: 6,
          gpus_per_node: 8,
          gpu_type: 'a100',
          memory_mb: 1_000_000,
        },
        volta: { gpus_per_node: 4, allow_accounts: ['research', 'teach'] },
        cpu: { gpus_per_node: 0 },
      },
      gpu_request: 'gres',
      accounts: ['research', 'teach'],
      qos: ['normal', 'high'],
    });
    expect(fresh).toContain(
      '# Nodes differ: 6 with 8 a100 and 1000000 MB; 2 with 4 a100 and 500000 MB.\n      gpu:',
    );
    for (const key of [
      'cluster',
      'partitions',
      'gpu_request',
      'container',
      'data_root',
      'secrets_file',
      'defaults',
    ]) {
      expect(fresh).toMatch(new RegExp(`^    # .*\\n    ${key}:`, 'm'));
    }
  });

  it('leaves out partitions that only root may use', () => {
    expect(parse(fresh).profiles.mycluster.partitions).not.toHaveProperty('admin');
  });

  it('is not changed by a second run', () => {
    expect(mergeProfile(fresh, entries, target)).toEqual({ text: fresh, differences: [], added: [] });
  });

  it('is found below comments and blank lines only', () => {
    expect(mergeProfile('\n', entries, target).text).toBe(fresh);
    const commented = mergeProfile('# mine\n', entries, target).text;
    expect(commented).toMatch(/^# mine\n/);
    expect(parse(commented).profiles.mycluster.cluster).toBe('mycluster');
  });

  it('tells why accounts are not known, and takes them when they are', () => {
    const without = findings(survey({ associations: { failure: 'sacctmgr did not answer within 8 s' } }));
    const text = mergeProfile(undefined, without, target).text;
    expect(text).toContain('Not known: sacctmgr did not answer within 8 s.');
    expect(mergeProfile(fresh, without, { ...target, update: true }).text).toBe(fresh);
  });

  it('asks for GPUs as the cluster accepts them', () => {
    const refused = { option: '--gres=gpu:a100:1', accepted: false, answer: 'Use --gpus-per-node' };
    const request = (gpuTrials: Parameters<typeof survey>[0]): unknown =>
      parse(mergeProfile(undefined, findings(survey(gpuTrials)), target).text).profiles.mycluster.gpu_request;
    expect(
      request({ gpuTrials: [refused, { option: '--gpus-per-node=1', accepted: true, answer: '' }] }),
    ).toBe('gpus-per-node');
    expect(
      request({ gpuTrials: [refused, { option: '--gpus-per-node=1', accepted: false, answer: 'busy' }] }),
    ).toBe('gres');
    expect(request({ gpuTrials: [] })).toBe('none');
  });
});

const EDITED = `# our cluster
version: 1
profiles:
  mycluster:   # since 2021
      cluster:     mycluster     # aligned by hand
      partitions:
          gpu: {max_time: 3-00:00:00,   nodes: 8}   # agreed with ops
          # cpu is on purpose not here
          mine:
              max_time: 1:00:00
      accounts:
      - research
      - other   # until June
      gpu_request: 'none'
      container: apptainer
      # the last comment
  elsewhere: { cluster: b,   defaults: {lr: 1e-5} }

# the end
`;

describe('an edited profile', () => {
  it('keeps every line and says what differs', () => {
    const { text, differences, added } = mergeProfile(EDITED, entries, target);
    expect(changedLines(EDITED, text).gone).toEqual([
      '          gpu: {max_time: 3-00:00:00,   nodes: 8}   # agreed with ops',
    ]);
    expect(text).toContain('gpu: {max_time: 3-00:00:00,   nodes: 8, default: true, max_nodes: 6,');
    expect(differences).toEqual([
      { key: 'partitions.gpu.max_time', file: '3-00:00:00', cluster: '7-00:00:00', line: 7, action: 'kept' },
      { key: 'gpu_request', file: 'none', cluster: 'gres', line: 14, action: 'kept' },
      { key: 'accounts', file: '[research, other]', cluster: '[research, teach]', line: 11, action: 'kept' },
    ]);
    expect(added).toEqual(
      expect.arrayContaining([
        'slurm_version',
        'partitions.cpu',
        'partitions.gpu.max_nodes',
        'qos',
        'network',
      ]),
    );
    expect(parse(text).profiles.elsewhere).toEqual({ cluster: 'b', defaults: { lr: 1e-5 } });
    expect(parse(text).profiles.mycluster).toMatchObject({
      container: 'apptainer',
      partitions: { mine: {}, cpu: {} },
      qos: ['normal', 'high'],
    });
  });

  it("takes the cluster's values with --update, and only those", () => {
    const { text, differences } = mergeProfile(EDITED, entries, { ...target, update: true });
    expect(differences.map(({ action }) => action)).toEqual(['updated', 'updated', 'updated']);
    const { mycluster } = parse(text).profiles;
    expect(mycluster).toMatchObject({
      gpu_request: 'gres',
      accounts: ['research', 'teach'],
      container: 'apptainer',
    });
    expect(mycluster.partitions.gpu.max_time).toBe('7-00:00:00');
    for (const kept of [
      '# our cluster',
      '# since 2021',
      '# aligned by hand',
      '# agreed with ops',
      '# cpu is on purpose not here',
      '# the last comment',
      '# the end',
    ]) {
      expect(text).toContain(kept);
    }
    expect(mergeProfile(text, entries, { ...target, update: true }).text).toBe(text);
  });

  it('gets a second profile without losing the one that was in use', () => {
    const { text } = mergeProfile('profiles:\n  old: { cluster: x } # mine\n', entries, target);
    expect(text).toMatch(/^profile: old\nprofiles:\n {2}old: \{ cluster: x \} # mine\n\n {2}mycluster:\n/);
    expect(parse(text).profiles.mycluster.cluster).toBe('mycluster');
  });

  it.each([
    ['profiles: {}\n'],
    ['profiles:\n'],
    ['profiles: # none yet\n'],
    ['profiles: ~\nversion: 1'],
    ['version: 1'],
    ['version: 1\r\nprofiles:\r\n  mycluster:\r\n'],
    ['profiles:\n  mycluster: {}\n'],
    ['profiles: { mycluster: { partitions: { gpu: } } }\n'],
    ['{ version: 1, profiles: { } }\n'],
    ['profiles: { mycluster: { cluster: mycluster, } }\n'],
    [
      'profiles:\n  mycluster:\n    partitions:\n      gpu:\n    qos:\n      - normal\n      - high\nprofile: mycluster\n',
    ],
    ['"profiles" :\n  "mycluster" :\n    cluster: "mycluster"\n    network: {}'],
    ['profiles:\n  mycluster:\n    defaults:\n      notes: |\n        two\n        lines\n'],
  ])('is completed, whatever its shape: %j', (before) => {
    const { text } = mergeProfile(before, entries, target);
    expect(parse(text).profiles.mycluster).toMatchObject({
      cluster: 'mycluster',
      partitions: { gpu: { max_nodes: 6 }, cpu: {} },
      qos: ['normal', 'high'],
    });
    expect(text.includes('\r\n') && /[^\r]\n/.test(text)).toBe(false);
    expect(mergeProfile(text, entries, target).text).toBe(text);
  });

  it('may write a time in another form', () => {
    const before = fresh.replace('max_time: 12:00:00', 'max_time: 720');
    expect(before).not.toBe(fresh);
    expect(mergeProfile(before.replace(': 720', ': "720"'), entries, target).differences).toEqual([]);
  });

  it('leaves alone what an alias stands for', () => {
    const before =
      'profiles:\n  mycluster:\n    partitions:\n      gpu: &g { max_time: 1:00:00 }\n      volta: *g\n';
    const { text } = mergeProfile(before, entries, { ...target, update: true });
    expect(text).toContain('volta: *g\n');
    expect(text).toContain('gpu: &g { max_time: 7-00:00:00,');
  });

  it('is not touched when it is not valid', () => {
    expect(() => mergeProfile('profiles: { a: { clutser: x } }\n', entries, target)).toThrow(
      'Did you mean "cluster"?',
    );
  });
});
