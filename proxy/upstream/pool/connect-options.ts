// What a cluster says of its connections, for one of them.
import type { SocketAddress } from '../../base/address.ts';
import { ipVersion } from '../../base/ip-address.ts';
import type { ClusterConfig } from '../../model/cluster.ts';
import type { SourceAddressConfig } from '../../model/socket-option.ts';
import type { ConnectOptions } from '../../net/connector.ts';

/** The part of a cluster that is looked at. */
export type ConnectionConfig = Pick<
  ClusterConfig,
  'perConnectionBufferLimitBytes' | 'tcpKeepalive' | 'sourceAddresses' | 'socketOptions'
>;

/** For a connection to that address. */
export function connectOptions(config: ConnectionConfig, target: SocketAddress): ConnectOptions {
  const bindAddress = sourceFor(config, target);
  return {
    bufferLimitBytes: config.perConnectionBufferLimitBytes,
    keepalive: config.tcpKeepalive,
    bindAddress,
    socketOptions: bindAddress === null ? config.socketOptions : bindAddress.socketOptions,
  };
}

/** As Envoy: the first of the target's IP version, else the first; null: the system chooses. */
export function sourceFor(
  { sourceAddresses }: Pick<ClusterConfig, 'sourceAddresses'>,
  target: SocketAddress,
): SourceAddressConfig | null {
  if (sourceAddresses.length === 0) return null;
  const version = ipVersion(target.ip);
  const found = sourceAddresses.find(({ ip }) => ipVersion(ip) === version);
  return found ?? sourceAddresses[0] ?? null;
}
