// The hosts of a dynamic forward proxy: one for each name of its DNS cache that has an address. A
// request goes to the one that it names, and nowhere else.
import { socketAddress } from '../base/address.ts';
import type { ClusterConfig } from '../model/cluster.ts';
import type { ForwardProxyConfig } from '../model/dns-cache.ts';
import type { LoadBalancerContext } from './cluster-manager.ts';
import type { CachedName } from './dns/cached-name.ts';
import type { DnsCache, DnsCacheListener } from './dns/dns-cache.ts';
import type { DnsCaches } from './dns/dns-caches.ts';
import { forwardKey } from './dns/forward-target.ts';
import { Host } from './host.ts';
import { endpointOfAddress, type OwnHosts, type OwnHostsOwner } from './own-hosts.ts';

/** Envoy's filter state keys for where a connection goes that filters decided about. */
export const DYNAMIC_HOST_STATE = 'envoy.upstream.dynamic_host';
export const DYNAMIC_PORT_STATE = 'envoy.upstream.dynamic_port';

interface NamedHost {
  readonly host: Host;
  readonly name: CachedName;
}

type FilterState = ReadonlyMap<string, unknown> | null;

/** See the file's head. */
export class ForwardHosts implements OwnHosts, DnsCacheListener {
  readonly #config: ClusterConfig;
  readonly #forward: ForwardProxyConfig;
  readonly #caches: DnsCaches;
  readonly #cache: DnsCache;
  readonly #owner: OwnHostsOwner;
  readonly #hosts = new Map<string, NamedHost>();
  #isClosed = false;

  constructor(
    config: ClusterConfig & { readonly forwardProxy: ForwardProxyConfig },
    caches: DnsCaches,
    owner: OwnHostsOwner,
  ) {
    this.#config = config;
    this.#forward = config.forwardProxy;
    this.#caches = caches;
    this.#owner = owner;
    this.#cache = caches.acquire(config.forwardProxy.cache);
    this.#cache.listen(this);
    for (const name of this.#cache.known()) this.#add(name);
    if (this.#hosts.size > 0) owner.onHostsChanged(this.#hosts.size, []);
  }

  hosts(): readonly Host[] {
    return [...this.#hosts.values()].map(({ host }) => host);
  }

  pick(context: LoadBalancerContext): Host | null {
    const key = this.#keyOf(context);
    const found = key === null ? undefined : this.#hosts.get(key);
    if (found === undefined) return null;
    found.name.touch();
    return found.host;
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#cache.unlisten(this);
    this.#caches.release(this.#cache);
  }

  onNameFound(name: CachedName): void {
    const known = this.#hosts.get(name.key);
    // As a LOGICAL_DNS host: new connections go where the name points now.
    if (known !== undefined) moveHost(known.host, name);
    else {
      this.#add(name);
      this.#owner.onHostsChanged(this.#hosts.size, []);
    }
  }

  onNameForgotten({ key }: CachedName): void {
    const known = this.#hosts.get(key);
    if (known === undefined) return;
    this.#hosts.delete(key);
    this.#owner.onHostsChanged(this.#hosts.size, [known.host]);
  }

  #add(name: CachedName): void {
    const [first] = name.addresses;
    if (first === undefined) return;
    const endpoint = { ...endpointOfAddress(first), hostname: name.key };
    const host = new Host(first, endpoint, this.#config);
    moveHost(host, name);
    this.#hosts.set(name.key, { host, name });
  }

  #keyOf({ request, info: { filterState, downstream } }: LoadBalancerContext): string | null {
    const { defaultPort } = this.#forward;
    if (request !== null) {
      return request.authority === '' ? null : forwardKey(request.authority, defaultPort);
    }
    const name =
      stateText(filterState, downstream.filterState, DYNAMIC_HOST_STATE) ||
      downstream.requestedServerName;
    const port = forwardPort(stateText(filterState, downstream.filterState, DYNAMIC_PORT_STATE));
    return name === '' ? null : forwardKey(name, port ?? defaultPort);
  }
}

function stateText(stream: FilterState, connection: FilterState, key: string): string {
  const value = stream?.get(key) ?? connection?.get(key);
  return typeof value === 'string' ? value : '';
}

/** A port as filter state has it; null: it is none. */
export function forwardPort(text: string): number | null {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  return port > 0 && port <= 65_535 ? port : null;
}

function moveHost(host: Host, { addresses }: CachedName): void {
  const [first, ...more] = addresses;
  if (first === undefined) return;
  if (first.text !== host.address.text) host.address = socketAddress(first.ip, first.port);
  host.moreAddresses = more;
}
