// What subscriptions of one source have in common.
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Pause } from '../base/steps.ts';
import type { TimerWheel } from '../base/timer-wheel.ts';

/** What subscriptions work with. */
export interface WatchServices {
  readonly clock: Clock;
  readonly timers: TimerWheel;
  readonly log: Logger;
  /** How diagnostics begin: `gRPC config`, `REST config`, `filesystem config`. */
  readonly label: string;
  /** As Envoy: in the incremental variant a refusal counts as two attempts. Absent: as one. */
  readonly countsRefusalsTwice?: boolean;
  readonly pacing?: Pacing;
}

/**
 * Begins long work in the loop that serves; what it answers says between two steps whether to go on
 * (null) or to wait. Absent where nobody else needs the loop.
 */
export type Pacing = () => Pause;
