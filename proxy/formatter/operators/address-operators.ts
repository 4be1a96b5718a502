// Operators that print the addresses of the two connections and the upstream host.
import { isInternalAddress, type SocketAddress } from '../../base/address.ts';
import { parseIp, printIp } from '../../base/ip-address.ts';
import type { StreamInfo, UpstreamHostInfo } from '../../http/stream-info.ts';
import { bare, type OperatorDefinition, type OperatorTable, orMissing } from '../operator.ts';

type AddressReader = (info: StreamInfo) => SocketAddress | null;

/** Operators over addresses. */
export const ADDRESS_OPERATORS: OperatorTable = {
  ...addressFamily('DOWNSTREAM_REMOTE', (info) => info.remoteAddress),
  ...addressFamily('DOWNSTREAM_DIRECT_REMOTE', (info) => info.downstream.directRemoteAddress),
  ...addressFamily('DOWNSTREAM_LOCAL', (info) => info.downstream.localAddress),
  ...addressFamily('DOWNSTREAM_DIRECT_LOCAL', (info) => info.downstream.directLocalAddress),
  ...addressFamily('UPSTREAM_REMOTE', (info) => {
    const host = connectedHost(info);
    return host === null ? null : (info.upstreamRemoteAddress ?? host.address);
  }),
  ...addressFamily('UPSTREAM_LOCAL', (info) => info.upstreamLocalAddress),
  // Only internal addresses have an endpoint id.
  DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID: bare(({ info }) =>
    endpointId(info.downstream.localAddress),
  ),
  DOWNSTREAM_DIRECT_LOCAL_ADDRESS_ENDPOINT_ID: bare(({ info }) =>
    endpointId(info.downstream.directLocalAddress),
  ),
  UPSTREAM_REMOTE_ADDRESS_ENDPOINT_ID: bare(({ info }) => {
    const host = connectedHost(info);
    return host === null ? null : endpointId(host.address);
  }),
  UPSTREAM_HOST: bare(({ info }) => info.upstreamHost?.address.text ?? null),
  UPSTREAM_HOST_NAME: bare(({ info }) =>
    info.upstreamHost === null ? null : hostName(info.upstreamHost),
  ),
  UPSTREAM_HOST_NAME_WITHOUT_PORT: bare(({ info }) =>
    info.upstreamHost === null ? null : hostNameWithoutPort(info.upstreamHost),
  ),
  UPSTREAM_HOSTS_ATTEMPTED: bare(({ info }) =>
    joined(attemptedHosts(info), (host) => host.address.text),
  ),
  UPSTREAM_HOSTS_ATTEMPTED_WITHOUT_PORT: bare(({ info }) =>
    joined(attemptedHosts(info), (host) => host.address.ip),
  ),
  UPSTREAM_HOST_NAMES_ATTEMPTED: bare(({ info }) => joined(attemptedHosts(info), hostName)),
  UPSTREAM_HOST_NAMES_ATTEMPTED_WITHOUT_PORT: bare(({ info }) =>
    joined(attemptedHosts(info), hostNameWithoutPort),
  ),
  UPSTREAM_CONNECTION_IDS_ATTEMPTED: bare(({ info }) =>
    joined(attemptedConnectionIds(info), (id) => `${id}`),
  ),
};

/** The last attempt's host; null while there was no connection to it. */
function connectedHost(info: StreamInfo): UpstreamHostInfo | null {
  return info.upstreamConnectionId === 0 ? null : info.upstreamHost;
}

function attemptedHosts(info: StreamInfo): readonly UpstreamHostInfo[] | null {
  const host = connectedHost(info);
  return info.attemptedHosts ?? (host === null ? null : [host]);
}

function attemptedConnectionIds({ attemptedConnectionIds: ids, upstreamConnectionId }: StreamInfo) {
  return ids ?? (upstreamConnectionId === 0 ? null : [upstreamConnectionId]);
}

function hostName(host: UpstreamHostInfo): string {
  return orMissing(host.hostname) ?? host.address.text;
}

function hostNameWithoutPort(host: UpstreamHostInfo): string {
  if (host.hostname === '' && isInternalAddress(host.address)) return 'envoy';
  return host.hostname === '' ? host.address.ip : host.hostname.replace(/:\d+$/, '');
}

function endpointId(address: SocketAddress): string {
  return isInternalAddress(address) ? address.endpointId : '';
}

function joined<T>(list: readonly T[] | null, print: (item: T) => string): string | null {
  return list === null || list.length === 0 ? null : list.map(print).join(',');
}

function addressFamily(prefix: string, read: AddressReader): OperatorTable {
  return {
    [`${prefix}_ADDRESS`]: bare(({ info }) => read(info)?.text ?? null),
    [`${prefix}_PORT`]: bare(({ info }) => {
      const address = read(info);
      if (address !== null && isInternalAddress(address)) return '';
      return address === null || address.port < 0 ? null : address.port;
    }),
    [`${prefix}_ADDRESS_WITHOUT_PORT`]: addressWithoutPort(read),
  };
}

/** `(N)` prints the network of that prefix length; anything else the bare address, as Envoy does. */
function addressWithoutPort(read: AddressReader): OperatorDefinition {
  return {
    syntax: 'optional',
    takesLength: false,
    make: ({ argument }) => {
      if (!/^\d{1,3}$/.test(argument)) return ({ info }) => read(info)?.ip ?? null;
      const bits = Number(argument);
      return ({ info }) => {
        const address = read(info);
        if (address === null || address.port < 0) return address?.ip ?? null;
        return networkText(address.ip, bits);
      };
    },
  };
}

function networkText(ip: string, bits: number): string {
  // A link-local address may carry the name of its interface.
  const parsed = parseIp(ip.replace(/%.*/, ''));
  if (parsed === null) return ip;
  const length = Math.min(bits, parsed.length * 8);
  const masked = parsed.map((octet, index) => {
    const kept = Math.min(Math.max(length - index * 8, 0), 8);
    return octet & (0xff << (8 - kept)) & 0xff;
  });
  return `${printIp(masked)}/${length}`;
}
