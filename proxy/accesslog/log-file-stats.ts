// Envoy's filesystem.* statistics, shared by every log of a process.
import type { Counter, Gauge, StatsScope } from '../stats/metrics.ts';

/** Counts of all log files together. */
export class LogFileStats {
  /** Blocks that reached their file. */
  readonly writeCompleted: Counter;
  /** Lines put into a buffer. */
  readonly writeBuffered: Counter;
  /** Writes that failed; what they held is kept and tried again. */
  readonly writeFailed: Counter;
  /** Buffers written because of their age. */
  readonly flushedByTimer: Counter;
  readonly reopenFailed: Counter;
  /** Lines thrown away because their target did not keep up. Not one of Envoy's. */
  readonly writeDropped: Counter;
  /** Octets that wait in buffers. */
  readonly writeTotalBuffered: Gauge;

  constructor(root: StatsScope) {
    const scope = root.scope('filesystem');
    this.writeCompleted = scope.counter('write_completed');
    this.writeBuffered = scope.counter('write_buffered');
    this.writeFailed = scope.counter('write_failed');
    this.flushedByTimer = scope.counter('flushed_by_timer');
    this.reopenFailed = scope.counter('reopen_failed');
    this.writeDropped = scope.counter('write_dropped');
    this.writeTotalBuffered = scope.gauge('write_total_buffered');
  }
}
