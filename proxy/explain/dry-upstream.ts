// Upstreams that nobody connects to: clusters choose hosts as they would, and what would be sent to
// a host is written down and answered by what stands for the upstream's answer.

import { socketAddress } from '../base/address.ts';
import { HeaderList } from '../http/header-list.ts';
import { type Protocol, type RequestHead, ResponseHead } from '../http/message.ts';
import type { RequestSender } from '../http/stream.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { tunnelKind } from '../http/tunnel.ts';
import type { ClusterConfig } from '../model/cluster.ts';
import type { PriorityBreakers, RoutingPriority } from '../upstream/circuit-breakers.ts';
import type { Cluster, ClusterManager, LoadBalancerContext } from '../upstream/cluster-manager.ts';
import type { ClusterStats } from '../upstream/cluster-stats.ts';
import type { ConnectionPool, StreamWaiter } from '../upstream/conn-pool.ts';
import type { Host } from '../upstream/host.ts';
import { poolProtocol } from '../upstream/pool/pool-setup.ts';
import type { WorkerCluster } from '../upstream/worker-cluster.ts';
import type { UpstreamAnswer } from './dry-request.ts';
import { type FieldLine, requestSnapshot } from './head-snapshot.ts';

/** A request as a host would get it. */
export interface SentRequest {
  readonly cluster: string;
  readonly host: Host;
  /** `tcp`: a tunnel that ends in plain TCP. */
  readonly protocol: Protocol | 'tcp';
  /** Of the exchange that it belongs to: a mirrored request has one of its own. */
  readonly exchange: StreamInfo;
  readonly fields: readonly FieldLine[];
}

const PLAIN_ANSWER: UpstreamAnswer = Object.freeze({ status: 200, fields: [] });

/** The requests of one run. */
export class UpstreamRecord {
  readonly sent: SentRequest[] = [];
  /** What hosts answer with. */
  answer: UpstreamAnswer;
  readonly #due: (() => void)[] = [];

  constructor(answer: UpstreamAnswer) {
    this.answer = answer;
  }

  /** Its redirect is followed: where that leads, nothing special happens. */
  answerPlainly(): void {
    this.answer = PLAIN_ANSWER;
  }

  /** Answers later, when the request's own call is over. */
  later(task: () => void): void {
    this.#due.push(task);
  }

  /** Gives the answers that are due; false: there were none. */
  flush(): boolean {
    const due = this.#due.splice(0);
    for (const task of due) task();
    return due.length > 0;
  }
}

/** Real clusters with pools that connect to nobody. */
export class DryClusters implements ClusterManager {
  /** Of the present run. */
  record = new UpstreamRecord(PLAIN_ANSWER);
  readonly #clusters = new Map<string, DryCluster>();

  constructor(clusters: Iterable<WorkerCluster>) {
    for (const cluster of clusters) {
      this.#clusters.set(cluster.config.name, new DryCluster(cluster, this));
    }
  }

  get(name: string): DryCluster | null {
    return this.#clusters.get(name) ?? null;
  }
}

/** See the file's head. */
class DryCluster implements Cluster {
  readonly config: ClusterConfig;
  readonly membership: WorkerCluster['membership'];
  readonly policies: WorkerCluster['policies'];
  droppedRequests = 0;
  readonly #cluster: WorkerCluster;
  readonly #owner: DryClusters;
  /** Of the host that was picked last: its pool is asked for at once. */
  #exchange: StreamInfo | null = null;

  constructor(cluster: WorkerCluster, owner: DryClusters) {
    this.config = cluster.config;
    this.membership = cluster.membership;
    this.policies = cluster.policies;
    this.#cluster = cluster;
    this.#owner = owner;
  }

  get stats(): ClusterStats {
    return this.#cluster.stats;
  }

  pickHost(context: LoadBalancerContext): Host | null {
    this.#exchange = context.info;
    return this.#cluster.pickHost(context);
  }

  breakers(priority: RoutingPriority): PriorityBreakers {
    return this.#cluster.breakers(priority);
  }

  mayConnect(): boolean {
    return true;
  }

  httpPool(host: Host, downstream: Protocol): ConnectionPool {
    const member = this.#memberOf(host);
    if (member !== null) return member.httpPool(host, downstream);
    // Nobody chooses by ALPN: taken for what is offered first.
    const protocol = poolProtocol(this.config.http.protocol, downstream);
    return this.#pool(host, protocol === 'http1' ? 'HTTP/1.1' : 'HTTP/2');
  }

  tunnelPool(host: Host): ConnectionPool {
    return (this.#memberOf(host) ?? this).#pool(host, 'tcp');
  }

  /** null: this cluster's own. */
  #memberOf(host: Host): DryCluster | null {
    if (host.clusterName === this.config.name) return null;
    const member = this.#owner.get(host.clusterName);
    if (member !== null) member.#exchange = this.#exchange;
    return member;
  }

  #pool(host: Host, protocol: SentRequest['protocol']): ConnectionPool {
    const exchange = this.#exchange as StreamInfo;
    const target = { cluster: this.config.name, host, protocol, exchange };
    const { record } = this.#owner;
    return {
      acquire: (waiter) => new DryExchange(record, target, waiter).begin(),
      cancel: () => undefined,
    };
  }
}

/** One request to a host. */
class DryExchange implements RequestSender {
  readonly wireBytesSent = 0;
  readonly wireBytesReceived = 0;
  readonly headerBytesSent = 0;
  readonly headerBytesReceived = 0;
  readonly #record: UpstreamRecord;
  readonly #target: Omit<SentRequest, 'fields'>;
  readonly #waiter: StreamWaiter;
  #head: RequestHead | null = null;
  #isOver = false;

  constructor(record: UpstreamRecord, target: Omit<SentRequest, 'fields'>, waiter: StreamWaiter) {
    this.#record = record;
    this.#target = target;
    this.#waiter = waiter;
  }

  begin(): void {
    const { protocol, host } = this.#target;
    this.#waiter.onPoolReady(this, {
      id: 1,
      localAddress: socketAddress('127.0.0.1', 0),
      remoteAddress: host.address,
      tls: null,
      protocol: protocol === 'tcp' ? null : protocol,
      ...{ isReused: false, isLimitKnown: true, isGoingAway: false },
      ...{ connectStartMs: 0, connectEndMs: 0 },
    });
  }

  sendRequestHead(head: RequestHead, endStream: boolean): void {
    this.#head = head;
    this.#record.sent.push({ ...this.#target, fields: requestSnapshot(head) });
    if (endStream || head.asksForTunnel) this.#answerLater();
  }

  sendData(_data: Buffer, endStream: boolean): boolean {
    if (endStream) this.#answerLater();
    return true;
  }

  sendTrailers(): void {
    this.#answerLater();
  }

  reset(): void {
    this.#isOver = true;
  }

  pauseReading(): void {
    // Everything came with the head.
  }

  resumeReading(): void {
    // The same.
  }

  #answerLater(): void {
    this.#record.later(() => {
      if (this.#isOver) return;
      this.#isOver = true;
      this.#waiter.onResponseHead(this.#answer(), true);
    });
  }

  #answer(): ResponseHead {
    const { status, fields } = this.#record.answer;
    const head = this.#head;
    const lines = fields.flatMap(({ name, value }) => [name, value]);
    // Whoever is asked for an upgrade agrees to it, unless another answer is wanted.
    if (head === null || tunnelKind(head) !== 'upgrade' || status !== 200) {
      return new ResponseHead(status, HeaderList.of(...lines));
    }
    const agreed = ['connection', 'upgrade', 'upgrade', head.upgrade];
    return new ResponseHead(101, HeaderList.of(...agreed, ...lines));
  }
}
