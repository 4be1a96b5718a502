// The transports of one cluster: its own, and those of transport_socket_matches for the endpoints whose
// metadata ask for them.
import { isDeepStrictEqual } from 'node:util';
import type { ClusterConfig, EndpointConfig } from '../../model/cluster.ts';
import { transportMatchOf, type UpstreamTransportConfig } from '../../model/transport-socket.ts';
import type { Counter, StatsScope } from '../../stats/metrics.ts';
import type { TlsServices } from '../../tls/tls-services.ts';
import { buildTransport } from './build-transport.ts';
import type { UpstreamTransport } from './upstream-transport.ts';

/** One of them. */
interface TransportChoice {
  readonly match: Readonly<Record<string, unknown>>;
  /** null: clear text. */
  readonly transport: UpstreamTransport | null;
  /** Endpoints that chose it. */
  readonly matches: Counter;
}

/** See the file's head. */
export class ClusterTransports {
  /** Some connections say whom they are for, so that nobody else may use them. */
  readonly isPerClient: boolean;
  readonly #choices: readonly TransportChoice[];
  readonly #own: TransportChoice;
  /** By endpoint: its metadata never change. */
  readonly #chosen = new WeakMap<EndpointConfig, TransportChoice>();

  /** `scope` is `cluster.<name>.`; those that are equal share their statistics. */
  constructor(
    config: Pick<ClusterConfig, 'transport' | 'transportMatches'>,
    services: TlsServices,
    scope: StatsScope,
  ) {
    const matches = (name: string) => scope.counter(`${name}.total_match_count`);
    this.#choices = config.transportMatches.map(({ name, match, transport }) => ({
      ...{ match, transport: buildTransport(transport, services, scope) },
      matches: matches(name),
    }));
    const transport = buildTransport(config.transport, services, scope);
    this.isPerClient = [config, ...config.transportMatches].some((each) =>
      saysClient(each.transport),
    );
    this.#own = { match: {}, transport, matches: matches('default') };
  }

  /** What carries connections to an endpoint; null: clear text. */
  of(endpoint: EndpointConfig): UpstreamTransport | null {
    return this.#choices.length === 0 ? this.#own.transport : this.#choose(endpoint).transport;
  }

  /** The same for labels that stand elsewhere than in an endpoint's metadata. */
  ofLabels(labels: Readonly<Record<string, unknown>>): UpstreamTransport | null {
    return this.#find(labels).transport;
  }

  /** Endpoints that the cluster has from now on. */
  count(endpoints: readonly EndpointConfig[]): void {
    for (const endpoint of endpoints) this.#choose(endpoint).matches.inc();
  }

  /** The cluster is gone. */
  close(): void {
    for (const { transport } of [...this.#choices, this.#own]) transport?.close();
  }

  #choose(endpoint: EndpointConfig): TransportChoice {
    if (this.#choices.length === 0) return this.#own;
    const known = this.#chosen.get(endpoint);
    if (known !== undefined) return known;
    const choice = this.#find(transportMatchOf(endpoint.metadata));
    this.#chosen.set(endpoint, choice);
    return choice;
  }

  #find(labels: Readonly<Record<string, unknown>>): TransportChoice {
    return this.#choices.find(({ match }) => isPartOf(match, labels)) ?? this.#own;
  }
}

function saysClient(transport: UpstreamTransportConfig): boolean {
  if (transport.kind === 'http-11-proxy') return saysClient(transport.inner);
  return transport.kind === 'proxy-protocol';
}

/** Each of the wanted values is there. */
function isPartOf(
  wanted: Readonly<Record<string, unknown>>,
  labels: Readonly<Record<string, unknown>>,
): boolean {
  return Object.entries(wanted).every(
    ([key, value]) => Object.hasOwn(labels, key) && isDeepStrictEqual(labels[key], value),
  );
}
