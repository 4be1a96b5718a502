// Reads PROXY headers of both versions. A header is read whole or not at all.
import { type SocketAddress, socketAddress } from '../../../base/address.ts';
import { parseIp, printIp } from '../../../base/ip-address.ts';

/** Specification §2.2: what a header of version 2 begins with. */
export const V2_SIGNATURE = Buffer.from([13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10]);
export const V1_SIGNATURE = Buffer.from('PROXY ');
/** Signature, version and command, family, length. */
export const V2_FIXED_BYTES = 16;
/** §2.1: the longest line is of 107 octets with its end; Envoy's budget is this. */
export const MAX_V1_BYTES = 108;
const LINE_END = Buffer.from('\r\n');
const VERSION = 2;
const LOCAL = 0;
const PROXY = 1;
const INET = 1;
const INET6 = 2;
const STREAM = 1;
const DATAGRAM = 2;
const V4_BYTES = 4;
const V6_BYTES = 16;

/** Header not yet complete. */
export const INCOMPLETE = 'incomplete';
/** Header that breaks the specification. */
export const MALFORMED = 'malformed';

/** A header. */
export interface ProxyHeader {
  /** Octets that it takes. */
  readonly length: number;
  /** null: the connection is the load balancer's own, or it does not know. */
  readonly ends: ProxyEnds | null;
  /** Octets of the TLVs. */
  readonly extensions: Buffer;
}

/** Who speaks to whom. */
export interface ProxyEnds {
  readonly source: SocketAddress;
  readonly destination: SocketAddress;
}

/** What reading a header gives. */
export type ProxyHeaderResult = ProxyHeader | typeof INCOMPLETE | typeof MALFORMED;

const NO_OCTETS = Buffer.alloc(0);

/** `bytes[0, length)` begins with the signature of version 2. */
export function readV2(bytes: Buffer, length: number): ProxyHeaderResult {
  const command = bytes[12]! & 15;
  const family = bytes[13]! >> 4;
  const isTransport = (bytes[13]! & 15) === STREAM || (bytes[13]! & 15) === DATAGRAM;
  const size = bytes.readUInt16BE(14);
  if (bytes[12]! >> 4 !== VERSION || command > PROXY) return MALFORMED;
  const end = V2_FIXED_BYTES + size;
  if (command === LOCAL) {
    // What it carries is of no interest (§2.2), and still belongs to the header.
    return length < end ? INCOMPLETE : { length: end, ends: null, extensions: NO_OCTETS };
  }
  const ipBytes = family === INET ? V4_BYTES : V6_BYTES;
  const addressBytes = 2 * (ipBytes + 2);
  if ((family !== INET && family !== INET6) || !isTransport || size < addressBytes) {
    return MALFORMED;
  }
  if (length < end) return INCOMPLETE;
  const start = V2_FIXED_BYTES + addressBytes;
  const ends = readEnds(bytes.subarray(V2_FIXED_BYTES, start), ipBytes);
  if (ends === null) return MALFORMED;
  return { length: end, ends, extensions: bytes.subarray(start, end) };
}

/** Source and destination, then their ports. */
function readEnds(bytes: Buffer, ipBytes: number): ProxyEnds | null {
  const source = [...bytes.subarray(0, ipBytes)];
  const destination = [...bytes.subarray(ipBytes, 2 * ipBytes)];
  const sourcePort = bytes.readUInt16BE(2 * ipBytes);
  const destinationPort = bytes.readUInt16BE(2 * ipBytes + 2);
  return endsOf([source, sourcePort], [destination, destinationPort]);
}

/**
 * `bytes[0, length)` may begin a header of version 1: INCOMPLETE without its line end, whatever
 * their number; that of version 2 has one at its front.
 */
export function readV1(bytes: Buffer, length: number): ProxyHeaderResult {
  const end = bytes.subarray(0, length).indexOf(LINE_END);
  if (end < 1) return INCOMPLETE;
  const size = end + LINE_END.length;
  if (size > MAX_V1_BYTES) return MALFORMED;
  const parts = bytes.toString('latin1', 0, end).trimEnd().split(' ');
  const [signature, family] = parts;
  if (signature !== 'PROXY' || family === undefined) return MALFORMED;
  const unknown = { length: size, ends: null, extensions: NO_OCTETS };
  if (family === 'UNKNOWN') return unknown;
  const ends = parts.length === 6 ? readWords(parts) : null;
  return ends === null ? MALFORMED : { ...unknown, ends };
}

/** §2.1: PROXY, TCP4 or TCP6, addresses, ports. */
function readWords(parts: readonly string[]): ProxyEnds | null {
  const [, family = '', source = '', destination = '', sourcePort = '', destinationPort = ''] =
    parts;
  if (family !== 'TCP4' && family !== 'TCP6') return null;
  const octets = family === 'TCP4' ? V4_BYTES : V6_BYTES;
  const [from, to] = [parseIp(source), parseIp(destination)];
  const [fromPort, toPort] = [parsePort(sourcePort), parsePort(destinationPort)];
  if (from?.length !== octets || to?.length !== octets) return null;
  return fromPort === -1 || toPort === -1 ? null : endsOf([from, fromPort], [to, toPort]);
}

/** -1 for what is no port. */
function parsePort(text: string): number {
  if (!/^0*\d{1,5}$/.test(text)) return -1;
  const port = Number(text);
  return port > 65_535 ? -1 : port;
}

type Octets = readonly number[];

/** null unless both could be an end of a connection. */
function endsOf(
  [source, sourcePort]: readonly [Octets, number],
  [destination, destinationPort]: readonly [Octets, number],
): ProxyEnds | null {
  if (!isUnicast(source) || !isUnicast(destination)) return null;
  return {
    source: socketAddress(printIp(source), sourcePort),
    destination: socketAddress(printIp(destination), destinationPort),
  };
}

/** Neither unspecified nor multicast nor the broadcast address. */
function isUnicast(octets: Octets): boolean {
  if (octets.every((octet) => octet === 0)) return false;
  const first = octets[0]!;
  if (octets.length === V6_BYTES) return first !== 0xff;
  return (first & 0xf0) !== 0xe0 && !octets.every((octet) => octet === 255);
}
