// Explains what would become of a request: finds listener and filter chain as a connection would,
// then lets the chain's data path run with nobody at its ends.
import type { SocketAddress } from '../base/address.ts';
import { INTERNAL_PORT } from '../base/address.ts';
import type { DownstreamConnectionInfo } from '../http/stream-info.ts';
import type { TlsInfo } from '../http/tls-info.ts';
import type { InspectedConnection } from '../listener/connection-facts.ts';
import type { EndpointPolicy } from '../model/cluster.ts';
import type { HttpConnectionManagerConfig } from '../model/http-connection-manager.ts';
import type { FilterChainConfig, ListenerConfig } from '../model/listener.ts';
import type { TcpProxyConfig } from '../model/tcp-proxy.ts';
import type { DownstreamTlsConfig } from '../model/transport-socket.ts';
import type { ResolvedEndpoint } from '../upstream/resolved-endpoint.ts';
import { type ChainChoice, chooseChain, type TriedChain } from './choose-chain.ts';
import { chooseListener, type ListenerChoice } from './choose-listener.ts';
import {
  type Explained,
  type ExplainedConfiguration,
  type ResourceOrigin,
  valueAt,
} from './configuration.ts';
import { DryProxy } from './dry-proxy.ts';
import type { DryRequest } from './dry-request.ts';
import { explainCluster, type LiveHosts } from './explain-cluster.ts';
import { explainHttp } from './explain-http.ts';
import type { ExplainedCluster, Explanation, Outcome, Part, TriedPart } from './explanation.ts';
import { membersText } from './flow-text.ts';
import { httpOutcome } from './http-outcome.ts';
import { notesOf } from './notes.ts';
import { ManagerView } from './route-paths.ts';

/** What is true when somebody asks. */
export interface Moment {
  readonly wallMs: number;
  /** What is known of hosts now. */
  readonly live: LiveHosts;
  /** Addresses of clusters that are found by name. */
  readonly resolved: ReadonlyMap<string, readonly ResolvedEndpoint[]>;
  /** What servers say of a cluster's endpoints as a whole. */
  readonly policies: ReadonlyMap<string, EndpointPolicy>;
  /** Where the endpoints of a cluster came from; null: they stand in its configuration. */
  readonly endpointsFrom: (cluster: string) => ResourceOrigin | null;
}

const MANAGER = 'envoy.filters.network.http_connection_manager';
const TCP_PROXY = 'envoy.filters.network.tcp_proxy';

/** What is known before the filter chain is asked. */
type Arrival = Pick<
  Explanation,
  'request' | 'listener' | 'otherListeners' | 'filterChain' | 'triedChains'
>;

/** One configuration, asked any number of times. */
export class Explainer {
  readonly configuration: ExplainedConfiguration;
  #live: LiveHosts = () => null;
  #endpointsFrom: Moment['endpointsFrom'] = () => null;
  readonly #proxy: DryProxy;

  /** `localIp`: the machine's own address. */
  constructor(configuration: ExplainedConfiguration, localIp: string) {
    this.configuration = configuration;
    this.#proxy = new DryProxy({
      clusters: configuration.clusters.map(({ config }) => config),
      node: configuration.node,
      localIp,
      routes: new Map([...configuration.routes].map(([key, { config }]) => [key, config])),
      told: configuration.told,
    });
  }

  explain(request: DryRequest, moment: Moment): Explanation {
    this.#live = moment.live;
    this.#endpointsFrom = moment.endpointsFrom;
    this.#proxy.begin(moment);
    const choice = chooseListener(this.configuration.listeners, request);
    const { listener } = choice;
    const arrival = this.#arrival(request, choice);
    if (listener === null) {
      return ended(arrival, 'no-listener', `nobody takes the connection: ${choice.reason}`);
    }
    const chains = chooseChain(listener.config, request, choice.localAddress);
    const here = { ...arrival, ...this.#chainParts(listener, chains) };
    if (chains.chosen === null) {
      const why = 'the connection is closed: no filter chain of the listener takes it';
      return ended(here, 'no-filter-chain', why);
    }
    if (request.scheme === 'http' && chains.chosen.chain.transport.kind === 'tls') {
      const why = 'the connection is closed: this filter chain speaks TLS and the client does not';
      return ended(here, 'not-http', why);
    }
    return this.#inChain(request, here, { listener, chain: chains.chosen, chains });
  }

  #inChain(request: DryRequest, arrival: Arrival, place: ChainPlace): Explanation {
    const { filters } = place.chain.chain;
    const last = filters.at(-1);
    const path = `${place.chain.path}.filters[${filters.length - 1}].typed_config`;
    if (last?.definition.name === MANAGER) {
      const config = last.config as HttpConnectionManagerConfig;
      return this.#inManager(request, arrival, { ...place, path, config });
    }
    if (last?.definition.name === TCP_PROXY) {
      return ended(arrival, 'tcp', tcpText(last.config as TcpProxyConfig));
    }
    const type = last === undefined ? 'no filter' : last.definition.name;
    return ended(arrival, 'not-http', `no HTTP is spoken here: the filter chain has ${type}`);
  }

  #inManager(request: DryRequest, arrival: Arrival, place: ManagerPlace): Explanation {
    const { listener, chains } = place;
    const info = connectionInfo(request, chains.connection, place.chain.chain);
    const run = this.#proxy.run(place.config, request, info);
    const view = new ManagerView(this.configuration, listener, place);
    const http = explainHttp({ view, run, explainCluster: (name) => this.#cluster(name) });
    const outcome = httpOutcome(run, http.filters);
    const { connection } = chains;
    const { transport } = place.chain.chain;
    const notes = notesOf({ request, view, run, outcome, connection, transport });
    return { ...arrival, outcome, http, notes };
  }

  #cluster(name: string): ExplainedCluster | null {
    const explained = this.configuration.cluster(name);
    const cluster = this.#proxy.clusters.get(name);
    if (explained === null || cluster === undefined) return null;
    const endpointsFrom = this.#endpointsFrom(name);
    const facts = { configuration: this.configuration, live: this.#live, endpointsFrom };
    return explainCluster(explained, cluster, facts);
  }

  #arrival(request: DryRequest, choice: ListenerChoice): Arrival {
    const { listener, localAddress, reason, others } = choice;
    const { method, scheme, authority, path, protocol, fields } = request;
    return {
      request: { method, url: `${scheme}://${authority}${path}`, protocol, headers: fields },
      listener:
        listener === null
          ? null
          : {
              ...this.#part(listener.config.name, listener.path),
              address: addressText(listener, localAddress),
              reason,
            },
      otherListeners: others,
      filterChain: null,
      triedChains: [],
    };
  }

  #chainParts(
    listener: Explained<ListenerConfig>,
    { chosen, tried }: ChainChoice,
  ): Pick<Explanation, 'filterChain' | 'triedChains'> {
    const parts = tried.map((each): TriedPart => {
      const match = valueAt(listener.json(), `${each.path}.filter_chain_match`);
      return {
        ...this.#part(each.chain.name || each.path, `${listener.path}.${each.path}`),
        condition: match === undefined ? '' : membersText(match),
        mismatch: each.mismatch,
      };
    });
    const at = chosen === null ? -1 : tried.indexOf(chosen);
    return { filterChain: parts[at] ?? null, triedChains: parts };
  }

  #part(name: string, path: string): Part {
    return { name, origin: this.configuration.origin(path) };
  }
}

interface ChainPlace {
  readonly listener: Explained<ListenerConfig>;
  readonly chain: TriedChain;
  readonly chains: ChainChoice;
}

interface ManagerPlace extends ChainPlace {
  /** Of the connection manager's message, below the listener. */
  readonly path: string;
  readonly config: HttpConnectionManagerConfig;
}

function ended(arrival: Arrival, kind: Outcome['kind'], summary: string): Explanation {
  const nothing = { status: null, location: null, body: '', details: '' };
  return { ...arrival, outcome: { kind, summary, ...nothing }, http: null, notes: [] };
}

function tcpText({ clusters, totalWeight }: TcpProxyConfig): string {
  const shares = clusters.map(({ name, weight }) =>
    clusters.length === 1 ? name : `${name} (${weight} of ${totalWeight})`,
  );
  const where = clusters.length === 1 ? `cluster ${shares[0]}` : `clusters ${shares.join(', ')}`;
  return `forwarded as plain TCP to ${where}: nobody looks at the HTTP inside`;
}

function addressText({ config }: Explained<ListenerConfig>, arrival: SocketAddress): string {
  const own = config.addresses[0];
  if (own === undefined || own.port === INTERNAL_PORT) return own?.text ?? '';
  return config.addresses.find(({ port }) => port === arrival.port)?.text ?? own.text;
}

function connectionInfo(
  request: DryRequest,
  connection: InspectedConnection,
  { name, transport }: FilterChainConfig,
): DownstreamConnectionInfo {
  const { localAddress, remoteAddress, directRemoteAddress } = connection;
  const tls = transport.kind === 'tls' ? dryTls(request, transport.tls) : null;
  return {
    id: 1,
    ...{ localAddress, remoteAddress, directRemoteAddress, filterChainName: name },
    directLocalAddress: localAddress,
    requestedServerName: connection.serverName,
    tls,
    filterState: null,
    dynamicMetadata: null,
  };
}

/** A handshake with a client that shows no certificate. */
function dryTls(request: DryRequest, tls: DownstreamTlsConfig): TlsInfo {
  const wanted = request.protocol === 'HTTP/2' ? 'h2' : 'http/1.1';
  return {
    version: tls.maxVersion,
    ...{ cipher: '', group: '', sessionId: '', isResumed: false },
    serverName: request.host,
    applicationProtocol: tls.applicationProtocols.includes(wanted) ? wanted : '',
    ...{ peerChain: [], isPeerValidated: false, peerIssuer: () => null },
    localCertificate: tls.certificates[0]?.initial?.chain[0] ?? null,
  };
}
