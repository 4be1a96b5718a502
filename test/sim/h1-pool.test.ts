// The pool with the real codec under random requests and faults: whatever happens, no request is
// lost, none hears another's answer, and the books agree with what is really there.
import assert from 'node:assert/strict';
import t from 'tap';
import { type Random, randomBelow } from '../../proxy/base/random.ts';
import { HeaderList } from '../../proxy/http/header-list.ts';
import { RequestHead, type ResponseHead } from '../../proxy/http/message.ts';
import type { RequestSender } from '../../proxy/http/stream.ts';
import type { StreamWaiter } from '../../proxy/upstream/conn-pool.ts';
import type { Host } from '../../proxy/upstream/host.ts';
import { CLIENT_CODECS } from '../../proxy/upstream/pool/client-codecs.ts';
import type { WorkerCluster } from '../../proxy/upstream/worker-cluster.ts';
import { WorkerClusters } from '../../proxy/upstream/worker-clusters.ts';
import { clusterConfig, clusterLimits } from '../support/cluster-config.ts';
import type { FakeConnection } from '../support/fake-connector.ts';
import { seededRandom, testSeed } from '../support/seeded-random.ts';
import { upstreamFixture } from '../support/upstream-fixture.ts';

const STEPS = 3000;
const RUNS = 20;
const MAX_CONNECTIONS = 6;

/** A request with a number of its own, which its response must carry. */
class SimRequest implements StreamWaiter {
  state: 'waiting' | 'active' | 'done' = 'waiting';
  sender: RequestSender | null = null;
  readonly id: number;
  readonly #sim: Simulation;
  #answer = '';

  constructor(sim: Simulation, id: number) {
    this.#sim = sim;
    this.id = id;
  }

  onPoolReady(sender: RequestSender): void {
    assert.equal(this.state, 'waiting');
    this.state = 'active';
    this.sender = sender;
    this.#sim.send(this, sender);
  }

  onPoolFailure(): void {
    assert.equal(this.state, 'waiting');
    this.#end();
  }

  onInformational(): void {
    assert.equal(this.state, 'active');
  }

  onResponseHead(head: ResponseHead, endStream: boolean): void {
    assert.equal(this.state, 'active');
    assert.equal(head.headers.getByName('x-id'), String(this.id), 'an answer to another request');
    if (endStream) this.#end();
  }

  onData(data: Buffer, endStream: boolean): void {
    assert.equal(this.state, 'active');
    this.#answer += data.toString('latin1');
    if (!endStream) return;
    assert.equal(this.#answer, `body ${this.id}`);
    this.#end();
  }

  onTrailers(): void {
    assert.fail('trailers are off');
  }

  onReset(): void {
    assert.equal(this.state, 'active');
    this.#end();
  }

  onWritable(): void {
    assert.equal(this.state, 'active');
  }

  /** Marks it done; now and then another takes its place at once, as a retry does. */
  #end(): void {
    this.state = 'done';
    this.#sim.onRequestEnd(this);
  }
}

/** One run. */
class Simulation {
  readonly #random: Random;
  readonly #fixture;
  readonly #clusters: WorkerClusters;
  readonly #cluster: WorkerCluster;
  readonly #host: Host;
  readonly #requests = new Set<SimRequest>();
  readonly #actions: readonly (() => void)[];
  /** What the far end of a connection has yet to send of an answer. */
  readonly #rest = new Map<FakeConnection, string>();
  #lastId = 0;
  #isEnding = false;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
    this.#fixture = upstreamFixture(seed);
    this.#clusters = new WorkerClusters({ ...this.#fixture.context, codecs: CLIENT_CODECS });
    const { http } = clusterConfig();
    this.#clusters.apply({
      upserted: [
        clusterConfig({
          connectTimeoutMs: 500,
          limits: clusterLimits({
            maxConnections: MAX_CONNECTIONS,
            maxPendingRequests: 8,
            maxRequests: 5,
          }),
          http: {
            ...http,
            idleTimeoutMs: 800,
            maxConnectionDurationMs: 3000,
            maxRequestsPerConnection: 7,
          },
        }),
      ],
      removed: [],
    });
    this.#cluster = this.#clusters.get('c') as WorkerCluster;
    this.#host = this.#cluster.hostSet.hosts[0] as Host;
    const ask = (): void => this.ask();
    const respond = (): void => this.#withOpen((connection) => this.#respond(connection));
    const accept = (): void => this.#withConnecting((connection) => connection.accept());
    this.#actions = [
      ...[ask, ask, ask, accept, accept, respond, respond, respond],
      () => this.#withConnecting((connection) => connection.refuse()),
      () => this.#withOpen((connection) => connection.receiveEnd()),
      () =>
        this.#withOpen((connection) => connection.end('peer-reset', 'Connection reset by peer')),
      () => this.#withOpen((connection) => this.#receiveRubbish(connection)),
      () => this.#withOpen((connection) => this.#respondTwice(connection)),
      () => this.#pick('waiting', (request) => this.#cancel(request)),
      () => this.#pick('active', (request) => this.#giveUp(request)),
      () => this.#fixture.clock.advance(randomBelow(this.#random, 400)),
    ];
  }

  run(): void {
    for (let step = 0; step < STEPS; step += 1) {
      try {
        (this.#actions[randomBelow(this.#random, this.#actions.length)] as () => void)();
        this.#check();
      } catch (error) {
        throw new Error(`step ${step}`, { cause: error });
      }
    }
    this.#finish();
  }

  ask(): void {
    this.#lastId += 1;
    const request = new SimRequest(this, this.#lastId);
    this.#requests.add(request);
    this.#cluster.httpPool(this.#host, 'HTTP/1.1')?.acquire(request);
  }

  send(request: SimRequest, sender: RequestSender): void {
    const target = { path: `/${request.id}`, authority: 'h.test', scheme: 'http' };
    const hasBody = randomBelow(this.#random, 3) === 0;
    const head = new RequestHead('HTTP/1.1', 'GET', target, HeaderList.empty());
    sender.sendRequestHead(head, !hasBody);
    // Some bodies never come to their end: their answer overtakes them.
    if (hasBody && randomBelow(this.#random, 2) === 0) sender.sendData(Buffer.from('hello'), true);
    if (randomBelow(this.#random, 30) === 0) this.#giveUp(request);
  }

  onRequestEnd(request: SimRequest): void {
    this.#requests.delete(request);
    if (!this.#isEnding && randomBelow(this.#random, 4) === 0) this.ask();
  }

  #cancel(request: SimRequest): void {
    this.#cluster.httpPool(this.#host, 'HTTP/1.1')?.cancel(request);
    request.state = 'done';
    this.#requests.delete(request);
  }

  #giveUp(request: SimRequest): void {
    request.state = 'done';
    this.#requests.delete(request);
    request.sender?.reset('local-reset');
  }

  /** Answers the last request on the connection, or goes on with an answer that it left half. */
  #respond(connection: FakeConnection): void {
    const text = this.#rest.get(connection) ?? this.#response(connection);
    const isLeftHalf = randomBelow(this.#random, 12) === 0;
    // At least one octet goes out: an idle connection must break on it, not remember an old answer.
    const end = isLeftHalf ? 1 + randomBelow(this.#random, text.length - 1) : text.length;
    this.#rest.delete(connection);
    if (isLeftHalf) this.#rest.set(connection, text.slice(end));
    let at = 0;
    while (at < end && !connection.isClosed) {
      const most = randomBelow(this.#random, 2) === 0 ? 9 : 999;
      const next = Math.min(end, at + 1 + randomBelow(this.#random, most));
      connection.receive(text.slice(at, next));
      at = next;
    }
  }

  /** In one read: the second must not become the answer to whoever comes next. */
  #respondTwice(connection: FakeConnection): void {
    if (this.#rest.has(connection)) return;
    const response = this.#response(connection);
    connection.receive(response + response);
  }

  /** Not inside an answer, where rubbish may be content. */
  #receiveRubbish(connection: FakeConnection): void {
    if (!this.#rest.has(connection)) connection.receive('\0rubbish\r\n\r\n');
  }

  #response(connection: FakeConnection): string {
    const lastRequest = connection.written.slice(connection.written.lastIndexOf('GET /') + 5);
    const id = lastRequest.split(' ', 1)[0];
    const body = `body ${id}`;
    const close = randomBelow(this.#random, 8) === 0 ? 'connection: close\r\n' : '';
    const head = `HTTP/1.1 200 OK\r\nx-id: ${id}\r\n${close}content-length: ${body.length}\r\n\r\n`;
    return randomBelow(this.#random, 12) === 0
      ? `HTTP/1.1 100 Continue\r\n\r\n${head}${body}`
      : head + body;
  }

  #withOpen(act: (connection: FakeConnection) => void): void {
    const open = this.#fixture.connector.live().filter((connection) => !connection.isConnecting);
    const chosen = open[randomBelow(this.#random, Math.max(1, open.length))];
    if (chosen !== undefined) act(chosen);
  }

  #withConnecting(act: (connection: FakeConnection) => void): void {
    const chosen = this.#fixture.connector.live().find((connection) => connection.isConnecting);
    if (chosen !== undefined) act(chosen);
  }

  #pick(state: SimRequest['state'], act: (request: SimRequest) => void): void {
    const some = [...this.#requests].filter((request) => request.state === state);
    const chosen = some[randomBelow(this.#random, Math.max(1, some.length))];
    if (chosen !== undefined) act(chosen);
  }

  #check(): void {
    const { stats, stats: clusterStats } = this.#cluster;
    const inState = (state: SimRequest['state']): number =>
      [...this.#requests].filter((request) => request.state === state).length;
    const live = this.#fixture.connector.live().length;
    assert.equal(clusterStats.rqPendingActive.value, inState('waiting'), 'waiting requests');
    assert.equal(stats.rqActive.value, inState('active'), 'active requests');
    assert.equal(this.#host.stats.rqActive, inState('active'), "the host's active requests");
    assert.equal(stats.cxActive.value, live, 'connections');
    assert.equal(this.#host.stats.cxActive, live, "the host's connections");
    assert.equal(stats.cxTotal.value - stats.cxDestroy.value, live, 'connections made and ended');
    assert.ok(live <= MAX_CONNECTIONS, `${live} connections`);
    assert.ok(inState('waiting') <= 8 && inState('active') <= 5, 'limits');
    // Whoever waits is waited for by somebody.
    assert.ok(inState('waiting') === 0 || live > 0, 'a queue without a connection');
    const byCause = stats.cxDestroyLocal.value + stats.cxDestroyRemote.value;
    assert.equal(byCause, stats.cxDestroy.value, 'ends by cause');
    this.#fixture.connector.connections.splice(
      0,
      this.#fixture.connector.connections.length,
      ...this.#fixture.connector.live(),
    );
  }

  /** Removes the cluster and answers what is left: then nothing may be left. */
  #finish(): void {
    this.#isEnding = true;
    this.#clusters.apply({ upserted: [], removed: ['c'] });
    this.#check();
    for (let round = 0; round < 1000 && this.#requests.size > 0; round += 1) {
      this.#withConnecting((connection) => connection.accept());
      this.#withOpen((connection) => this.#respond(connection));
      this.#fixture.clock.advance(8);
    }
    this.#fixture.clock.advance(5000);
    assert.equal(this.#requests.size, 0, 'a request is left');
    assert.equal(this.#fixture.connector.live().length, 0, 'a connection is left');
    assert.equal(this.#fixture.clock.timers.armedCount, 0, 'a timer is left');
    const names = Object.keys(this.#fixture.stats.snapshot().counters);
    assert.ok(!names.includes('cluster.c.upstream_rq_total'), 'statistics are left');
  }
}

t.test('no request and no connection is lost under random faults', async (t) => {
  const base = testSeed();
  for (let run = 0; run < RUNS; run += 1) {
    const seed = (base + run) >>> 0;
    try {
      new Simulation(seed).run();
    } catch (error) {
      t.fail(`OUTRIGGER_SEED=${seed}: ${String(error)}`, { found: (error as Error).cause });
      return;
    }
  }
  t.pass(`${RUNS} runs of ${STEPS} steps`);
});
