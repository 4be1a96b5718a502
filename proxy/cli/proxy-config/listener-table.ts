// `proxy-config listeners`: which connections a listener's filter chains take, and where they go.
import { placeText } from './addresses.ts';
import {
  type Dump,
  type DumpedResource,
  type Result,
  sectionOf,
  servingResources,
} from './dump.ts';
import { type JsonRecord, member, record, records, text, texts, typeName } from './json-fields.ts';
import { clusterText, inlineRoutesText } from './route-text.ts';
import { compareNames, type TextTable } from './text-table.ts';

/** Which of them are wanted; '' and null for any. */
export interface ListenerFilter {
  readonly address: string;
  readonly port: number | null;
  /** HTTP, TCP, HTTP+TCP or UNKNOWN, in any case of letters. */
  readonly type: string;
}

const BLACK_HOLE = 'BlackHoleCluster';
const HTTP_FILTER = 'envoy.filters.network.http_connection_manager';
const TCP_FILTER = 'envoy.filters.network.tcp_proxy';

/** Lists of protocols that istiod writes, by the name that istioctl gives them. */
const KNOWN_PROTOCOLS: ReadonlyMap<string, string> = new Map([
  ['http/1.0,http/1.1,h2c', 'App: HTTP'],
  ['http/1.0,http/1.1,h2c,istio-http/1.0,istio-http/1.1,istio-h2', 'App: HTTP TLS'],
  ['istio,istio-http/1.0,istio-http/1.1,istio-h2', 'App: Istio HTTP Plain'],
  ['istio-peer-exchange,istio', 'App: TCP TLS'],
]);

/** Listeners that serve, by port, address and type. */
export function selectListeners(
  dump: Dump,
  filter: ListenerFilter,
): Result<readonly DumpedResource[]> {
  const listeners = servingListeners(dump);
  if (!listeners.ok) return listeners;
  const value = listeners.value
    .filter((listener) => isWanted(listener, filter))
    .sort((left, right) => compareListeners(left, right));
  return { ok: true, value };
}

/** All listeners that serve, in the dump's order. */
export function servingListeners(dump: Dump): Result<readonly DumpedResource[]> {
  const section = sectionOf(dump, 'ListenersConfigDump');
  if (!section.ok) return section;
  const value = servingResources(section.value, {
    ...{ fixed: 'static_listeners', dynamic: 'dynamic_listeners' },
    ...{ resource: 'listener', state: 'active_state' },
  });
  return { ok: true, value };
}

/** A line for each filter chain, or for each listener when that is enough. */
export function listenerTable(listeners: readonly DumpedResource[], isVerbose: boolean): TextTable {
  if (!isVerbose) {
    const rows = listeners.map((one) => [...placeCells(one), listenerType(one.json)]);
    return { titles: ['ADDRESSES', 'PORT', 'TYPE'], rows };
  }
  const rows = listeners.flatMap((listener) =>
    filterChains(listener.json)
      .map((chain) => ({ match: chainMatch(chain), destination: chainDestination(chain) }))
      .sort((left, right) => compareNames(right.destination, left.destination))
      .map(({ match, destination }) => [...placeCells(listener), match, destination]),
  );
  return { titles: ['ADDRESSES', 'PORT', 'MATCH', 'DESTINATION'], rows };
}

function isWanted(listener: DumpedResource, { address, port, type }: ListenerFilter): boolean {
  const wanted = address.toLowerCase();
  return (
    (wanted === '' || addressesOf(listener).some((each) => each.toLowerCase() === wanted)) &&
    (port === null || portOf(listener) === port) &&
    (type === '' || listenerType(listener.json) === type.toUpperCase())
  );
}

function compareListeners(left: DumpedResource, right: DumpedResource): number {
  return (
    portOf(left) - portOf(right) ||
    compareNames(addressesOf(left)[0] ?? '', addressesOf(right)[0] ?? '') ||
    compareNames(listenerType(left.json), listenerType(right.json))
  );
}

function placeCells(listener: DumpedResource): readonly string[] {
  return [addressesOf(listener).join(','), String(portOf(listener))];
}

/** An internal listener has a name for an address. */
function addressesOf({ name, json }: DumpedResource): readonly string[] {
  const main = placeText(record(json, 'address'), '').address;
  const more = records(json, 'additional_addresses').map(
    (each) => placeText(record(each, 'address'), '').address,
  );
  return [main === '' ? `envoy://${name}` : main, ...more];
}

function portOf({ json }: DumpedResource): number {
  return placeText(record(json, 'address'), '').port;
}

/** The default filter chain comes last. */
export function filterChains(listener: JsonRecord): readonly JsonRecord[] {
  const last = record(listener, 'default_filter_chain');
  const chains = records(listener, 'filter_chains');
  return Object.keys(last).length === 0 ? chains : [...chains, last];
}

/** Listeners of TCP that only drop connections have no type, as istioctl sees it. */
function listenerType(listener: JsonRecord): string {
  const filters = filterChains(listener).flatMap((chain) => records(chain, 'filters'));
  const hasHttp = filters.some(isHttp);
  const hasTcp = filters.some((filter) => isTcp(filter) && !isBlackHole(filter));
  if (hasHttp) return hasTcp ? 'HTTP+TCP' : 'HTTP';
  return hasTcp ? 'TCP' : 'UNKNOWN';
}

function chainMatch(chain: JsonRecord): string {
  const match = record(chain, 'filter_chain_match');
  const names = texts(match, 'server_names').join(',');
  const transport = text(match, 'transport_protocol');
  const protocols = texts(match, 'application_protocols').join(',');
  const parts = [
    names === '' ? '' : `SNI: ${names}`,
    transport === '' ? '' : `Trans: ${transport}`,
    protocols === '' ? '' : (KNOWN_PROTOCOLS.get(protocols) ?? `App: ${protocols}`),
    destinationMatch(match),
  ];
  return parts.filter((part) => part !== '').join('; ') || 'ALL';
}

function destinationMatch(match: JsonRecord): string {
  const port = text(match, 'destination_port');
  const ranges = records(match, 'prefix_ranges').map(
    (range) => `${text(range, 'address_prefix')}/${text(range, 'prefix_len') || '0'}`,
  );
  if (ranges.length === 0 && port === '') return '';
  return `Addr: ${ranges.join(',') || '*'}${port === '' ? '' : `:${port}`}`;
}

function chainDestination(chain: JsonRecord): string {
  for (const filter of records(chain, 'filters')) {
    const config = record(filter, 'typed_config');
    if (isHttp(filter)) return httpDestination(config);
    if (isTcp(filter) && !isBlackHole(filter)) return tcpDestination(config);
  }
  return 'Non-HTTP/Non-TCP';
}

function httpDestination(manager: JsonRecord): string {
  if (member(manager, 'route_config') !== undefined) {
    return inlineRoutesText(record(manager, 'route_config'));
  }
  const name = text(record(manager, 'rds'), 'route_config_name');
  return name === '' ? 'HTTP' : `Route: ${name}`;
}

function tcpDestination(proxy: JsonRecord): string {
  const shares = records(record(proxy, 'weighted_clusters'), 'clusters');
  if (shares.length === 0) return clusterText(text(proxy, 'cluster'));
  const words = shares.map((share) => `${text(share, 'name')} (${text(share, 'weight') || '0'})`);
  return `Clusters: ${words.join(', ')}`;
}

/** The name of a filter is free; its type is not. */
function isHttp(filter: JsonRecord): boolean {
  const type = typeName(record(filter, 'typed_config'));
  return type === 'HttpConnectionManager' || text(filter, 'name') === HTTP_FILTER;
}

function isTcp(filter: JsonRecord): boolean {
  const type = typeName(record(filter, 'typed_config'));
  return type === 'TcpProxy' || text(filter, 'name') === TCP_FILTER;
}

function isBlackHole(filter: JsonRecord): boolean {
  return text(record(filter, 'typed_config'), 'cluster').includes(BLACK_HOLE);
}
