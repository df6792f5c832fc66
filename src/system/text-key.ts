/**
 * A short key of a text: its length and two 32-bit FNV-1a hashes from different beginnings. It tells texts apart that
 * differ by accident, which is all that is asked of it here; against one that is made to collide, use node:crypto, which
 * takes longer to load than all that is hashed.
 */
export function textKey(text: string): string {
  let one = 0x811c9dc5;
  let two = 0x01234567;
  for (let index = 0; index < text.length; index++) {
    one = Math.imul(one ^ text.charCodeAt(index), 0x01000193);
    two = Math.imul(two ^ text.charCodeAt(index), 0x01000193);
  }
  return `${text.length}-${(one >>> 0).toString(36)}-${(two >>> 0).toString(36)}`;
}
