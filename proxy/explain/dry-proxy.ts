// The data path without sockets and without time: one connection manager at a time gets a request
// by its own codec, its filters run, and the router sends to upstreams that nobody connects to.

import { privateCells } from '../base/cells/shared-cells.ts';
import type { Clock } from '../base/clock.ts';
import { SILENT_LOG } from '../base/log.ts';
import type { Random } from '../base/random.ts';
import { TimerWheel } from '../base/timer-wheel.ts';
import { DiscoveredHub } from '../filters/discovered-configs.ts';
import type { ActiveStream } from '../filters/network/http-connection-manager/active-stream.ts';
import { HcmRuntime } from '../filters/network/http-connection-manager/hcm-runtime.ts';
import { type ListenerFacts, NO_OVERLOAD, type WorkerServices } from '../filters/network-filter.ts';
import type { CodecServices } from '../http/codec.ts';
import type { DownstreamConnectionInfo } from '../http/stream-info.ts';
import type { NodeConfig } from '../model/bootstrap.ts';
import type { ClusterConfig, EndpointPolicy } from '../model/cluster.ts';
import type { HttpConnectionManagerConfig } from '../model/http-connection-manager.ts';
import type { RouteTableConfig } from '../model/route.ts';
import { UNWATCHED } from '../model/watched-file.ts';
import { StatsStore } from '../stats/store.ts';
import { makeTlsServices } from '../tls/make-tls-services.ts';
import { SecretHub } from '../tls/secret-hub.ts';
import type { TlsServices } from '../tls/tls-services.ts';
import { DnsCaches } from '../upstream/dns/dns-caches.ts';
import { CLIENT_CODECS } from '../upstream/pool/client-codecs.ts';
import type { ResolvedEndpoint } from '../upstream/resolved-endpoint.ts';
import { WorkerCluster } from '../upstream/worker-cluster.ts';
import type { ToldConfig } from './configuration.ts';
import { DryDownstream } from './dry-downstream.ts';
import type { DryRequest, UpstreamAnswer } from './dry-request.ts';
import { DryClusters, type SentRequest, UpstreamRecord } from './dry-upstream.ts';
import { Observation, WatchedRoutes } from './watched-stream.ts';

/** What a dry proxy is made with. */
export interface DryProxyParts {
  readonly clusters: readonly ClusterConfig[];
  readonly node: NodeConfig;
  readonly localIp: string;
  /** Route tables that were discovered, by the key of their references. */
  readonly routes: ReadonlyMap<string, RouteTableConfig>;
  /** Whatever else was told by name. */
  readonly told: readonly ToldConfig[];
}

/** What may be otherwise with the next run. */
export interface DryMoment {
  /** Wall-clock ms, for formats that print the time. */
  readonly wallMs: number;
  /** Addresses of clusters that are found by name, where somebody has looked them up. */
  readonly resolved: ReadonlyMap<string, readonly ResolvedEndpoint[]>;
  /** What servers say of a cluster's endpoints as a whole. */
  readonly policies: ReadonlyMap<string, EndpointPolicy>;
}

/** What became of a request. */
export interface DryRun {
  readonly seen: Observation;
  readonly sent: readonly SentRequest[];
  /** What the upstream answered the last request with. */
  readonly answer: UpstreamAnswer;
  readonly stream: ActiveStream;
  /** Pretended time that passed until the end. */
  readonly elapsedMs: number;
}

/** Envoy writes about 36 letters of chance here; these say that they mean nothing. */
const REQUEST_ID = '00000000-0000-4000-8000-000000000000';
const UINT32 = 2 ** 32;
/** Beyond it whoever holds a request is taken to hold it for ever. */
const MAX_ELAPSED_MS = 3_600_000;
/** Retries and redirects have bounds of their own, far below. */
const MAX_TURNS = 10_000;

class DryClock implements Clock {
  /** At `elapsedMs` 0. */
  originMs = 0;
  elapsedMs = 0;

  nowMs(): number {
    return this.elapsedMs;
  }

  wallMs(): number {
    return this.originMs + this.elapsedMs;
  }
}

class ChosenRandom implements Random {
  /** 0 to 2^32 - 1 */
  number = 0;

  next(): number {
    return (this.number + 0.5) / UINT32;
  }

  uuid(): string {
    return REQUEST_ID;
  }
}

/** See the file's head. What it makes for a connection manager it keeps. */
export class DryProxy {
  readonly clusters: ReadonlyMap<string, WorkerCluster>;
  readonly #clock = new DryClock();
  readonly #random = new ChosenRandom();
  readonly #timers = new TimerWheel(0);
  readonly #stats = new StatsStore(null);
  /** Contexts are built as a worker's; nobody ever shakes hands by them. */
  readonly #tls: TlsServices = makeTlsServices({
    secrets: new SecretHub(),
    clock: this.#clock,
    log: SILENT_LOG.logger('explain'),
    ticketSecret: Buffer.alloc(0),
  });
  readonly #upstreams: DryClusters;
  readonly #services: WorkerServices;
  readonly #managers = new WeakMap<HttpConnectionManagerConfig, DryManager>();

  constructor(parts: DryProxyParts) {
    const codecServices: CodecServices = {
      nowMs: () => this.#clock.nowMs(),
      timers: this.#timers,
      random: this.#random,
      flushLater: () => undefined,
    };
    this.clusters = this.#makeClusters(parts.clusters, codecServices);
    this.#upstreams = new DryClusters(this.clusters.values());
    const discovered = new DiscoveredHub();
    for (const [key, table] of parts.routes) discovered.set('route', key, table);
    for (const { kind, key, value } of parts.told) discovered.set(kind, key, value);
    this.#services = {
      clock: this.#clock,
      random: this.#random,
      timers: this.#timers,
      codecServices,
      clusters: this.#upstreams,
      stats: this.#stats,
      cells: privateCells(() => this.#clock.nowMs()),
      secrets: new SecretHub(),
      tls: this.#tls,
      log: SILENT_LOG.logger('explain'),
      node: parts.node,
      localIp: parts.localIp,
      discovered,
      files: UNWATCHED,
      openAccessLog: () => ({ write: () => undefined }),
    };
  }

  /** Before runs: what has changed since the last ones. */
  begin({ wallMs, resolved, policies }: DryMoment): void {
    this.#clock.originMs = wallMs - this.#clock.elapsedMs;
    for (const cluster of this.clusters.values()) {
      const { config } = cluster;
      const policy = policies.get(config.name);
      if (policy !== undefined) cluster.setPolicy(policy);
      if (isFoundElsewhere(config))
        cluster.setEndpoints(resolved.get(config.name) ?? named(config));
    }
  }

  /** Sends a request through a connection manager, until it is answered or nothing moves. */
  run(
    config: HttpConnectionManagerConfig,
    request: DryRequest,
    connection: DownstreamConnectionInfo,
  ): DryRun {
    const manager = this.#manager(config);
    const record = new UpstreamRecord(request.upstream);
    const seen = new Observation();
    this.#upstreams.record = record;
    this.#random.number = request.random;
    manager.routes.observation = seen;
    const startMs = this.#clock.nowMs();
    const downstream = new DryDownstream(manager.runtime, connection, { seen, record });
    downstream.send(request);
    this.#drive(record, seen, startMs);
    // Copies of the request may still wait for their answers.
    while (record.flush());
    const { stream } = downstream;
    const elapsedMs = this.#clock.nowMs() - startMs;
    // Whoever still waits lets go of its timers.
    if (!stream.isOver) stream.onReset('connection-termination', '');
    return { seen, sent: record.sent, answer: record.answer, stream, elapsedMs };
  }

  /** Answers, and lets time pass, until the client has its response. */
  #drive(record: UpstreamRecord, seen: Observation, startMs: number): void {
    for (let turn = 0; turn < MAX_TURNS && !seen.isComplete; turn += 1) {
      if (record.flush()) continue;
      const waitMs = this.#timers.planWakeMs(this.#clock.elapsedMs);
      if (waitMs < 0 || this.#clock.elapsedMs + waitMs - startMs > MAX_ELAPSED_MS) return;
      this.#clock.elapsedMs += waitMs;
      this.#timers.advance(this.#clock.elapsedMs);
    }
  }

  #makeClusters(
    clusters: readonly ClusterConfig[],
    codecServices: CodecServices,
  ): ReadonlyMap<string, WorkerCluster> {
    const context = {
      clock: this.#clock,
      timers: this.#timers,
      random: this.#random,
      connector: {
        connect: (): never => {
          throw new Error('a dry run connects to nobody');
        },
      },
      codecs: CLIENT_CODECS,
      codecServices,
      stats: this.#stats,
      cells: privateCells(() => this.#clock.nowMs()),
      secrets: new SecretHub(),
      tls: this.#tls,
      streaks: { onStreak: () => undefined },
      healthReports: null,
      log: SILENT_LOG.logger('explain'),
    };
    const owner = {
      onClusterDrained: () => undefined,
      flagsOf: () => new Map<string, number>(),
      scope: context.stats.scope('cluster'),
      dnsCaches: new DnsCaches(context),
      own: { locality: null, isNamed: false, hosts: () => null },
      get: (name: string): WorkerCluster | null => made.get(name) ?? null,
    };
    const made: ReadonlyMap<string, WorkerCluster> = new Map(
      clusters.map((config) => {
        // Nobody checks hosts here: they are taken to be as healthy as their endpoints say.
        const unchecked = { ...config, healthCheck: null };
        return [config.name, new WorkerCluster(unchecked, context, owner)] as const;
      }),
    );
    return made;
  }

  #manager(config: HttpConnectionManagerConfig): DryManager {
    const known = this.#managers.get(config);
    if (known !== undefined) return known;
    const listener: ListenerFacts = {
      scope: this.#stats.scope('listener.explain'),
      bufferLimitBytes: 1024 * 1024,
      overload: NO_OVERLOAD,
      shouldDrainClose: () => false,
      isHealthCheckFailed: () => false,
    };
    const runtime = new HcmRuntime(config, this.#services, listener);
    let routes: WatchedRoutes | null = null;
    runtime.watchRoutes((table) => {
      routes = new WatchedRoutes(table, runtime);
      return routes;
    });
    const manager = { runtime, routes: routes as unknown as WatchedRoutes };
    this.#managers.set(config, manager);
    return manager;
  }
}

interface DryManager {
  readonly runtime: HcmRuntime;
  readonly routes: WatchedRoutes;
}

/** Hosts of a name that nobody has looked up: the name stands for its address. */
function named(config: ClusterConfig): readonly ResolvedEndpoint[] {
  return config.endpoints.map(({ address, port }, endpointIndex) => ({
    ...{ ip: address, port, endpointIndex },
  }));
}

function isFoundElsewhere({ discovery }: ClusterConfig): boolean {
  return discovery === 'strict-dns' || discovery === 'logical-dns' || discovery === 'eds';
}
