// Time as a value that is handed down: rooms without I/O never read a clock of their own.

/** The two clocks of a process. */
export interface Clock {
  /** Monotonic milliseconds, fractional, arbitrary origin: for timers, durations and back-offs. */
  nowMs(): number;
  /** Wall-clock milliseconds since the Unix epoch: for dates in headers, logs and certificates. */
  wallMs(): number;
}
