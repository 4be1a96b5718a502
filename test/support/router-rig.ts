// The router on one stream over fakes: its clusters have real hosts, balancers and limits, but a test
// says what becomes of each attempt. Time passes when the test says so.
import { RouterRuntime } from '../../proxy/filters/http/router/router-runtime.ts';
import { RouterStream } from '../../proxy/filters/http/router/router-stream.ts';
import type { LocalReply, TerminalFilterCallbacks } from '../../proxy/filters/http-filter.ts';
import { HeaderList } from '../../proxy/http/header-list.ts';
import { type RequestHead, ResponseHead } from '../../proxy/http/message.ts';
import type { RequestSender, ResetReason } from '../../proxy/http/stream.ts';
import type { ClusterConfig } from '../../proxy/model/cluster.ts';
import type { Cluster } from '../../proxy/upstream/cluster-manager.ts';
import type {
  ConnectionPool,
  StreamWaiter,
  UpstreamConnectionInfo,
} from '../../proxy/upstream/conn-pool.ts';
import type { Host } from '../../proxy/upstream/host.ts';
import { WorkerClusters } from '../../proxy/upstream/worker-clusters.ts';
import { clusterConfig } from './cluster-config.ts';
import { exchange, type Json, matchedRoute, requestHead, routeTable } from './route-fixtures.ts';
import { upstreamFixture } from './upstream-fixture.ts';

const LIMIT_BYTES = 1000;

/** One attempt, as its upstream sees it. */
export class RigAttempt implements RequestSender {
  readonly wireBytesSent = 0;
  readonly wireBytesReceived = 0;
  readonly headerBytesSent = 0;
  readonly headerBytesReceived = 0;
  readonly host: Host;
  readonly cluster: string;
  head: RequestHead | null = null;
  /** `name: value` lines as they were sent. */
  fields = '';
  content = '';
  isComplete = false;
  isCancelled = false;
  resetBy: ResetReason | null = null;
  /** It takes what comes, and says that it is too much. */
  isSlow = false;
  readonly #waiter: StreamWaiter;

  constructor(waiter: StreamWaiter, cluster: string, host: Host) {
    this.#waiter = waiter;
    this.cluster = cluster;
    this.host = host;
  }

  connect(members: Partial<UpstreamConnectionInfo> = {}): this {
    const localAddress = this.host.address;
    const times = { connectStartMs: 0, connectEndMs: 0 };
    const state = { isReused: false, isLimitKnown: true, isGoingAway: false };
    const protocol = 'HTTP/2' as const;
    this.#waiter.onPoolReady(this, {
      id: 1,
      localAddress,
      remoteAddress: this.host.address,
      tls: null,
      protocol,
      ...times,
      ...state,
      ...members,
    });
    return this;
  }

  fail(reason: ResetReason = 'connection-failure'): void {
    this.#waiter.onPoolFailure(reason, '');
  }

  informational(status = 103): this {
    this.#waiter.onInformational(new ResponseHead(status, HeaderList.empty()));
    return this;
  }

  respond(status: number, fields: readonly string[] = [], endStream = true): this {
    this.#waiter.onResponseHead(new ResponseHead(status, HeaderList.of(...fields)), endStream);
    return this;
  }

  data(text: string, endStream: boolean): this {
    this.#waiter.onData(Buffer.from(text), endStream);
    return this;
  }

  end(reason: ResetReason = 'remote-reset'): void {
    this.#waiter.onReset(reason, '');
  }

  drain(): void {
    this.isSlow = false;
    this.#waiter.onWritable();
  }

  sendRequestHead(head: RequestHead, endStream: boolean): void {
    this.head = head;
    this.fields = head.headers.toFieldLines();
    this.isComplete = endStream;
  }

  sendData(data: Buffer, endStream: boolean): boolean {
    this.content += data.toString();
    this.isComplete = endStream;
    return !this.isSlow;
  }

  sendTrailers(): void {
    this.isComplete = true;
  }

  reset(reason: ResetReason): void {
    this.resetBy = reason;
  }

  pauseReading(): void {}
  resumeReading(): void {}
}

/** What is special about a rig. */
export interface RigOptions {
  /** Of the route. */
  readonly action?: Json;
  readonly virtualHost?: Json;
  readonly clusters?: readonly Partial<ClusterConfig>[];
  readonly router?: Partial<RouterRuntime['config']>;
  readonly fields?: readonly string[];
  /** Random numbers from 0 to 1, repeated from the last on. */
  readonly random?: readonly number[];
}

/** See the file's head. */
export class RouterRig {
  readonly fixture = upstreamFixture();
  readonly clock = this.fixture.clock;
  readonly attempts: RigAttempt[] = [];
  /** What the client got: statuses, and texts of content. */
  readonly client: string[] = [];
  readonly head: RequestHead;
  readonly stream: RouterStream;
  readonly info;
  clientPauses = 0;
  readonly clusters: WorkerClusters;

  constructor(options: RigOptions = {}) {
    const { action = {}, virtualHost = {}, clusters = [{}], random = [] } = options;
    this.clusters = new WorkerClusters(this.fixture.context);
    this.clusters.apply({ upserted: clusters.map((each) => clusterConfig(each)), removed: [] });
    this.head = requestHead({ method: 'POST', headers: options.fields ?? [] });
    const route = { name: 'r', match: { prefix: '/' }, route: { cluster: 'c', ...action } };
    const table = routeTable({
      virtual_hosts: [{ name: 'v', domains: ['*'], routes: [route], ...virtualHost }],
    });
    const context = exchange(this.head);
    this.info = context.info;
    const { clock } = this;
    const draws = [...random];
    const services = {
      ...{ clock, timers: clock.timers, localIp: '192.0.2.1' },
      random: { next: () => (draws.length > 1 ? draws.shift() : draws[0]) ?? 0.5, uuid: () => '' },
      clusters: { get: (name: string) => this.#cluster(name) },
      scope: this.fixture.stats.scope('http.test'),
    };
    const callbacks = {
      ...context,
      ...{ services, streamRandom: 0, bufferLimitBytes: LIMIT_BYTES, redirects: null },
      ...{ route: matchedRoute(table, this.head), flow: { overrideHost: null } },
      nowMs: () => clock.nowMs(),
      pauseRequest: () => {
        this.clientPauses += 1;
      },
      resumeRequest: () => {
        this.clientPauses -= 1;
      },
      sendInformational: ({ status }: ResponseHead) => this.client.push(`${status}`),
      sendResponseHead: ({ status }: ResponseHead) => this.client.push(`${status}`),
      sendResponseData: (data: Buffer) => {
        this.client.push(data.toString());
        return true;
      },
      sendResponseTrailers: () => undefined,
      sendLocalReply: (reply: LocalReply) => this.#end(`${reply.status} ${reply.details}`),
      resetStream: (_reason: string, details: string) => this.#end(`reset ${details}`),
    } as unknown as TerminalFilterCallbacks;
    const config = {
      ...{ suppressEnvoyHeaders: false, respectExpectedRequestTimeout: false, dynamicStats: true },
      ...options.router,
    };
    this.stream = new RouterStream(new RouterRuntime(config, services as never), callbacks);
  }

  /** The request's head, and whether that is all. */
  begin(endStream = true): this {
    this.stream.onRequestHead(this.head, endStream);
    return this;
  }

  data(text: string, endStream = false): this {
    const borrowed = Buffer.from(text);
    this.stream.onRequestData(borrowed, endStream);
    borrowed.fill('!');
    return this;
  }

  attempt(index: number): RigAttempt {
    const attempt = this.attempts[index];
    if (attempt === undefined) throw new Error(`there are ${this.attempts.length} attempts`);
    return attempt;
  }

  /** Value of a statistic of the cluster `c`, or another. */
  count(name: string, cluster = 'c'): number {
    this.clusters.refreshGauges();
    return this.fixture.stat(`cluster.${cluster}.${name}`);
  }

  /** Retries that are counted by the circuit breaker. */
  get retrying(): number {
    return this.clusters.get('c')?.breakers('default').retries.taken ?? -1;
  }

  #end(said: string): void {
    this.client.push(said);
    this.stream.onStreamEnd();
  }

  #cluster(name: string): Cluster | null {
    const real = this.clusters.get(name);
    if (real === null) return null;
    const pool = (host: Host): ConnectionPool => ({
      acquire: (waiter) => this.attempts.push(new RigAttempt(waiter, name, host)),
      cancel: (waiter) => this.#cancel(waiter),
    });
    return {
      ...{ config: real.config, stats: real.stats, policies: real.policies },
      membership: real.membership,
      droppedRequests: 0,
      pickHost: (context) => real.pickHost(context),
      breakers: (priority) => real.breakers(priority),
      mayConnect: () => true,
      httpPool: pool,
      tunnelPool: pool,
    } as Cluster;
  }

  #cancel(_waiter: StreamWaiter): void {
    const last = this.attempts.at(-1);
    if (last !== undefined) last.isCancelled = true;
  }
}
