// Looks up the name that a request is for, in front of the router, where its cluster is a dynamic
// forward proxy. The request waits for the answer; without an address it is answered with 503.
import {
  type FilterConfig,
  FilterConfigSchema,
  type PerRouteConfig,
  PerRouteConfigSchema,
} from '../../api/gen/envoy/extensions/filters/http/dynamic_forward_proxy/v3/dynamic_forward_proxy_pb.js';
import { compileDnsCache } from '../../config/compile/dns-cache.ts';
import type { RequestHead } from '../../http/message.ts';
import type { ResponseFlag } from '../../http/response-flags.ts';
import type { DnsCacheConfig } from '../../model/dns-cache.ts';
import type { CompileContext } from '../../model/extension.ts';
import type { CachedName } from '../../upstream/dns/cached-name.ts';
import type { DnsCache, NameWaiter } from '../../upstream/dns/dns-cache.ts';
import { forwardKey } from '../../upstream/dns/forward-target.ts';
import {
  CONTINUE,
  type FilterStatus,
  type HttpFilter,
  type HttpFilterCallbacks,
  type HttpFilterDefinition,
  STOP_ALL,
  WAIT,
} from '../http-filter.ts';
import { clusterOfRoute } from './route-cluster.ts';

/** PerRouteConfig: what takes the place of the request's host. */
interface HostRewrite {
  /** '' : none. */
  readonly literal: string;
  /** The field whose value it is, lower case; '' : none. */
  readonly header: string;
}

/** extensions.filters.http.dynamic_forward_proxy.v3.FilterConfig, with what its route says. */
interface ForwardFilterConfig extends HostRewrite {
  readonly cache: DnsCacheConfig;
}

/** envoy.filters.http.dynamic_forward_proxy */
export const dynamicForwardProxyDefinition: HttpFilterDefinition<
  FilterConfig,
  ForwardFilterConfig
> = {
  name: 'envoy.filters.http.dynamic_forward_proxy',
  schema: FilterConfigSchema,
  isTerminal: false,
  support: {
    [FilterConfigSchema.typeName]: {
      dns_cache_config: 'honoured',
      sub_cluster_config: {
        refused: 'there is no cluster for each host: use dns_cache_config, here and in the cluster',
      },
      save_upstream_address: {
        refused: 'nothing reads it: %UPSTREAM_REMOTE_ADDRESS% is always known; leave it out',
      },
    },
  },
  perRoute: {
    schema: PerRouteConfigSchema,
    support: {
      [PerRouteConfigSchema.typeName]: {
        host_rewrite_literal: 'honoured',
        host_rewrite_header: 'honoured',
      },
    },
    compile: (message): HostRewrite => {
      const { case: kind, value = '' } = (message as PerRouteConfig).hostRewriteSpecifier;
      const isLiteral = kind === 'hostRewriteLiteral';
      return { literal: isLiteral ? value : '', header: isLiteral ? '' : value.toLowerCase() };
    },
  },
  compile: compileFilter,
  onRoute: (own, [first]: readonly HostRewrite[]) => ({ ...own, ...first }),
  factory: (config) => ({
    create: (callbacks) => new ForwardFilter(config, callbacks),
  }),
};

function compileFilter(
  { implementationSpecifier: choice }: FilterConfig,
  context: CompileContext,
): ForwardFilterConfig | null {
  if (choice.case !== 'dnsCacheConfig') {
    context.reject('dns_cache_config', 'is required: name the DNS cache that the cluster has');
    return null;
  }
  const cache = compileDnsCache(choice.value, context.at('dns_cache_config'));
  return { cache, literal: '', header: '' };
}

/** One per stream. */
class ForwardFilter implements HttpFilter, NameWaiter {
  readonly #config: ForwardFilterConfig;
  readonly #callbacks: HttpFilterCallbacks;
  /** While it waits for `#key`; null: it does not. */
  #cache: DnsCache | null = null;
  #key = '';
  #isHolding = false;

  constructor(config: ForwardFilterConfig, callbacks: HttpFilterCallbacks) {
    this.#config = config;
    this.#callbacks = callbacks;
  }

  onRequestHead(head: RequestHead, endStream: boolean): FilterStatus {
    const forward = clusterOfRoute(this.#callbacks, head)?.config.forwardProxy;
    // Hosts of other clusters are found in other ways.
    if (forward === undefined) return CONTINUE;
    this.#rewriteHost(head);
    // Without a cluster that shares the cache, nobody has a host by what it would find.
    const cache = this.#callbacks.services.clusters.dnsCaches?.find(this.#config.cache) ?? null;
    if (cache === null) return CONTINUE;
    this.#key = forwardKey(head.authority, forward.defaultPort);
    const finding = cache.find(this.#key, this);
    if (finding === 'loading') return this.#wait(cache, endStream);
    if (finding === 'hosts-overflow') {
      return this.#answer('DNS cache overflow', 'dns_cache_overflow', null);
    }
    if (finding === 'requests-overflow') {
      const what = 'Dynamic forward proxy pending request overflow';
      return this.#answer(what, what.toLowerCase().replaceAll(' ', '_'), null);
    }
    return finding.addresses.length > 0 ? CONTINUE : this.#answerFailed(finding);
  }

  onNameAnswered(name: CachedName): void {
    if (this.#cache === null) return;
    this.#cache = null;
    if (name.addresses.length === 0) this.#answerFailed(name);
    else this.#callbacks.continueRequest(this);
    if (this.#isHolding) this.#callbacks.flow.takeRequest(this);
    this.#isHolding = false;
  }

  onStreamEnd(): void {
    this.#cache?.giveUp(this.#key, this);
    this.#cache = null;
  }

  #rewriteHost(head: RequestHead): void {
    const { literal, header } = this.#config;
    const rewritten = header === '' ? literal : (head.headers.getByName(header) ?? '');
    if (rewritten !== '') head.authority = rewritten;
  }

  #wait(cache: DnsCache, endStream: boolean): FilterStatus {
    this.#cache = cache;
    this.#isHolding = !endStream;
    if (this.#isHolding) this.#callbacks.flow.holdRequest(this);
    return WAIT;
  }

  #answerFailed({ failure }: CachedName): FilterStatus {
    const reason = failure.replaceAll(' ', '_');
    return this.#answer('DNS resolution failure', `dns_resolution_failure{${reason}}`, 'DF');
  }

  #answer(body: string, details: string, flag: ResponseFlag | null): FilterStatus {
    this.#callbacks.sendLocalReply({ status: 503, body, details, flag, headers: null });
    return STOP_ALL;
  }
}
