// Which update of a listener leaves it where it is: when only filter chains changed, connections of
// those that did not change go on.
import type { FilterChainConfig, ListenerConfig } from '../model/listener.ts';

/** Fingerprints of the chains that go on; null: the whole listener is another one. */
export function keptChains(
  before: ListenerConfig,
  after: ListenerConfig,
): ReadonlySet<string> | null {
  const { fingerprint } = before;
  if (fingerprint === undefined || fingerprint !== after.fingerprint) return null;
  return new Set(chainsOf(after).flatMap((chain) => chain.fingerprint ?? []));
}

function chainsOf({ filterChains, defaultFilterChain }: ListenerConfig): FilterChainConfig[] {
  return defaultFilterChain === null ? [...filterChains] : [...filterChains, defaultFilterChain];
}
