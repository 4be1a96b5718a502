// Waits for a condition instead of for a time.

const DEFAULT_DEADLINE_MS = 5_000;
const POLL_MS = 5;

/** Resolves when `condition` is true; rejects, naming it, when that takes too long. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  deadlineMs = DEFAULT_DEADLINE_MS,
): Promise<void> {
  const end = performance.now() + deadlineMs;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not true within ${deadlineMs} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}
