// Who resolves the names of a cluster: config.core.v3.DnsResolutionConfig and the extensions that
// replaced it.
import type { Cluster } from '../../api/gen/envoy/config/cluster/v3/cluster_pb.js';
import type { Address } from '../../api/gen/envoy/config/core/v3/address_pb.js';
import type { TypedExtensionConfig } from '../../api/gen/envoy/config/core/v3/extension_pb.js';
import type { DnsResolverOptions } from '../../api/gen/envoy/config/core/v3/resolver_pb.js';
import {
  type CaresDnsResolverConfig,
  CaresDnsResolverConfigSchema,
} from '../../api/gen/envoy/extensions/network/dns_resolver/cares/v3/cares_dns_resolver_pb.js';
import { GetAddrInfoDnsResolverConfigSchema } from '../../api/gen/envoy/extensions/network/dns_resolver/getaddrinfo/v3/getaddrinfo_dns_resolver_pb.js';
import type { DnsResolverConfig, DnsServersConfig } from '../../model/dns.ts';
import type { CompileContext } from '../../model/extension.ts';
import { typeIn } from '../schema/open-any.ts';
import { unpack } from './extension-lookup.ts';
import { compileAddress } from './socket-address.ts';

/** Envoy CaresDnsResolverConfig.query_timeout_seconds. */
const DEFAULT_QUERY_TIMEOUT_S = 5n;
/** The same, query_tries. */
const DEFAULT_QUERY_TRIES = 4;
/** Larger numbers of seconds than this never end anything. */
const MAX_QUERY_TIMEOUT_S = 86_400n;
/** A resolver without a port is asked at this one. */
const DNS_PORT = 53;
const MS_PER_SECOND = 1000;

const SYSTEM: DnsResolverConfig = { kind: 'system' };

/** DNS by the system's servers, which is what Envoy does where nothing is said. */
export function defaultCares(): DnsServersConfig {
  return serversConfig(undefined);
}

/** As Envoy, the newest of the three fields that is set counts alone. */
export function compileDnsResolver(
  message: Pick<Cluster, 'typedDnsResolverConfig' | 'dnsResolutionConfig' | 'dnsResolvers'>,
  context: CompileContext,
): DnsResolverConfig {
  const { typedDnsResolverConfig: typed, dnsResolutionConfig: resolution } = message;
  if (typed !== undefined)
    return compileTypedDnsResolver(typed, context.at('typed_dns_resolver_config'));
  if (resolution !== undefined) {
    const { resolvers, dnsResolverOptions } = resolution;
    const at = context.at('dns_resolution_config.resolvers');
    return { ...serversConfig(dnsResolverOptions), servers: serversOf(resolvers, at) };
  }
  if (message.dnsResolvers.length === 0) return SYSTEM;
  const servers = serversOf(message.dnsResolvers, context.at('dns_resolvers'));
  return { ...serversConfig(undefined), servers };
}

/** A resolver that is an extension. */
export function compileTypedDnsResolver(
  { typedConfig }: TypedExtensionConfig,
  context: CompileContext,
): DnsResolverConfig {
  const typeName = typeIn(typedConfig);
  if (typeName === GetAddrInfoDnsResolverConfigSchema.typeName) return { kind: 'getaddrinfo' };
  if (typedConfig === undefined || typeName !== CaresDnsResolverConfigSchema.typeName) {
    context.reject(
      'typed_config',
      `there is no DNS resolver '${typeName}': use ${CaresDnsResolverConfigSchema.typeName}, ${GetAddrInfoDnsResolverConfigSchema.typeName}, or leave typed_dns_resolver_config out`,
    );
    return SYSTEM;
  }
  const message = unpack(typedConfig, context, 'typed_config');
  return message === null
    ? SYSTEM
    : compileCares(message as CaresDnsResolverConfig, context.at('typed_config'));
}

function compileCares(message: CaresDnsResolverConfig, context: CompileContext): DnsServersConfig {
  const seconds = message.queryTimeoutSeconds ?? DEFAULT_QUERY_TIMEOUT_S;
  const least = seconds > MAX_QUERY_TIMEOUT_S ? MAX_QUERY_TIMEOUT_S : seconds;
  return {
    ...serversConfig(message.dnsResolverOptions),
    servers: serversOf(message.resolvers, context.at('resolvers')),
    isFallback: message.useResolversAsFallback,
    rotates: message.rotateNameservers,
    timeoutMs: Number(least) * MS_PER_SECOND,
    tries: message.queryTries ?? DEFAULT_QUERY_TRIES,
    filtersUnroutable: message.filterUnroutableFamilies,
  };
}

function serversConfig(options: DnsResolverOptions | undefined): DnsServersConfig {
  return {
    kind: 'servers',
    servers: [],
    isFallback: false,
    rotates: false,
    noSearch: options?.noDefaultSearchDomain ?? false,
    timeoutMs: Number(DEFAULT_QUERY_TIMEOUT_S) * MS_PER_SECOND,
    tries: DEFAULT_QUERY_TRIES,
    filtersUnroutable: false,
  };
}

function serversOf(addresses: readonly Address[], context: CompileContext): readonly string[] {
  return addresses.flatMap((message, index) => {
    const at = context.at(`[${index}]`);
    const address = compileAddress(message, at);
    if (address === null) return [];
    if (address.port >= 0) {
      const { ip, port } = address;
      return [`${ip.includes(':') ? `[${ip}]` : ip}:${port === 0 ? DNS_PORT : port}`];
    }
    at.reject('', 'a DNS server has an IP address: use socket_address');
    return [];
  });
}
