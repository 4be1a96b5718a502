// Where a connection was going before the system's packet filter gave it to us.
import { type SocketAddress, socketAddress } from '../base/address.ts';
import { printIp } from '../base/ip-address.ts';
import {
  IP_TRANSPARENT,
  IP6T_SO_ORIGINAL_DST,
  IPV6_TRANSPARENT,
  SO_ORIGINAL_DST,
  type SocketOptions,
} from './socket-options.ts';

/** sockaddr_in6, the longer one of the two. */
const ADDRESS_BYTES = 28;

/** Shared: filled and read within one call. */
const scratch = Buffer.alloc(ADDRESS_BYTES);

/**
 * The address that the client connected to. With REDIRECT it is what the packet filter remembers;
 * with TPROXY (a transparent socket) the local end itself. null: there was no redirection.
 */
export function originalDestination(
  options: SocketOptions,
  fileDescriptor: number,
  local: SocketAddress,
): SocketAddress | null {
  if (fileDescriptor < 0 || local.port < 0) return null;
  const isV6 = local.ip.includes(':');
  if (options.read(fileDescriptor, isV6 ? IP6T_SO_ORIGINAL_DST : SO_ORIGINAL_DST, scratch)) {
    return readSocketAddress(scratch, isV6);
  }
  const isRead = options.read(fileDescriptor, isV6 ? IPV6_TRANSPARENT : IP_TRANSPARENT, scratch);
  // An int; its order of octets does not matter to zero.
  return isRead && scratch.readUInt32LE(0) !== 0 ? local : null;
}

/** A sockaddr_in or sockaddr_in6: family, port, and the address at 4, or behind a flow label at 8. */
function readSocketAddress(bytes: Buffer, isV6: boolean): SocketAddress {
  const port = bytes.readUInt16BE(2);
  const octets = isV6 ? bytes.subarray(8, 24) : bytes.subarray(4, 8);
  return socketAddress(printIp([...octets]), port);
}
