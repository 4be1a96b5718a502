// How a host is asked, whatever the protocol; and what asking takes.
import type { SocketAddress } from '../../base/address.ts';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import type { TimerWheel } from '../../base/timer-wheel.ts';
import type { CodecServices } from '../../http/codec.ts';
import type { H2Counters } from '../../http/h2/counters.ts';
import type { ClusterConfig, EndpointConfig } from '../../model/cluster.ts';
import type { Connection, ConnectionHandler } from '../../net/connection.ts';
import type { ConnectOptions, Connector } from '../../net/connector.ts';
import type { TlsServices } from '../../tls/tls-services.ts';
import {
  NO_WANTS,
  type TransportWants,
  type UpstreamTransport,
} from '../transport/upstream-transport.ts';
import type { ClientCodecFactory } from '../upstream-context.ts';
import type { CheckStats } from './check-stats.ts';
import type { CheckFailure } from './checked-host.ts';

/** What all checks of a process share. */
export interface CheckServices {
  readonly clock: Clock;
  readonly timers: TimerWheel;
  readonly random: Random;
  readonly connector: Connector;
  readonly codecs: ClientCodecFactory;
  readonly codecServices: CodecServices;
  readonly tls: TlsServices;
  /** Component `health_checker`. */
  readonly log: Logger;
}

/** Where one host is asked, and for whom. */
export interface CheckTarget {
  readonly services: CheckServices;
  readonly cluster: ClusterConfig;
  readonly endpoint: EndpointConfig;
  /** The host's own address. */
  readonly hostAddress: SocketAddress;
  /** Where checks go. */
  readonly address: SocketAddress;
  readonly connectOptions: ConnectOptions;
  /** null: clear text. */
  readonly transport: UpstreamTransport | null;
  readonly stats: CheckStats;
  /** `cluster.<name>.http2.`, made when it is needed. */
  http2Counters(): H2Counters;
}

/** Who learns what came of a check: one of the two, once for each. */
export interface CheckerHandler {
  onPassed(isDegraded: boolean): void;
  onFailed(failure: CheckFailure): void;
}

/** Asks one host, one check at a time. */
export interface Checker {
  /** Begins a check; the handler may hear of its end inside. */
  check(): void;
  /** Gives up the check that is under way; the handler hears nothing more of it. */
  abandon(): void;
  /** Ends everything. */
  close(): void;
}

/** The host could not be reached, or broke off. */
export const NETWORK_FAILURE: CheckFailure = Object.freeze({
  type: 'NETWORK',
  isRetriable: false,
  isImmediate: false,
  status: 0,
});

/** Authority of requests to a host, as Envoy chooses it. */
export function checkAuthority({ endpoint, cluster }: CheckTarget, configured: string): string {
  return endpoint.check.hostname || configured || cluster.name;
}

/** Begins to connect to where a host is asked, as the cluster's connections do; see Connector. */
export function connectToCheck(target: CheckTarget, handler: ConnectionHandler): Connection {
  const { services, address, connectOptions, transport, endpoint, cluster } = target;
  if (transport === null) return services.connector.connect(address, connectOptions, handler);
  const wants = wantsOf(cluster.healthCheck?.applicationProtocols ?? []);
  const preparation = transport.prepare({ host: endpoint, address, wants });
  return services.connector.connect(address, { ...connectOptions, preparation }, handler);
}

/** Scheme of requests to a host. */
export function checkScheme({ transport }: CheckTarget): string {
  return transport?.isSecure === true ? 'https' : 'http';
}

function wantsOf(forcedProtocols: readonly string[]): TransportWants {
  return forcedProtocols.length === 0 ? NO_WANTS : { ...NO_WANTS, forcedProtocols };
}
