// config.core.v3.Address: where to listen, where to connect.

import {
  type Address,
  type EnvoyInternalAddress,
  SocketAddress_Protocol,
  type SocketAddress as SocketAddressMessage,
} from '../../api/gen/envoy/config/core/v3/address_pb.js';
import {
  internalAddress,
  isInternalAddress,
  pipeAddress,
  type SocketAddress,
  socketAddress,
} from '../../base/address.ts';
import { ipVersion } from '../../base/ip-address.ts';
import type { CompileContext } from '../../model/extension.ts';

const NOT_HERE = 'use internal_listener field instead of address for internal listeners';

/** A TCP address or a pipe with a numeric IP; null and a rejection for anything else. */
export function compileAddress(
  address: Address | undefined,
  context: CompileContext,
): SocketAddress | null {
  const target = compileTarget(address, context);
  if (target === null || target.port === -1) return target;
  if (isInternalAddress(target)) {
    context.reject('envoy_internal_address', NOT_HERE);
    return null;
  }
  return isNumeric(target.ip, context.at('socket_address')) ? target : null;
}

/** As compileAddress, but the IP may be a DNS name as well, and the address an internal one. */
export function compileTarget(
  address: Address | undefined,
  context: CompileContext,
): SocketAddress | null {
  const choice = address?.address;
  switch (choice?.case) {
    case 'socketAddress':
      return fromSocketAddress(choice.value, context.at('socket_address'));
    case 'pipe':
      return fromPipe(choice.value.path, context.at('pipe'));
    case 'envoyInternalAddress':
      return fromInternal(choice.value, context.at('envoy_internal_address'));
    default:
      context.reject('', 'Address must be set: give it a socket_address or a pipe');
      return null;
  }
}

/** False, and a rejection of `address` with Envoy's words, for a text that is no numeric IP. */
export function isNumeric(ip: string, context: CompileContext): boolean {
  if (ipVersion(ip) !== 0) return true;
  context.reject('address', `malformed IP address: ${ip}`);
  return false;
}

/** The port and text of a socket address; null and a rejection when its port is not a number. */
export function fromSocketAddress(
  message: SocketAddressMessage,
  context: CompileContext,
): SocketAddress | null {
  if (message.protocol === SocketAddress_Protocol.UDP) {
    context.reject('protocol', 'UDP is not supported yet: use TCP');
    return null;
  }
  if (message.portSpecifier.case !== 'portValue') {
    context.reject('port_value', 'is required');
    return null;
  }
  return socketAddress(message.address, message.portSpecifier.value);
}

function fromInternal(
  message: EnvoyInternalAddress,
  context: CompileContext,
): SocketAddress | null {
  const { addressNameSpecifier: name, endpointId } = message;
  if (name.case === 'serverListenerName') return internalAddress(name.value, endpointId);
  context.reject('server_listener_name', 'is required');
  return null;
}

function fromPipe(path: string, context: CompileContext): SocketAddress | null {
  if (!path.startsWith('@')) return pipeAddress(path);
  context.reject('path', 'abstract sockets are not supported yet: use a path in the file system');
  return null;
}
