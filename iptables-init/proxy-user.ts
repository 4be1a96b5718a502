// Capture depends on who connects: what the proxy itself sends to the probe address comes back to
// it, what root sends does not.

/** Runs `action` as the first of `uids` if this process may become it, else as it is. */
export async function asProxyUser<T>(
  uids: readonly string[],
  action: () => Promise<T>,
): Promise<T> {
  const uid = Number(uids[0]);
  const own = process.geteuid?.();
  if (own !== 0 || !Number.isInteger(uid) || uid === 0) return action();
  process.seteuid?.(uid);
  try {
    return await action();
  } finally {
    process.seteuid?.(own);
  }
}
