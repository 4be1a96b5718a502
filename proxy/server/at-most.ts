// A wait that has an end.

/** Resolves with `promise`, or after so long without it; what is late goes on unheard. */
export async function atMost(promise: Promise<void>, limitMs: number): Promise<void> {
  let timeout: NodeJS.Timeout | null = null;
  const limit = new Promise<void>((resolve) => {
    timeout = setTimeout(resolve, limitMs);
  });
  await Promise.race([promise, limit]);
  if (timeout !== null) clearTimeout(timeout);
}
