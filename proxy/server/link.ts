// The link between primary and worker: typed messages, over the cluster module's IPC channel or as
// a direct call in one process. Nobody outside server/ knows which.
import type { ClusterStatus, ListenerStatus } from '../admin/status.ts';
import type { CellRequest } from '../base/cells/cell-registry.ts';
import type { RegionLayout } from '../base/cells/region.ts';
import type { LogLevel } from '../base/log.ts';
import type { EndpointPolicy } from '../model/cluster.ts';
import type { Resource, ResourceUpdate, UpdateOutcome } from '../model/resource.ts';
import type { ListenHandle } from '../net/socket-source.ts';
import type { StatsSnapshot } from '../stats/snapshot.ts';
import type { ClusterLoad } from '../upstream/load-counts.ts';
import type { Streak } from '../upstream/outlier/host-counts.ts';
import type { ResolvedEndpoint } from '../upstream/resolved-endpoint.ts';
import type { RuntimeSettings } from './runtime-store.ts';

/** What a worker must know before its first resource. */
export interface WorkerSettings {
  /** From 0; `listener.<address>.worker_<index>.` in statistics. A replacement keeps its number. */
  readonly index: number;
  /** The bootstrap without its resources: node, runtime, statistics settings. */
  readonly bootstrap: Resource;
  /** What its runtime is now. */
  readonly runtime: RuntimeSettings;
  readonly accessLogFlushBytes: number;
  readonly accessLogFlushIntervalMs: number;
  /** Over this many seconds drained and removed listeners end their connections. */
  readonly drainTimeS: number;
  readonly drainStrategy: 'gradual' | 'immediate';
  /** Where nothing is shared, limits of the whole process are divided by it. */
  readonly workerCount: number;
  /** The region that the workers share; null: there is none, or no place in it. */
  readonly cells: CellSettings | null;
  /** `--local-address-ip-version` */
  readonly localAddressFamily: 'IPv4' | 'IPv6';
  /** Base64 of what keys of session tickets are derived from, so that workers resume for each other. */
  readonly ticketSecret: string;
}

/** A worker's place in the region that all share. */
export interface CellSettings {
  readonly layout: RegionLayout;
  /** What it holds is counted here; no other living worker has it. */
  readonly slot: number;
}

/** Where a worker of its own process writes its diagnostics; it opens them before anything else. */
export interface WorkerLogSettings {
  readonly path: string;
  readonly pattern: string;
  /** Levels by component; '' for all others. */
  readonly levels: Readonly<Record<string, LogLevel>>;
}

/** A kind of question that every worker can be asked. */
export type Question = 'stats' | 'clusters' | 'listeners' | 'memory';

/** A process's memory in bytes. */
export type MemoryUsage = NodeJS.MemoryUsage;

/**
 * How connections of a worker end: `now` with their next response, and idle ones at once; or
 * `over-drain-time`, as the drain strategy says, and idle ones at its end.
 */
export type DrainManner = 'now' | 'over-drain-time';

/** What is new of a cluster's endpoints; null: nothing. */
export interface ToldEndpoints {
  readonly cluster: string;
  /** What is said about them as a whole (EDS). */
  readonly policy: EndpointPolicy | null;
  /** All that there are now. */
  readonly endpoints: readonly ResolvedEndpoint[] | null;
}

/** From the primary. `id` ties an answer to its question. */
export type ToWorker =
  /** First of all messages. */
  | { readonly kind: 'init'; readonly settings: WorkerSettings }
  | { readonly kind: 'update'; readonly id: number; readonly update: ResourceUpdate }
  /** Of clusters whose hosts the primary finds (DNS, EDS). */
  | { readonly kind: 'endpoints'; readonly told: readonly ToldEndpoints[] }
  /**
   * Hosts of a cluster whose health the primary found to have changed: active checks and outlier
   * detection. `flags` are reasons of HEALTH_FLAG by `ip:port`.
   */
  | {
      readonly kind: 'host-flags';
      readonly cluster: string;
      readonly flags: readonly (readonly [string, number])[];
    }
  /** Each host of a cluster with health checks had a result: it may be used. */
  | { readonly kind: 'cluster-warm'; readonly cluster: string }
  /** Answers `want-cells`: the first cell's number by key, or NO_ROOM. */
  | { readonly kind: 'cells'; readonly places: readonly (readonly [string, number])[] }
  /** Every initial resource was sent: start to accept. */
  | { readonly kind: 'start' }
  /** All values of the runtime, which changed. */
  | { readonly kind: 'runtime'; readonly values: RuntimeSettings['values'] }
  | { readonly kind: 'fail-health-check'; readonly failed: boolean }
  /** Stop accepting; end connections politely until `deadlineMs` from now, then cut them. */
  | { readonly kind: 'drain'; readonly deadlineMs: number; readonly manner: DrainManner }
  /**
   * `/drain_listeners`: end connections with their responses for `afterMs`, then stop accepting
   * (unless it `keepsListening`); with 0 only stop accepting.
   */
  | {
      readonly kind: 'drain-listeners';
      readonly inboundOnly: boolean;
      readonly afterMs: number;
      readonly keepsListening: boolean;
    }
  | { readonly kind: 'stop' }
  | { readonly kind: 'set-log-levels'; readonly levels: Readonly<Record<string, LogLevel>> }
  | { readonly kind: 'reopen-logs' }
  | { readonly kind: 'reset-counters' }
  | { readonly kind: 'ask'; readonly id: number; readonly what: Question }
  /** What clusters did since they were last asked; answered by `loads`. */
  | { readonly kind: 'ask-loads'; readonly id: number; readonly clusters: readonly string[] }
  /** Answers `want-socket`; the socket's handle travels beside it. `error` is '' when there is one. */
  | { readonly kind: 'socket'; readonly id: number; readonly error: string };

/** From a worker. */
export type FromWorker =
  | { readonly kind: 'hello'; readonly pid: number }
  | { readonly kind: 'outcome'; readonly id: number; readonly outcome: UpdateOutcome }
  /** All listeners are bound; failures to bind are in it. */
  | { readonly kind: 'started'; readonly listeners: readonly ListenerStatus[] }
  | { readonly kind: 'drained' }
  /** A listening socket that the primary keeps open. */
  | {
      readonly kind: 'want-socket';
      readonly id: number;
      readonly owner: string;
      readonly ip: string;
      readonly port: number;
    }
  /** A cluster with health checks had its first upstream connection here. */
  | { readonly kind: 'cluster-traffic'; readonly cluster: string }
  /** A host said in an ordinary response that it fails its checks. */
  | { readonly kind: 'host-failed'; readonly cluster: string; readonly address: string }
  /** Cells of the shared region by key. */
  | { readonly kind: 'want-cells'; readonly requests: readonly CellRequest[] }
  /** A host under outlier detection failed as often in a row as is allowed, over all workers. */
  | {
      readonly kind: 'streak';
      readonly cluster: string;
      readonly address: string;
      readonly streak: Streak;
    }
  /** It does not use these any more. */
  | { readonly kind: 'give-up-cells'; readonly keys: readonly string[] }
  /** Its last statistics, sent before it stops by itself. */
  | {
      readonly kind: 'last-stats';
      readonly stats: StatsSnapshot;
      readonly loads: readonly ClusterLoad[];
    }
  | { readonly kind: 'loads'; readonly id: number; readonly loads: readonly ClusterLoad[] }
  | {
      readonly kind: 'answer';
      readonly id: number;
      readonly stats: StatsSnapshot | null;
      readonly clusters: readonly ClusterStatus[] | null;
      readonly listeners: readonly ListenerStatus[] | null;
      readonly memory: MemoryUsage | null;
    };

/** One end of a link. Messages arrive in order; a closed link drops what is sent. */
export interface LinkEnd<Out, In> {
  /** `handle` is a socket that the other side may use too. */
  send(message: Out, handle?: ListenHandle | null): void;
  /** Set once, before the other side sends. */
  onMessage: ((message: In, handle: ListenHandle | null) => void) | null;
  /** The other side is gone. */
  onClosed: (() => void) | null;
}
