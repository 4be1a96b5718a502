// The pool with connections of many streams, under peers that do everything at random: no request is
// lost, limits hold, nobody waits while there is room, and the books agree with what is there.
import assert from 'node:assert/strict';
import t from 'tap';
import { type Random, randomBelow } from '../../proxy/base/random.ts';
import type { ClientCodec } from '../../proxy/http/codec.ts';
import { DEFAULT_H2_PROTOCOL_OPTIONS } from '../../proxy/http/h2/options.ts';
import { HeaderList } from '../../proxy/http/header-list.ts';
import { RequestHead } from '../../proxy/http/message.ts';
import type { RequestSender } from '../../proxy/http/stream.ts';
import type { StreamWaiter } from '../../proxy/upstream/conn-pool.ts';
import type { Host } from '../../proxy/upstream/host.ts';
import type { WorkerCluster } from '../../proxy/upstream/worker-cluster.ts';
import { WorkerClusters } from '../../proxy/upstream/worker-clusters.ts';
import { clusterConfig, clusterLimits } from '../support/cluster-config.ts';
import type { FakeConnection } from '../support/fake-connector.ts';
import { FRAMES, LINES, type MultiplexDialect, watched } from '../support/multiplex-dialect.ts';
import { seededRandom, testSeed } from '../support/seeded-random.ts';
import { upstreamFixture } from '../support/upstream-fixture.ts';

const STEPS = 3000;
const RUNS = 20;
const MAX_CONNECTIONS = 6;
const MAX_PENDING = 12;
const MAX_REQUESTS = 20;
const MAX_STREAMS = 8;

class SimRequest implements StreamWaiter {
  state: 'waiting' | 'active' | 'done' = 'waiting';
  sender: RequestSender | null = null;
  readonly #sim: Simulation;

  constructor(sim: Simulation) {
    this.#sim = sim;
  }

  onPoolReady(sender: RequestSender): void {
    assert.equal(this.state, 'waiting');
    this.state = 'active';
    this.sender = sender;
    const target = { path: '/', authority: 'h.test', scheme: 'http' };
    sender.sendRequestHead(new RequestHead('HTTP/2', 'GET', target, HeaderList.empty()), true);
    this.#sim.onStarted(this);
  }

  onPoolFailure(): void {
    assert.equal(this.state, 'waiting');
    this.#end();
  }

  onResponseHead(): void {
    this.#onOver();
  }

  onReset(): void {
    this.#onOver();
  }

  onInformational(): void {
    assert.fail('no informational response is expected');
  }

  onData(): void {
    assert.fail('no content is expected');
  }

  onTrailers(): void {
    assert.fail('no trailers are expected');
  }

  onWritable(): void {}

  #onOver(): void {
    assert.equal(this.state, 'active');
    this.#end();
  }

  #end(): void {
    this.state = 'done';
    this.#sim.onRequestEnd(this);
  }
}

class Simulation {
  readonly #random: Random;
  readonly #fixture;
  readonly #clusters: WorkerClusters;
  readonly #cluster: WorkerCluster;
  readonly #host: Host;
  readonly #requests = new Set<SimRequest>();
  readonly #dialect: MultiplexDialect;
  readonly #codecs = new Map<FakeConnection, ClientCodec>();
  readonly #greeted = new WeakSet<FakeConnection>();
  /** Connections that we let take no more streams although they could. */
  readonly #retires: boolean;
  readonly #actions: readonly (() => void)[];
  #isEnding = false;

  constructor(seed: number, dialect: MultiplexDialect) {
    this.#dialect = dialect;
    this.#random = seededRandom(seed);
    this.#retires = seed % 2 === 0;
    const fixture = upstreamFixture(seed);
    this.#fixture = fixture;
    this.#clusters = new WorkerClusters({
      ...fixture.context,
      codecs: watched(dialect.codecs, (codec, connection) => {
        this.#codecs.set(connection, codec);
      }),
    });
    this.#clusters.apply({ upserted: [this.#config()], removed: [] });
    this.#cluster = this.#clusters.get('c') as WorkerCluster;
    this.#host = this.#cluster.hostSet.hosts[0] as Host;
    this.#actions = this.#makeActions();
  }

  run(): void {
    for (let step = 0; step < STEPS; step += 1) {
      try {
        (this.#actions[this.#below(this.#actions.length)] as () => void)();
        this.#fixture.endTurn();
        this.#check();
      } catch (error) {
        throw new Error(`step ${step}`, { cause: error });
      }
    }
    this.#finish();
  }

  onStarted(request: SimRequest): void {
    if (this.#below(30) === 0) this.#giveUp(request);
  }

  onRequestEnd(request: SimRequest): void {
    this.#requests.delete(request);
    if (!this.#isEnding && this.#below(3) === 0) this.#ask();
  }

  #config() {
    const { http } = clusterConfig();
    return clusterConfig({
      connectTimeoutMs: 500,
      limits: clusterLimits({
        maxConnections: MAX_CONNECTIONS,
        maxPendingRequests: MAX_PENDING,
        maxRequests: MAX_REQUESTS,
      }),
      http: {
        ...http,
        protocol: 'http2',
        http2: { ...DEFAULT_H2_PROTOCOL_OPTIONS, maxConcurrentStreams: MAX_STREAMS },
        idleTimeoutMs: 2000,
        maxRequestsPerConnection: this.#retires ? 15 : 0,
        maxConnectionDurationMs: this.#retires ? 5000 : 0,
      },
    });
  }

  #makeActions(): readonly (() => void)[] {
    const ask = () => this.#ask();
    const { limit, goAway, answer, reset, refuse, rubbish } = this.#dialect;
    const respond = () => this.#withOpen((each) => this.#tell(each, answer));
    const accept = () => this.#withConnecting((each) => each.accept());
    return [
      ...[ask, ask, ask, ask, ask, respond, respond, respond, accept, accept],
      () => this.#withConnecting((each) => each.refuse()),
      () => this.#withOpen((each) => this.#tell(each, this.#below(2) === 0 ? reset : refuse)),
      () => this.#withOpen((each) => this.#saySeveral(each)),
      () => this.#withOpen((each) => this.#say(each, limit(this.#below(12)))),
      () => this.#withOpen((each) => this.#say(each, limit(4 + this.#below(8)))),
      () => this.#withOpen((each) => this.#say(each, goAway(this.#below(30)))),
      () => this.#below(4) === 0 && this.#withOpen((each) => each.receiveEnd()),
      () => this.#below(4) === 0 && this.#withOpen((each) => each.end('peer-reset')),
      () => this.#below(4) === 0 && this.#withOpen((each) => this.#say(each, rubbish)),
      () => this.#pick('waiting', (request) => this.#cancel(request)),
      () => this.#pick('active', (request) => this.#giveUp(request)),
      () => this.#fixture.clock.advance(this.#below(400)),
    ];
  }

  #below(limit: number): number {
    return randomBelow(this.#random, limit);
  }

  #ask(): void {
    const request = new SimRequest(this);
    this.#requests.add(request);
    this.#cluster.httpPool(this.#host, 'HTTP/2')?.acquire(request);
  }

  #cancel(request: SimRequest): void {
    this.#cluster.httpPool(this.#host, 'HTTP/2')?.cancel(request);
    request.state = 'done';
    this.#requests.delete(request);
  }

  #giveUp(request: SimRequest): void {
    request.state = 'done';
    this.#requests.delete(request);
    request.sender?.reset('local-reset');
  }

  #say(connection: FakeConnection, text: string): void {
    const greeting = this.#greeted.has(connection) ? '' : this.#dialect.greeting;
    this.#greeted.add(connection);
    if (greeting + text !== '') connection.receive(greeting + text);
  }

  /** Says something of a stream of those that were opened last, open or not. */
  #tell(connection: FakeConnection, what: (id: number) => string): void {
    this.#say(connection, this.#about(connection, what));
  }

  #about(connection: FakeConnection, what: (id: number) => string): string {
    const ids = this.#dialect.opened(connection);
    const id = ids.at(-1 - this.#below(Math.min(ids.length, MAX_STREAMS)));
    return id === undefined ? '' : what(id);
  }

  #answerAll(connection: FakeConnection): void {
    const { opened, answer } = this.#dialect;
    this.#say(connection, opened(connection).map(answer).join(''));
  }

  /** In one read, or in two that are cut anywhere. */
  #saySeveral(connection: FakeConnection): void {
    const { limit, answer, goAway } = this.#dialect;
    let text = '';
    for (let count = this.#below(6); count > 0; count -= 1) {
      text += this.#below(5) === 0 ? limit(this.#below(12)) : this.#about(connection, answer);
    }
    if (this.#below(5) === 0) text += goAway(19);
    const cut = this.#below(text.length + 1);
    for (const part of [text.slice(0, cut), text.slice(cut)]) {
      if (!connection.isClosed) this.#say(connection, part);
    }
  }

  #withOpen(act: (connection: FakeConnection) => void): void {
    const open = this.#fixture.connector.live().filter((each) => !each.isConnecting);
    const chosen = open[this.#below(Math.max(1, open.length))];
    if (chosen !== undefined) act(chosen);
  }

  #withConnecting(act: (connection: FakeConnection) => void): void {
    const chosen = this.#fixture.connector.live().find((each) => each.isConnecting);
    if (chosen !== undefined) act(chosen);
  }

  #pick(state: SimRequest['state'], act: (request: SimRequest) => void): void {
    const some = [...this.#requests].filter((request) => request.state === state);
    const chosen = some[this.#below(Math.max(1, some.length))];
    if (chosen !== undefined) act(chosen);
  }

  #inState(state: SimRequest['state']): number {
    return [...this.#requests].filter((request) => request.state === state).length;
  }

  #check(): void {
    const { stats } = this.#cluster;
    const { connector } = this.#fixture;
    const live = connector.live();
    const waiting = this.#inState('waiting');
    const active = this.#inState('active');
    assert.equal(stats.rqPendingActive.value, waiting, 'waiting requests');
    assert.equal(stats.rqActive.value, active, 'active requests');
    assert.equal(this.#host.stats.rqActive, active, "the host's active requests");
    assert.equal(stats.cxActive.value, live.length, 'connections');
    assert.equal(this.#host.stats.cxActive, live.length, "the host's connections");
    assert.equal(stats.cxTotal.value - stats.cxDestroy.value, live.length, 'made and ended');
    const byCause = stats.cxDestroyLocal.value + stats.cxDestroyRemote.value;
    assert.equal(byCause, stats.cxDestroy.value, 'ends by cause');
    assert.ok(live.length <= MAX_CONNECTIONS, `${live.length} connections`);
    assert.ok(waiting <= MAX_PENDING && active <= MAX_REQUESTS, 'limits');
    assert.ok(waiting === 0 || live.length > 0, 'a queue without a connection');
    const open = live.filter((each) => !each.isConnecting);
    const streams = open.reduce((sum, each) => sum + this.#codec(each).activeStreams, 0);
    assert.equal(streams, active, 'every stream is a request');
    if (!this.#retires) this.#checkRoom(open, waiting);
    connector.connections.splice(0, connector.connections.length, ...live);
    for (const connection of this.#codecs.keys()) {
      if (connection.isClosed) this.#codecs.delete(connection);
    }
  }

  /** Whoever waits does so because every connection is full. */
  #checkRoom(open: readonly FakeConnection[], waiting: number): void {
    const isKnownRoom = (each: FakeConnection): boolean => {
      const codec = this.#codec(each);
      return codec.peerStreamLimit >= 0 && codec.availableStreams > 0;
    };
    if (waiting > 0) assert.ok(!open.some(isKnownRoom), 'somebody waits although there is room');
  }

  #codec(connection: FakeConnection): ClientCodec {
    return this.#codecs.get(connection) as ClientCodec;
  }

  /** Removes the cluster and answers what is left: then nothing may be left. */
  #finish(): void {
    this.#isEnding = true;
    this.#clusters.apply({ upserted: [], removed: ['c'] });
    for (let round = 0; round < 3000 && this.#requests.size > 0; round += 1) {
      this.#withConnecting((each) => each.accept());
      this.#withOpen((each) => this.#say(each, this.#dialect.limit(8)));
      this.#withOpen((each) => this.#answerAll(each));
      this.#fixture.endTurn();
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

for (const [name, dialect] of Object.entries({ LINES, FRAMES })) {
  t.test(`no request and no stream is lost under random peers (${name})`, async (t) => {
    const base = testSeed();
    for (let run = 0; run < RUNS; run += 1) {
      const seed = (base + run) >>> 0;
      try {
        new Simulation(seed, dialect).run();
      } catch (error) {
        t.fail(`OUTRIGGER_SEED=${seed}: ${String(error)}`, { found: (error as Error).cause });
        return;
      }
    }
    t.pass(`${RUNS} runs of ${STEPS} steps`);
  });
}
