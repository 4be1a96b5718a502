// A and AAAA records of one name, asked for together.
import { chooseFamily } from './choose-family.ts';
import type { DnsFamily } from './dns-resolver.ts';

/** Errors that say that the name has no address; every other says nothing about it. */
export const NO_ADDRESS_CODES: ReadonlySet<string> = new Set(['ENOTFOUND', 'ENODATA']);

/** The two questions of node:dns. */
export interface RecordSource {
  resolve4(name: string, options: { readonly ttl: true }): Promise<readonly AddressRecord[]>;
  resolve6(name: string, options: { readonly ttl: true }): Promise<readonly AddressRecord[]>;
}

/** Addresses that a name surely has, maybe none. */
export interface FoundRecords {
  readonly status: 'completed';
  readonly ips: readonly string[];
  /** The smallest; null without addresses. */
  readonly ttlMs: number | null;
}

/** Addresses of one family with their smallest time to live in seconds. */
interface FamilyAnswer {
  readonly ips: readonly string[];
  readonly ttlSeconds: number;
}

/** Rejects when a server could not be asked. */
export async function askRecords(
  name: string,
  family: DnsFamily,
  source: RecordSource,
): Promise<FoundRecords> {
  const [v4, v6] = await Promise.all([
    family === 'v6-only' ? NONE : ofFamily(source.resolve4(name, { ttl: true })),
    family === 'v4-only' ? NONE : ofFamily(source.resolve6(name, { ttl: true })),
  ]);
  const ips = chooseFamily(family, v4.ips, v6.ips);
  const used = [v4, v6].filter((found) => found.ips.some((ip) => ips.includes(ip)));
  const ttlMs = Math.min(...used.map(({ ttlSeconds }) => ttlSeconds)) * 1000;
  return { status: 'completed', ips, ttlMs: ips.length === 0 ? null : ttlMs };
}

const NONE: FamilyAnswer = { ips: [], ttlSeconds: Number.POSITIVE_INFINITY };

interface AddressRecord {
  readonly address: string;
  readonly ttl: number;
}

async function ofFamily(asked: Promise<readonly AddressRecord[]>): Promise<FamilyAnswer> {
  try {
    const records = await asked;
    return {
      ips: records.map((record) => record.address),
      ttlSeconds: Math.min(...records.map((record) => record.ttl)),
    };
  } catch (error) {
    if (NO_ADDRESS_CODES.has((error as NodeJS.ErrnoException).code ?? '')) return NONE;
    throw error;
  }
}
