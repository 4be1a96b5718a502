// Looks up the server name (SNI) of a connection before it goes on to a cluster that is a dynamic
// forward proxy. Without an address the cluster has no host for it, and it ends there.
import {
  type FilterConfig,
  FilterConfigSchema,
} from '../../api/gen/envoy/extensions/filters/network/sni_dynamic_forward_proxy/v3/sni_dynamic_forward_proxy_pb.js';
import { compileDnsCache } from '../../config/compile/dns-cache.ts';
import type { DnsCacheConfig } from '../../model/dns-cache.ts';
import type { DnsCache, NameWaiter } from '../../upstream/dns/dns-cache.ts';
import { forwardKey } from '../../upstream/dns/forward-target.ts';
import {
  DYNAMIC_HOST_STATE,
  DYNAMIC_PORT_STATE,
  forwardPort,
} from '../../upstream/forward-hosts.ts';
import {
  ADMIT,
  type ConnectionGate,
  type ConnectionGateDefinition,
  DENY,
  type GatedConnection,
  type GateStatus,
  HOLD,
  type WorkerServices,
} from '../network-filter.ts';

/** extensions.filters.network.sni_dynamic_forward_proxy.v3.FilterConfig */
interface SniForwardConfig {
  readonly cache: DnsCacheConfig;
  readonly port: number;
}

/** Envoy's, where port_value is absent. */
const DEFAULT_PORT = 443;

/** envoy.filters.network.sni_dynamic_forward_proxy */
export const sniDynamicForwardProxyDefinition: ConnectionGateDefinition<
  FilterConfig,
  SniForwardConfig
> = {
  name: 'envoy.filters.network.sni_dynamic_forward_proxy',
  schema: FilterConfigSchema,
  isTerminal: false,
  support: {
    [FilterConfigSchema.typeName]: { dns_cache_config: 'honoured', port_value: 'honoured' },
  },
  compile: ({ dnsCacheConfig, portSpecifier }, context) => {
    if (dnsCacheConfig === undefined) {
      context.reject('dns_cache_config', 'is required: name the DNS cache that the cluster has');
      return null;
    }
    const cache = compileDnsCache(dnsCacheConfig, context.at('dns_cache_config'));
    return { cache, port: portSpecifier.case === 'portValue' ? portSpecifier.value : DEFAULT_PORT };
  },
  gateFactory: (config, services) => ({
    createGate: () => new SniForwardGate(config, services),
  }),
};

/** One per connection. */
class SniForwardGate implements ConnectionGate, NameWaiter {
  readonly #config: SniForwardConfig;
  readonly #services: WorkerServices;
  /** While it waits for `#key`. */
  #cache: DnsCache | null = null;
  #gated: GatedConnection | null = null;
  #key = '';

  constructor(config: SniForwardConfig, services: WorkerServices) {
    this.#config = config;
    this.#services = services;
  }

  onConnection(gated: GatedConnection): GateStatus {
    const { info } = gated;
    const chosen = info.filterState?.get(DYNAMIC_HOST_STATE);
    const name = typeof chosen === 'string' && chosen !== '' ? chosen : info.requestedServerName;
    if (name === '') return ADMIT;
    const told = info.filterState?.get(DYNAMIC_PORT_STATE);
    const port = (typeof told === 'string' ? forwardPort(told) : null) ?? this.#config.port;
    info.filterState ??= new Map();
    // The cluster asks for the same.
    info.filterState.set(DYNAMIC_PORT_STATE, String(port));
    const cache = this.#services.clusters.dnsCaches?.find(this.#config.cache) ?? null;
    if (cache === null) return ADMIT;
    this.#key = forwardKey(name, port);
    const finding = cache.find(this.#key, this);
    if (finding === 'hosts-overflow' || finding === 'requests-overflow') return DENY;
    if (finding !== 'loading') return ADMIT;
    this.#cache = cache;
    this.#gated = gated;
    return HOLD;
  }

  onNameAnswered(): void {
    const gated = this.#gated;
    this.#cache = null;
    this.#gated = null;
    gated?.resume();
  }

  onClose(): void {
    this.#cache?.giveUp(this.#key, this);
    this.#cache = null;
    this.#gated = null;
  }
}
