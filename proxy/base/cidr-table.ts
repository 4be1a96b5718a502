// Networks of IPv4 and IPv6 addresses with a value each: the longest one that holds an address
// wins. A look-up costs one map look-up for every length that occurs.
import { parseIp } from './ip-address.ts';

/** A network; `octets` are those of its first address. */
export interface Cidr {
  readonly octets: readonly number[];
  /** 0 to 32, or to 128. */
  readonly length: number;
}

/** `10.0.0.0/8`, or an address alone; null when `text` is neither. Host bits are cleared. */
export function parseCidr(text: string): Cidr | null {
  const slash = text.indexOf('/');
  const octets = parseIp(slash === -1 ? text : text.slice(0, slash));
  if (octets === null) return null;
  const digits = slash === -1 ? String(octets.length * 8) : text.slice(slash + 1);
  if (!/^\d{1,3}$/.test(digits) || Number(digits) > octets.length * 8) return null;
  return makeCidr(octets, Number(digits));
}

/** The network of `length` bits that holds an address. */
export function makeCidr(octets: readonly number[], length: number): Cidr {
  return { octets: masked(octets, length), length };
}

/** An address of IPv4 inside IPv6 (`::ffff:a.b.c.d`) as what it is; others stay. */
export function unmapped(octets: readonly number[]): readonly number[] {
  const isMapped =
    octets.length === 16 &&
    octets[10] === 0xff &&
    octets[11] === 0xff &&
    octets.slice(0, 10).every((octet) => octet === 0);
  return isMapped ? octets.slice(12) : octets;
}

/** Values by network. */
export class CidrTable<T> {
  /** By number of octets, then by length, longest first. */
  readonly #lengths = new Map<number, number[]>();
  readonly #values = new Map<string, T>();

  /** The value of exactly this network. */
  get(cidr: Cidr): T | undefined {
    return this.#values.get(keyOf(cidr.octets, cidr.length));
  }

  set(cidr: Cidr, value: T): void {
    const lengths = this.#lengths.get(cidr.octets.length) ?? [];
    if (!lengths.includes(cidr.length)) {
      lengths.push(cidr.length);
      lengths.sort((a, b) => b - a);
      this.#lengths.set(cidr.octets.length, lengths);
    }
    this.#values.set(keyOf(cidr.octets, cidr.length), value);
  }

  /** The value of the longest network that holds the address; undefined: none does. */
  lookup(address: readonly number[]): T | undefined {
    for (const length of this.#lengths.get(address.length) ?? []) {
      const value = this.#values.get(keyOf(masked(address, length), length));
      if (value !== undefined) return value;
    }
    return undefined;
  }
}

function keyOf(octets: readonly number[], length: number): string {
  return `${octets.join('.')}/${length}`;
}

function masked(octets: readonly number[], length: number): readonly number[] {
  return octets.map((octet, index) => {
    const bits = Math.min(8, Math.max(0, length - index * 8));
    return octet & (0xff00 >> bits) & 0xff;
  });
}
