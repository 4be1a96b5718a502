// Waits for a condition instead of for a time.

/** Only what is never true waits so long; a busy machine takes seconds to start a process. */
const DEFAULT_DEADLINE_MS = 15_000;
const FIRST_POLL_MS = 5;
/** Asking again and again must not take the processor from what is waited for. */
const LAST_POLL_MS = 25;
const SLOWER = 1.3;

/** Resolves when `condition` is true; rejects, naming it, when that takes too long. */
export async function eventually(
  condition: () => boolean | Promise<boolean>,
  deadlineMs = DEFAULT_DEADLINE_MS,
): Promise<void> {
  const end = performance.now() + deadlineMs;
  let pollMs = FIRST_POLL_MS;
  while (!(await condition())) {
    if (performance.now() > end) throw new Error(`not true within ${deadlineMs} ms: ${condition}`);
    await new Promise((resolve) => setTimeout(resolve, pollMs));
    pollMs = Math.min(pollMs * SLOWER, LAST_POLL_MS);
  }
}
