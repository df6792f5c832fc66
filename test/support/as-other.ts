/** base-passwd's `games`, whom every Debian has and nobody is. */
const OTHER = 5;

/** Does something that must not be this user's to do, where root may do all: as another user then. */
export async function asNoRoot<T>(work: () => T | Promise<T>): Promise<T> {
  if (process.getuid?.() !== 0) return work();
  process.seteuid?.(OTHER);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}
