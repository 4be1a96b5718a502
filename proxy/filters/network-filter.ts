// The network filter chain's surface: what happens to a connection's bytes. HTTP is one such filter.

import type { Message } from '@bufbuild/protobuf';
import type { CellUser } from '../base/cells/shared-cells.ts';
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import type { TimerWheel } from '../base/timer-wheel.ts';
import type { AccessLog } from '../formatter/access-log.ts';
import type { CodecServices } from '../http/codec.ts';
import type { DownstreamConnectionInfo, StreamInfo } from '../http/stream-info.ts';
import type { AccessLogConfig } from '../model/access-log.ts';
import type { NodeConfig } from '../model/bootstrap.ts';
import type { FilterDefinition } from '../model/extension.ts';
import type { ScaledTimer } from '../model/overload.ts';
import type { WatchedFiles } from '../model/watched-file.ts';
import type { Connection, ConnectionHandler } from '../net/connection.ts';
import type { StatsScope } from '../stats/metrics.ts';
import type { Secrets } from '../tls/secret-hub.ts';
import type { TlsServices } from '../tls/tls-services.ts';
import type { ClusterManager } from '../upstream/cluster-manager.ts';
import type { DiscoveredConfigs } from './discovered-configs.ts';

/**
 * What the worker gives to every filter chain. Statistics, cells and files that are taken here go
 * back by themselves when the chain and its last connection are gone.
 */
export interface WorkerServices {
  readonly clock: Clock;
  readonly random: Random;
  readonly timers: TimerWheel;
  /** The same clock, timers and chance as codecs know them. */
  readonly codecServices: CodecServices;
  readonly clusters: ClusterManager;
  /** Root scope. */
  readonly stats: StatsScope;
  /** What all workers count together: `cells.counter(key)` and the like, by keys of their own. */
  readonly cells: CellUser;
  readonly log: Logger;
  /** Who this proxy is, as the bootstrap's node says. */
  readonly node: NodeConfig;
  /** The host's own address: what X-Forwarded-For gets for a loopback peer. */
  readonly localIp: string;
  /** What TLS contexts and filters refer to by key. */
  readonly secrets: Secrets;
  /** What TLS contexts are made with. */
  readonly tls: TlsServices;
  /** Route tables and filters' configurations that servers tell. */
  readonly discovered: DiscoveredConfigs;
  /** What changes of the configuration's files become known by. */
  readonly files: WatchedFiles;
  /** Opens (or shares) the log that a configuration describes. */
  openAccessLog(config: AccessLogConfig): AccessLog;
}

/** What the process does because it is short of something. */
export interface OverloadState {
  /** Responses end their connections. */
  readonly endsConnections: boolean;
  readonly refusesRequests: boolean;
  readonly refusesConnections: boolean;
  readonly timeouts: TimeoutScaling;
}

/** How much shorter timeouts are than configured (reduce_timeouts). */
export interface TimeoutScaling {
  /** What counts instead of `ms`; 0 stays 0: off. */
  scaled(timer: ScaledTimer, ms: number): number;
}

/** Timeouts are as configured. */
export const NO_SCALING: TimeoutScaling = Object.freeze({
  scaled: (_timer: ScaledTimer, ms: number) => ms,
});

/** It is short of nothing. */
export const NO_OVERLOAD: OverloadState = Object.freeze({
  endsConnections: false,
  refusesRequests: false,
  refusesConnections: false,
  timeouts: NO_SCALING,
});

/** What a listener tells its filters. */
export interface ListenerFacts {
  /** `listener.<address>.` */
  readonly scope: StatsScope;
  readonly bufferLimitBytes: number;
  readonly overload: OverloadState;
  /**
   * True when a connection should end with its next response: the listener drains, or the process
   * fails its health check on purpose. What overload ends, `overload` says.
   */
  shouldDrainClose(): boolean;
  /** `/healthcheck/fail` was called: whoever asks for the proxy's health hears that it is bad. */
  isHealthCheckFailed(): boolean;
}

/** Makes the filter of each connection; built once per filter chain. */
export interface NetworkFilterFactory {
  /** Called when the connection is established; the filter becomes its handler. */
  create(connection: Connection, info: DownstreamConnectionInfo): DownstreamConnection;
  /** Brings those gauges up to date that are not kept as things happen. */
  refreshGauges?(): void;
}

/** An accepted connection under a filter's care. */
export interface DownstreamConnection extends ConnectionHandler {
  /**
   * Begin to end it: what is in flight finishes and is the last; what is idle is closed after
   * `lingerMs`, so that a request that is already on its way is still answered.
   */
  drain(lingerMs: number): void;
  /** Ends it now if nothing is in flight. */
  closeIfIdle(): void;
  /** Timeouts are scaled otherwise than before; absent: it has none of them. */
  onTimeoutsScaled?(): void;
  /** It goes on when the client will send no more: gates decide on that, too; absent: it ends. */
  readonly staysHalfOpen?: boolean;
  /** The filter's account of the whole connection, for the listener's log; absent: it keeps none. */
  accountOf?(): StreamInfo;
}

/** Go on to the next filter. */
export const ADMIT = 0;
/** Not decided: `resume` or `refuse` follows; what the client sends meanwhile waits. */
export const HOLD = 1;
/** The connection is closed at once, without a word. */
export const DENY = 2;
/** What a gate answers. */
export type GateStatus = typeof ADMIT | typeof HOLD | typeof DENY;

/** A connection in front of its terminal filter. */
export interface GatedConnection {
  readonly connection: Connection;
  readonly info: DownstreamConnectionInfo;
  /** Ends HOLD. */
  resume(): void;
  refuse(): void;
}

/** These octets go on, and the gate is asked again with the next. */
export const PASS = 3;
/** What a gate answers about octets: ADMIT, and it is not asked again; HOLD, and no more go on. */
export type DataStatus = GateStatus | typeof PASS;

/** A connection whose terminal filter is at work, and whose octets gates look after. */
export interface GuardedConnection {
  readonly connection: Connection;
  /** What is known of it, for gates and for logs: the terminal filter's own account if it has one. */
  readonly account: StreamInfo;
  /** Closes it without a word; ends HOLD. */
  end(): void;
}

/**
 * A network filter that decides, before the terminal filter hears of the connection, and, where it
 * looks after octets, before the terminal filter gets them.
 */
export interface ConnectionGate {
  onConnection(gated: GatedConnection): GateStatus;
  /** The client sent octets, or the end of them. */
  onData?(guarded: GuardedConnection): DataStatus;
  /** The connection is gone. */
  onClose?(): void;
}

/** Makes the gate of each connection; built once per filter chain. */
export interface ConnectionGateFactory {
  createGate(): ConnectionGate;
}

/** A network filter that is not terminal, as an extension. */
export interface ConnectionGateDefinition<M extends Message = Message, C = unknown>
  extends FilterDefinition<M, C> {
  gateFactory(config: C, services: WorkerServices, listener: ListenerFacts): ConnectionGateFactory;
}

/** A terminal network filter as an extension. */
export interface NetworkFilterDefinition<M extends Message = Message, C = unknown>
  extends FilterDefinition<M, C> {
  factory(config: C, services: WorkerServices, listener: ListenerFacts): NetworkFilterFactory;
}
