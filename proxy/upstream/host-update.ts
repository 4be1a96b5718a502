// From addresses that were found to hosts: whoever keeps its address keeps its identity, and with
// it its connections and counts.
import { isDeepStrictEqual } from 'node:util';
import {
  INTERNAL_PORT,
  internalAddress,
  pipeAddress,
  type SocketAddress,
  socketAddress,
} from '../base/address.ts';
import type { ClusterConfig, EndpointConfig } from '../model/cluster.ts';
import { uncheckedFlags } from './health/checked-host.ts';
import { Host } from './host.ts';
import type { ResolvedEndpoint } from './resolved-endpoint.ts';

/** The next hosts of a cluster, and which of the old ones are gone. */
export interface HostUpdate {
  readonly hosts: readonly Host[];
  readonly removed: readonly Host[];
  /** Those of `hosts` that are new. */
  readonly added: readonly Host[];
  /** Something is said otherwise of hosts that stay. */
  readonly isRevised: boolean;
}

/** The endpoints of a STATIC cluster: its configuration says it all. */
export function staticEndpoints(config: ClusterConfig): readonly ResolvedEndpoint[] {
  return config.endpoints.map((endpoint, endpointIndex) => ({
    ip: endpoint.address,
    port: endpoint.port,
    endpointIndex,
  }));
}

/** What the configuration says of an endpoint that was found; undefined: it has none like it. */
export function endpointOf(
  config: ClusterConfig,
  resolved: ResolvedEndpoint,
): EndpointConfig | undefined {
  return resolved.endpoint ?? config.endpoints[resolved.endpointIndex];
}

/** The hosts for `endpoints`. Those whose index the configuration lacks are left out. */
export function updateHosts(
  config: ClusterConfig,
  current: readonly Host[],
  endpoints: readonly ResolvedEndpoint[],
): HostUpdate {
  if (config.discovery === 'logical-dns') return moveLogicalHost(config, current, endpoints);
  return updateTold(config, current, endpoints) ?? updateAll(config, current, endpoints);
}

/**
 * What is told with the very object that a host has is that host, without a look at its address.
 * Mostly all but a few are, in the same order; null: not even one is, or it is not that easy.
 */
function updateTold(
  config: ClusterConfig,
  current: readonly Host[],
  endpoints: readonly ResolvedEndpoint[],
): HostUpdate | null {
  const most = Math.min(current.length, endpoints.length);
  let first = 0;
  while (first < most && isTold(current[first], endpoints[first])) first += 1;
  let last = 0;
  while (last < most - first && isTold(current.at(-1 - last), endpoints.at(-1 - last))) last += 1;
  if (first + last === 0) return null;
  const ends = { current: current.length - last, endpoints: endpoints.length - last };
  const between = updateAll(
    config,
    current.slice(first, ends.current),
    endpoints.slice(first, ends.endpoints),
  );
  const kept = [...current.slice(0, first), ...current.slice(ends.current)];
  if (haveCommonAddress(kept, between.hosts)) return null;
  const hosts = [...kept.slice(0, first), ...between.hosts, ...kept.slice(first)];
  return { ...between, hosts };
}

function isTold(host: Host | undefined, resolved: ResolvedEndpoint | undefined): boolean {
  return resolved?.endpoint !== undefined && host?.endpoint === resolved.endpoint;
}

/** Whatever their priorities are. */
function haveCommonAddress(some: readonly Host[], others: readonly Host[]): boolean {
  if (others.length === 0) return false;
  const texts = new Set(some.map(({ address }) => address.text));
  return others.some(({ address }) => texts.has(address.text));
}

function updateAll(
  config: ClusterConfig,
  current: readonly Host[],
  endpoints: readonly ResolvedEndpoint[],
): HostUpdate {
  const known = new Map(current.map((host) => [hostKey(host.endpoint, host.address), host]));
  const hosts: Host[] = [];
  const added: Host[] = [];
  const seen = new Set<string>();
  let isRevised = false;
  for (const resolved of endpoints) {
    const endpoint = endpointOf(config, resolved);
    if (endpoint === undefined) continue;
    const address = endpointAddress(resolved, endpoint);
    const key = hostKey(endpoint, address);
    // Two names with one address are one host; a STATIC list is taken as it was written.
    if (seen.has(key) && config.discovery !== 'static') continue;
    seen.add(key);
    const kept = takeOver(known, key);
    const host = kept ?? makeHost(config, endpoint, address);
    hosts.push(host);
    if (kept === null) added.push(host);
    if (resolved.endpoint !== undefined && !isDeepStrictEqual(host.endpoint, endpoint)) {
      isRevised = true;
    }
    host.setEndpoint(endpoint);
  }
  return { hosts, added, removed: [...known.values()], isRevised };
}

/** null: there is none of that key. */
function takeOver(known: Map<string, Host>, key: string): Host | null {
  const host = known.get(key) ?? null;
  known.delete(key);
  return host;
}

/** A LOGICAL_DNS cluster has one host: new connections go where the name points now. */
function moveLogicalHost(
  config: ClusterConfig,
  current: readonly Host[],
  endpoints: readonly ResolvedEndpoint[],
): HostUpdate {
  const first = endpoints[0];
  const endpoint = first === undefined ? undefined : endpointOf(config, first);
  if (first === undefined || endpoint === undefined)
    return { hosts: current, added: [], removed: [], isRevised: false };
  const host = current[0];
  const address = endpointAddress(first, endpoint);
  const moreAddresses = (first.moreIps ?? []).map((ip) => socketAddress(ip, first.port));
  if (host === undefined) {
    const made = makeHost(config, endpoint, address);
    made.moreAddresses = moreAddresses;
    return { hosts: [made], added: [made], removed: [], isRevised: false };
  }
  if (address.text !== host.address.text) host.address = address;
  host.moreAddresses = moreAddresses;
  return { hosts: current, added: [], removed: [], isRevised: false };
}

function makeHost(config: ClusterConfig, endpoint: EndpointConfig, address: SocketAddress): Host {
  // Envoy: a host that was found by its name is called by it unless its endpoint says otherwise.
  const isFound = config.discovery !== 'static' && config.discovery !== 'eds';
  const isNamed = isFound && endpoint.hostname === '';
  const named = isNamed ? { ...endpoint, hostname: endpoint.address } : endpoint;
  const host = new Host(address, named, config);
  const isChecked = config.healthCheck !== null && !endpoint.check.isDisabled;
  if (isChecked) host.setPrimaryFlags(uncheckedFlags(config.priorities.ignoresUncheckedHosts));
  return host;
}

/** Where an endpoint is. */
export function endpointAddress(
  resolved: ResolvedEndpoint,
  endpoint: Pick<EndpointConfig, 'address' | 'endpointId'>,
): SocketAddress {
  if (resolved.port === INTERNAL_PORT) return internalAddress(resolved.ip, endpoint.endpointId);
  if (resolved.port < 0) return pipeAddress(resolved.ip);
  // Endpoints came over the link: each text a copy of its own.
  const ip = resolved.ip === endpoint.address ? endpoint.address : resolved.ip;
  return socketAddress(ip, resolved.port);
}

function hostKey(endpoint: EndpointConfig, address: SocketAddress): string {
  return `${endpoint.priority} ${address.text}`;
}
