// The process's real clocks. Rooms below take them as a value and never read time themselves.
import type { Clock } from '../base/clock.ts';

/** Reads the system on every call: 30 to 40 ns each; hot paths keep one reading per loop turn. */
export const SYSTEM_CLOCK: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
};
