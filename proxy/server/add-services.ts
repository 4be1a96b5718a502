// The services that every proxy has.
import type { Primary } from './primary.ts';
import { StatsFlush } from './stats-flush.ts';

/** Gives them to a primary before it starts. */
export function addServices(primary: Primary): void {
  primary.services.add(new StatsFlush(primary));
}
