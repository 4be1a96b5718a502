// What all workers together count of one host for outlier detection.

/** Who answered: the host, or the proxy for it. Without a split everything is `external`. */
export type Origin = 'external' | 'local';

/** Failures in a row that are counted; `degraded`: a response that said so, which is told once. */
export type Streak = '5xx' | 'gateway' | 'local-origin' | 'degraded';

/** Counts of one host; workers add, the primary takes. */
export interface HostCounts {
  /** What was counted since the last call, which begins at zero again. */
  take(origin: Origin): { readonly total: number; readonly success: number };
  resetStreak(streak: Streak): void;
}
