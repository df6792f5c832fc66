import { createHash } from 'node:crypto';
import fc from 'fast-check';

/**
 * Keys as those who hand them out draw them: 32 to 64 characters, every one as likely as another. fast-check's own
 * characters are drawn to be corners, and a key of 40 zeros is nobody's.
 */
export const drawnKey: fc.Arbitrary<string> = fc
  .tuple(fc.integer(), fc.integer({ min: 32, max: 64 }), fc.constantFrom('hex', 'letters'))
  .map(([seed, length, alphabet]) => {
    const digest = createHash('sha512').update(String(seed)).digest();
    const text =
      alphabet === 'hex' ? digest.toString('hex') : digest.toString('base64').replace(/[+/=]/g, '');
    return text.slice(0, length);
  });
