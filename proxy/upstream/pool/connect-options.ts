// What a cluster says of its connections, for one of them.
import type { SocketAddress } from '../../base/address.ts';
import { ipVersion } from '../../base/ip-address.ts';
import type { UpstreamSource } from '../../http/stream-info.ts';
import type { ClusterConfig } from '../../model/cluster.ts';
import type { SocketOptionConfig, SourceAddressConfig } from '../../model/socket-option.ts';
import type { ConnectOptions } from '../../net/connector.ts';
import { IP_TRANSPARENT, IPV6_TRANSPARENT, optionInt } from '../../net/socket-options.ts';

/** The part of a cluster that is looked at. */
export type ConnectionConfig = Pick<
  ClusterConfig,
  'perConnectionBufferLimitBytes' | 'tcpKeepalive' | 'sourceAddresses' | 'socketOptions'
>;

/** For a connection to that address, on behalf of `source` if it has one. */
export function connectOptions(
  config: ConnectionConfig,
  target: SocketAddress,
  source: UpstreamSource | null = null,
): ConnectOptions {
  const ownSource = sourceFor(config, target);
  const bindAddress = source === null ? ownSource : originalSource(config, source);
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

/** Binding to an address of somebody else takes IP_TRANSPARENT, which takes CAP_NET_ADMIN. */
function originalSource(
  { socketOptions }: ConnectionConfig,
  { ip, mark }: UpstreamSource,
): SourceAddressConfig {
  const marks = mark === 0 ? [] : [{ ...SO_MARK, octets: octetsOf(mark) }];
  return { ip, port: 0, socketOptions: [...socketOptions, ...TRANSPARENT, ...marks] };
}

function octetsOf(value: number): string {
  return optionInt(value | 0).toString('base64');
}

/** socket(7) */
const SO_MARK = { level: 1, name: 36 } as const;
const TRANSPARENT: readonly SocketOptionConfig[] = [
  { ...IP_TRANSPARENT, octets: octetsOf(1), family: 4 },
  { ...IPV6_TRANSPARENT, octets: octetsOf(1), family: 6 },
];
