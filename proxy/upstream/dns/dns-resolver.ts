// Asking for the addresses of a name: what DNS clusters need, whoever answers.
import type { DnsConfig, DnsResolverConfig } from '../../model/dns.ts';

/** Which addresses are wanted; see DnsConfig. */
export type DnsFamily = DnsConfig['family'];

/** A question. */
export interface DnsQuestion {
  readonly name: string;
  readonly family: DnsFamily;
  /** The answer's time to live is wanted too. */
  readonly wantsTtl: boolean;
  readonly resolver: DnsResolverConfig;
}

/**
 * - `completed`: the name has these addresses, or surely none.
 * - `failed`: nobody knows; what was found before may still be right.
 */
export type DnsAnswer =
  | {
      readonly status: 'completed';
      /** Numeric, in the order of the answer. */
      readonly ips: readonly string[];
      /** Smallest time to live; null when unknown. */
      readonly ttlMs: number | null;
    }
  | { readonly status: 'failed'; readonly reason: string };

/** Resolves names. `done` is called once, never inside `resolve`. */
export interface DnsResolver {
  resolve(question: DnsQuestion, done: (answer: DnsAnswer) => void): void;
}
