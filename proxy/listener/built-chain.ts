// A filter chain ready for connections: everything that can be made once is made.
import type {
  ConnectionGateDefinition,
  ConnectionGateFactory,
  ListenerFacts,
  NetworkFilterDefinition,
  NetworkFilterFactory,
  WorkerServices,
} from '../filters/network-filter.ts';
import type { FilterChainConfig } from '../model/listener.ts';
import type { FilterMetadata } from '../model/match-tree.ts';
import type { DownstreamTlsConfig } from '../model/transport-socket.ts';
import { ServerTls } from '../tls/server-tls.ts';
import { ChainFacts } from './chain-facts.ts';
import { toldChain } from './told-chain.ts';

/** See FilterChainConfig. */
export interface BuiltChain {
  readonly name: string;
  /** Of its configuration; '' : not known. */
  readonly fingerprint: string;
  readonly facts: ChainFacts;
  readonly metadata: FilterMetadata;
  /** In order, before the terminal filter hears of a connection. */
  readonly gates: readonly ConnectionGateFactory[];
  /** null: the chain is empty, and closes every connection. */
  readonly terminal: NetworkFilterFactory | null;
  /** null: clear text. */
  readonly tls: ServerTls | null;
  /** Ms that the handshake may take; 0: no limit. */
  readonly transportTimeoutMs: number;
}

/** Builds what a listener's connections share. */
export function buildChain(
  config: FilterChainConfig,
  services: WorkerServices,
  ofListener: ListenerFacts,
): BuiltChain {
  const listener = new ChainFacts(ofListener);
  const { name, metadata, filters, transport, transportConnectTimeoutMs } = config;
  const shared = {
    name,
    fingerprint: config.fingerprint ?? '',
    facts: listener,
    metadata,
    tls: transport.kind === 'tls' ? makeTls(transport.tls, services, listener) : null,
    transportTimeoutMs: transportConnectTimeoutMs,
  };
  if (filters.some(({ discovery }) => discovery !== undefined)) {
    return { ...shared, ...toldChain(filters, { services, listener }) };
  }
  const gates = filters.slice(0, -1).map((gate) => {
    const definition = gate.definition as ConnectionGateDefinition;
    return definition.gateFactory(gate.config, services, listener);
  });
  const last = filters.at(-1);
  if (last === undefined) return { ...shared, gates, terminal: null };
  const definition = last.definition as NetworkFilterDefinition;
  return { ...shared, gates, terminal: definition.factory(last.config, services, listener) };
}

function makeTls(
  config: DownstreamTlsConfig,
  services: WorkerServices,
  listener: ListenerFacts,
): ServerTls {
  return new ServerTls(config, services.tls, listener.scope);
}
