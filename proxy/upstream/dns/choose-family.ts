// Which of a name's addresses count, by Envoy's dns_lookup_family.
import type { DnsFamily } from './dns-resolver.ts';

/** The addresses to use out of those that were found, each family in the order of its answer. */
export function chooseFamily(
  family: DnsFamily,
  v4: readonly string[],
  v6: readonly string[],
): readonly string[] {
  switch (family) {
    case 'v4-only':
      return v4;
    case 'v6-only':
      return v6;
    case 'auto':
      return v6.length > 0 ? v6 : v4;
    case 'v4-preferred':
      return v4.length > 0 ? v4 : v6;
    case 'all':
      return [...v6, ...v4];
  }
}
