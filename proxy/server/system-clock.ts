// The process's real clocks. Rooms below take them as a value and never read time themselves.
import type { Clock } from '../base/clock.ts';

/** Reads the system on every call: 30 to 40 ns each; hot paths keep one reading per loop turn. */
export const SYSTEM_CLOCK: Clock = {
  nowMs: () => performance.now(),
  wallMs: () => Date.now(),
};

const NS_PER_MS = 1e6;
/** What this process's monotonic clock began after the system's. */
const ORIGIN_MS = Number(process.hrtime.bigint()) / NS_PER_MS - performance.now();

/** The system's monotonic clock in ms: the same in all processes, which `SYSTEM_CLOCK` is not. */
export function systemNowMs(): number {
  return ORIGIN_MS + performance.now();
}
