import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.ts';
import { compressHostlist, expandHostlist } from '../../src/slurm/hostlist.ts';

describe('expandHostlist', () => {
  it.each([
    ['gnode[01-03,07],login1', ['gnode01', 'gnode02', 'gnode03', 'gnode07', 'login1']],
    ['n[1-2]x[3-4]', ['n1x3', 'n1x4', 'n2x3', 'n2x4']],
    ['n[9-11]-ib', ['n9-ib', 'n10-ib', 'n11-ib']],
    ['n[098-101]', ['n098', 'n099', 'n100', 'n101']],
    ['a.b.c', ['a.b.c']],
  ])('reads %s', (text, hosts) => {
    expect(expandHostlist(text)).toEqual(hosts);
  });

  it.each(['', '(null)', 'None assigned', 'N/A'])('reads "%s" as no nodes', (text) => {
    expect(expandHostlist(text)).toEqual([]);
  });

  it.each([
    'n[1-',
    'n1-3]',
    'n[3-1]',
    'n[a-b]',
    'n[]',
    'n1,,n2',
    ',n1',
    'n[1-999999999]',
    'n[0-9999]x[0-9999]',
  ])('refuses %s', (text) => {
    expect(() => expandHostlist(text)).toThrow(UsageError);
  });
});

describe('compressHostlist', () => {
  it('writes runs of numbers as ranges, once each', () => {
    const hosts = ['gnode07', 'gnode01', 'gnode03', 'gnode02', 'login1', 'gnode02'];
    expect(compressHostlist(hosts)).toBe('gnode[01-03,07],login1');
  });

  it('keeps numbers of different width apart', () => {
    expect(compressHostlist(['n9', 'n09', 'n10'])).toBe('n9,n[09-10]');
  });

  it('loses no host and invents none', () => {
    const host = fc.stringMatching(/^[a-z]{1,2}[0-9]{0,12}(-[a-z]{1,3})?([0-9]{1,3}x)?$/);
    fc.assert(
      fc.property(fc.array(host, { maxLength: 40 }), (hosts) => {
        expect(new Set(expandHostlist(compressHostlist(hosts)))).toEqual(new Set(hosts));
      }),
    );
  });
});
