// Whether an address lies in one network. Made for tests on the data path: an IPv4 address is read
// without making anything.
import { makeCidr } from './cidr-table.ts';
import { parseIp } from './ip-address.ts';

const DOT = 0x2e;
const ZERO = 0x30;
const V4_GROUPS = 4;
const V4_OCTETS = 4;
const OCTET_END = 256;

/** One network of IPv4 or IPv6 addresses. */
export class IpPrefix {
  /** 4 or 16 octets of its first address. */
  readonly octets: readonly number[];
  /** Bits. */
  readonly length: number;
  /** Its first address as a number; -1: IPv6. */
  readonly #first: number;
  /** How many addresses it has, of IPv4. */
  readonly #span: number;
  /** The last IPv6 address that was asked for: clients come back. */
  #seenIp = '';
  #wasInside = false;

  /** `length` beyond the address's bits means the whole address, as in Envoy. */
  constructor(octets: readonly number[], length: number) {
    const cidr = makeCidr(octets, Math.min(length, octets.length * 8));
    this.octets = cidr.octets;
    this.length = cidr.length;
    const isV4 = octets.length === V4_OCTETS;
    this.#first = isV4 ? cidr.octets.reduce((sum, octet) => sum * OCTET_END + octet, 0) : -1;
    this.#span = isV4 ? 2 ** (32 - cidr.length) : 0;
  }

  /** `ip` is numeric; what is no address (a pipe's path) is in no network. */
  contains(ip: string): boolean {
    const number = ipv4Number(ip);
    if (number >= 0) {
      return this.#first >= 0 && number >= this.#first && number < this.#first + this.#span;
    }
    if (ip === this.#seenIp) return this.#wasInside;
    this.#seenIp = ip;
    this.#wasInside = this.#holds(parseIp(ip));
    return this.#wasInside;
  }

  #holds(address: readonly number[] | null): boolean {
    // As Envoy: an IPv4 address that somebody wrote as IPv6 stays what it looks like.
    if (address === null || address.length !== this.octets.length) return false;
    const { octets: first } = makeCidr(address, this.length);
    return first.every((octet, index) => octet === this.octets[index]);
  }
}

/** A dotted IPv4 address as a number; -1: it is none. */
export function ipv4Number(text: string): number {
  let number = 0;
  let octet = -1;
  let groups = 1;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === DOT) {
      if (octet < 0) return -1;
      number = number * OCTET_END + octet;
      octet = -1;
      groups += 1;
      continue;
    }
    octet = withDigit(octet, code - ZERO);
    if (octet < 0) return -1;
  }
  return groups === V4_GROUPS && octet >= 0 ? number * OCTET_END + octet : -1;
}

/** One digit more behind an octet, -1 being none yet; -1: that is no octet. */
function withDigit(octet: number, digit: number): number {
  // A leading zero makes it another number to some readers.
  if (digit < 0 || digit > 9 || octet === 0) return -1;
  const longer = octet < 0 ? digit : octet * 10 + digit;
  return longer < OCTET_END ? longer : -1;
}
