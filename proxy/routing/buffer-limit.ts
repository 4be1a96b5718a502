// How much of a request may be held, as far as its route says.
import type { Route } from './route-table.ts';

/** In octets, by Envoy's order of fields and levels; null: the route leaves it to the listener. */
export function bufferLimitOf({ config, virtualHost }: Route): number | null {
  const [own, shared] = [config.bufferLimit, virtualHost.bufferLimit];
  return own.bytes ?? shared.bytes ?? own.olderBytes ?? shared.olderBytes;
}
