// Headers of the PROXY protocol (haproxy.org, proxy-protocol.txt), as upstreams are sent them.
import type { SocketAddress } from '../../base/address.ts';
import { parseIp } from '../../base/ip-address.ts';

/** A TLV of version 2. */
export interface Tlv {
  readonly type: number;
  readonly value: Buffer;
}

/** Who speaks, and whom he meant. */
export interface ProxiedEnds {
  readonly source: SocketAddress;
  readonly destination: SocketAddress;
}

const SIGNATURE = Buffer.from([13, 10, 13, 10, 0, 13, 10, 81, 85, 73, 84, 10]);
/** Version 2 and its commands, families and protocols. */
const COMMAND_LOCAL = 0x20;
const COMMAND_PROXY = 0x21;
const TCP4 = 0x11;
const TCP6 = 0x21;
const IPV4_BYTES = 4;
const IPV6_BYTES = 16;
/** What is in front of IPv4 addresses in those of IPv6. */
const MAPPED = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff];

/** Version 1; `PROXY UNKNOWN` of ends that have no addresses. */
export function headerV1({ source, destination }: ProxiedEnds): Buffer {
  const octets = octetsOf(source, destination);
  if (octets === null) return Buffer.from('PROXY UNKNOWN\r\n');
  const family = octets[0].length === IPV4_BYTES ? 'TCP4' : 'TCP6';
  const ends = `${source.ip} ${destination.ip} ${source.port} ${destination.port}`;
  return Buffer.from(`PROXY ${family} ${ends}\r\n`);
}

/** Version 2 with TLVs; null: the proxy itself speaks, or ends have no addresses. */
export function headerV2(ends: ProxiedEnds | null, tlvs: readonly Tlv[]): Buffer {
  const octets = ends === null ? null : octetsOf(ends.source, ends.destination);
  if (ends === null || octets === null) return frame(COMMAND_LOCAL, 0, Buffer.alloc(0));
  const [source, destination] = octets;
  const ports = Buffer.alloc(4);
  ports.writeUInt16BE(ends.source.port, 0);
  ports.writeUInt16BE(ends.destination.port, 2);
  const isIpv4 = source.length === IPV4_BYTES;
  const addresses = [Buffer.from(source), Buffer.from(destination), ports];
  const content = Buffer.concat([...addresses, ...tlvs.map(encodeTlv)]);
  return frame(COMMAND_PROXY, isIpv4 ? TCP4 : TCP6, content);
}

/** Octets of a TLV. */
function encodeTlv({ type, value }: Tlv): Buffer {
  const head = Buffer.from([type, 0, 0]);
  head.writeUInt16BE(value.length, 1);
  return Buffer.concat([head, value]);
}

function frame(command: number, family: number, content: Buffer): Buffer {
  const fixed = Buffer.from([command, family, 0, 0]);
  fixed.writeUInt16BE(content.length, 2);
  return Buffer.concat([SIGNATURE, fixed, content]);
}

/** Of one family; null: one of the two is no IP address. */
function octetsOf(
  source: SocketAddress,
  destination: SocketAddress,
): readonly [readonly number[], readonly number[]] | null {
  if (source.port < 0 || destination.port < 0) return null;
  const from = parseIp(source.ip);
  const to = parseIp(destination.ip);
  if (from === null || to === null) return null;
  return from.length === to.length ? [from, to] : [asIpv6(from), asIpv6(to)];
}

function asIpv6(octets: readonly number[]): readonly number[] {
  return octets.length === IPV6_BYTES ? octets : [...MAPPED, ...octets];
}
