// config.core.v3.BindConfig of clusters: where upstream connections come from, and their options.
import type { Cluster } from '../../api/gen/envoy/config/cluster/v3/cluster_pb.js';
import type {
  BindConfig,
  SocketAddress as SocketAddressMessage,
} from '../../api/gen/envoy/config/core/v3/address_pb.js';
import {
  type SocketOption,
  SocketOption_SocketState as SocketState,
} from '../../api/gen/envoy/config/core/v3/socket_option_pb.js';
import { ipVersion } from '../../base/ip-address.ts';
import type { ClusterConfig } from '../../model/cluster.ts';
import type { CompileContext } from '../../model/extension.ts';
import type { SocketOptionConfig, SourceAddressConfig } from '../../model/socket-option.ts';
import { fromSocketAddress, isNumeric } from './socket-address.ts';

/** Linux's numbers: ip(7), ipv6(7). */
const IP_FREEBIND = { level: 0, name: 15 } as const;
const IPV6_FREEBIND = { level: 41, name: 78 } as const;

/** upstream_bind_config. */
export function compileSources(
  message: Cluster,
  context: CompileContext,
): Pick<ClusterConfig, 'sourceAddresses' | 'socketOptions'> {
  const bind = message.upstreamBindConfig;
  const own = bind?.freebind === true ? freebindOptions() : [];
  const at = context.at('upstream_bind_config');
  const ofAll = [...own, ...compileOptions(bind?.socketOptions ?? [], at.at('socket_options'))];
  const sourceAddresses = bind === undefined ? [] : compileAddresses(bind, { own, ofAll }, at);
  return { sourceAddresses, socketOptions: ofAll };
}

interface Options {
  /** Every connection has them. */
  readonly own: readonly SocketOptionConfig[];
  /** The same with those that an extra source may replace. */
  readonly ofAll: readonly SocketOptionConfig[];
}

/** In Envoy's words, which has two sources at most, one for each IP version. */
function compileAddresses(
  bind: BindConfig,
  { own, ofAll }: Options,
  context: CompileContext,
): readonly SourceAddressConfig[] {
  const { sourceAddress, extraSourceAddresses, additionalSourceAddresses } = bind;
  const first = compileSource(sourceAddress, ofAll, context.at('source_address'));
  const extra = extraSourceAddresses.map(({ address, socketOptions: override }, index) => {
    const at = context.at(`extra_source_addresses[${index}]`);
    const list = override?.socketOptions;
    const options = list === undefined ? [] : compileOptions(list, at.at('socket_options'));
    return compileSource(
      address,
      list === undefined ? ofAll : [...own, ...options],
      at.at('address'),
    );
  });
  const additional = additionalSourceAddresses.map((address, index) =>
    compileSource(address, ofAll, context.at(`additional_source_addresses[${index}]`)),
  );
  const problem = problemOf(sourceAddress, extra, additional);
  if (problem !== '') context.reject('', problem);
  const found = [first, ...extra, ...additional].filter((source) => source !== null);
  const [one, other] = found;
  const areAlike =
    problem === '' &&
    one !== undefined &&
    other !== undefined &&
    ipVersion(one.ip) === ipVersion(other.ip);
  if (areAlike) {
    context.reject(
      '',
      'has two same IP version source addresses: give source_address one version and the extra address the other',
    );
  }
  return found;
}

function problemOf(
  sourceAddress: SocketAddressMessage | undefined,
  { length: extra }: readonly unknown[],
  { length: additional }: readonly unknown[],
): string {
  if (extra + additional === 0) return '';
  if (extra > 0 && additional > 0) {
    return "Can't specify both `extra_source_addresses` and `additional_source_addresses`: use the former";
  }
  if (sourceAddress === undefined) {
    return 'has extra/additional source addresses but no source_address: set source_address first';
  }
  if (extra + additional === 1) return '';
  return 'has more than one extra/additional source addresses: give one for each IP version';
}

function compileSource(
  message: SocketAddressMessage | undefined,
  socketOptions: readonly SocketOptionConfig[],
  context: CompileContext,
): SourceAddressConfig | null {
  if (message === undefined) return null;
  const address = fromSocketAddress(message, context);
  if (address === null || !isNumeric(address.ip, context)) return null;
  return { ip: address.ip, port: address.port, socketOptions };
}

function compileOptions(
  messages: readonly SocketOption[],
  context: CompileContext,
): readonly SocketOptionConfig[] {
  return messages.flatMap(({ level, name, value, state }, index) => {
    if (state !== SocketState.STATE_PREBIND) {
      context.at(`[${index}]`).warn('state', 'is never reached by connections: use STATE_PREBIND');
      return [];
    }
    const octets =
      value.case === 'bufValue'
        ? Buffer.from(value.value).toString('base64')
        : intOctets(Number(value.value ?? 0n));
    return [{ level: Number(level), name: Number(name), octets }];
  });
}

function freebindOptions(): readonly SocketOptionConfig[] {
  const octets = intOctets(1);
  return [
    { ...IP_FREEBIND, octets, family: 4 },
    { ...IPV6_FREEBIND, octets, family: 6 },
  ];
}

/** As Linux takes it on every machine that Node runs on. */
function intOctets(value: number): string {
  const octets = Buffer.alloc(4);
  octets.writeInt32LE(value | 0);
  return octets.toString('base64');
}
