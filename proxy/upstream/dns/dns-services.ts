// What all DNS clusters of a process share.
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import type { TimerWheel } from '../../base/timer-wheel.ts';
import type { SharedLookups } from './shared-lookups.ts';

/** Services handed to clusters and targets. */
export interface DnsServices {
  readonly clock: Clock;
  readonly timers: TimerWheel;
  readonly random: Random;
  readonly log: Logger;
  readonly lookups: SharedLookups;
}
