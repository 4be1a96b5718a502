// The fault filter over simulated time: what waits, what is answered, what is counted.
import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import type { SharedCells } from '../../../../proxy/base/cells/shared-cells.ts';
import { privateCells } from '../../../../proxy/base/cells/shared-cells.ts';
import type { FaultConfig } from '../../../../proxy/filters/http/fault/fault-config.ts';
import { faultDefinition } from '../../../../proxy/filters/http/fault.ts';
import {
  CONTINUE,
  DROP,
  type HttpFilter,
  type HttpFilterCallbacks,
  type HttpFilterFactory,
  type HttpFilterServices,
  type LocalReply,
  STOP_ALL,
  WAIT,
} from '../../../../proxy/filters/http-filter.ts';
import { StatsStore } from '../../../../proxy/stats/store.ts';
import { compileJson, problemLines, testEnvironment } from '../../../support/compile-json.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import {
  exchange,
  matchedRoute,
  requestHead,
  routeTo,
  tableOf,
} from '../../../support/route-fixtures.ts';
import { seededRandom } from '../../../support/seeded-random.ts';
import { twoProcesses } from '../../../support/two-processes.ts';

const ALL = { numerator: 100 };

/** A worker's filter and what it did to its streams. */
class Rig {
  readonly clock = new FakeClock();
  readonly store = new StatsStore(null);
  readonly #factory: HttpFilterFactory;
  readonly #services: HttpFilterServices;

  constructor(json: JsonValue, runtime: Record<string, string | number> = {}, cells?: SharedCells) {
    const environment = testEnvironment({ runtime: new Map(Object.entries(runtime)) });
    const source = { schema: faultDefinition.schema, json, environment };
    const { value, rejections } = compileJson(source, faultDefinition.compile as never);
    t.same(problemLines(rejections), []);
    this.#services = {
      scope: this.store.scope('http.p'),
      random: seededRandom(7),
      timers: this.clock.timers,
      clock: this.clock,
      cells: cells ?? privateCells(() => 0),
    } as unknown as HttpFilterServices;
    const factory = faultDefinition.factory(value as FaultConfig, this.#services, 'fault');
    if (factory === null) throw new Error('idle');
    this.#factory = factory;
  }

  stream(headers: readonly string[] = [], endStream = true): Stream {
    return new Stream(this.#factory, this.#services, headers, endStream);
  }

  counters(): Readonly<Record<string, number>> {
    const all = Object.entries(this.store.snapshot().counters);
    return Object.fromEntries(
      all.filter(([, n]) => n > 0).map(([name, n]) => [name.replace('http.p.fault.', ''), n]),
    );
  }

  get active(): number {
    return this.store.snapshot().gauges['http.p.fault.active_faults'] ?? 0;
  }
}

/** One exchange. */
class Stream {
  readonly seen: string[] = [];
  readonly replies: LocalReply[] = [];
  readonly filter: HttpFilter;
  readonly callbacks: HttpFilterCallbacks;
  readonly status: number;

  constructor(
    factory: HttpFilterFactory,
    services: HttpFilterServices,
    headers: readonly string[],
    endStream: boolean,
  ) {
    const head = requestHead({ headers });
    const route = matchedRoute(tableOf(routeTo('c', { prefix: '/' })), head);
    this.callbacks = {
      ...exchange(head),
      ...{ route, services, streamRandom: 0, nowMs: () => services.clock.nowMs() },
      continueRequest: () => this.seen.push('continue'),
      continueResponse: () => this.seen.push('response'),
      injectResponseData: (_filter: HttpFilter, data: Buffer, end: boolean) => {
        this.seen.push(`${data.length}${end ? '.' : ''}`);
        return true;
      },
      sendLocalReply: (reply: LocalReply) => this.replies.push(reply),
      flow: {
        holdRequest: () => this.seen.push('hold'),
        takeRequest: () => this.seen.push('take'),
        holdResponse: () => this.seen.push('hold response'),
        takeResponse: () => this.seen.push('take response'),
      },
    } as unknown as HttpFilterCallbacks;
    this.filter = factory.create(this.callbacks);
    this.status = this.filter.onRequestHead?.(head, endStream) ?? -1;
  }

  get flags(): readonly string[] {
    return this.callbacks.info.flags ?? [];
  }

  end(): void {
    this.filter.onStreamEnd?.();
  }
}

const abort = (percentage: JsonValue = ALL): { [key: string]: JsonValue } => ({
  abort: { http_status: 503, percentage },
});
const delay = (fixed_delay: string): { [key: string]: JsonValue } => ({
  delay: { fixed_delay, percentage: ALL },
});

t.test('a delayed request waits its time, not a tick less', async (t) => {
  const rig = new Rig(delay('10s'));
  const stream = rig.stream();
  t.equal(stream.status, WAIT);
  t.same(stream.flags, ['DI']);
  t.equal(rig.active, 1);
  rig.clock.advance(9992);
  t.same(stream.seen, []);
  rig.clock.advance(24);
  t.same(stream.seen, ['continue']);
  t.equal(rig.clock.timers.armedCount, 0);
  t.same(rig.counters(), { delays_injected: 1 });
  stream.end();
  t.equal(rig.active, 0);
});

t.test('whoever sends content meanwhile is held, and goes on behind the head', async (t) => {
  const rig = new Rig(delay('0.1s'));
  const stream = rig.stream([], false);
  t.same(stream.seen, ['hold']);
  rig.clock.advance(120);
  t.same(stream.seen, ['hold', 'continue', 'take']);
  stream.end();
});

t.test('a client that leaves takes its timer along', async (t) => {
  const rig = new Rig({ ...delay('10s'), ...abort() });
  const stream = rig.stream();
  rig.clock.advance(2000);
  stream.end();
  t.equal(rig.clock.timers.armedCount, 0);
  t.equal(rig.active, 0);
  rig.clock.advance(20_000);
  t.same(stream.seen, []);
  t.same(stream.replies, []);
  stream.end();
  t.equal(rig.active, 0, 'ending twice counts once');
});

t.test('an abort comes behind the delay, and both count as one active fault', async (t) => {
  const rig = new Rig({ ...delay('0.05s'), ...abort(), filter_metadata: { a: 1 } });
  const stream = rig.stream();
  t.same(stream.replies, []);
  rig.clock.advance(60);
  t.match(stream.replies, [
    { status: 503, body: 'fault filter abort', details: 'fault_filter_abort', flag: 'FI' },
  ]);
  t.same(stream.seen, []);
  t.equal(rig.active, 1);
  t.same(stream.callbacks.info.dynamicMetadata?.get('fault'), { a: 1 });
  stream.end();
  t.same(rig.counters(), { delays_injected: 1, aborts_injected: 1 });
});

t.test('without a delay the abort comes at once', async (t) => {
  const stream = new Rig({ abort: { grpc_status: 7, percentage: ALL } }).stream();
  t.equal(stream.status, STOP_ALL);
  t.match(stream.replies, [{ status: 200, grpcStatus: 7 }]);
  stream.end();
});

t.test('half of ten thousand requests is half of them', async (t) => {
  for (const percentage of [
    { numerator: 50 },
    { numerator: 5000, denominator: 'TEN_THOUSAND' },
    { numerator: 500_000, denominator: 'MILLION' },
  ]) {
    const rig = new Rig(abort(percentage));
    for (let count = 0; count < 10_000; count += 1) rig.stream().end();
    const aborted = rig.counters()['aborts_injected'] ?? 0;
    t.ok(Math.abs(aborted - 5000) <= 200, `${aborted} of 10000`);
  }
});

t.test('a thousandth is drawn in millionths', async (t) => {
  const rig = new Rig(abort({ numerator: 1000, denominator: 'MILLION' }));
  for (let count = 0; count < 20_000; count += 1) rig.stream().end();
  const aborted = rig.counters()['aborts_injected'] ?? 0;
  t.ok(aborted >= 5 && aborted <= 45, `${aborted} of 20000`);
});

t.test('max_active_faults holds for all workers together', async (t) => {
  const { registry, processes } = twoProcesses();
  const rigs = processes.map(
    (cells) => new Rig({ ...delay('9s'), max_active_faults: 3 }, {}, cells),
  );
  const [one, two] = rigs as [Rig, Rig];
  const streams = [one, two, one, two, one].map((rig) => rig.stream());
  t.same(
    streams.map(({ status }) => status),
    [WAIT, WAIT, WAIT, CONTINUE, CONTINUE],
  );
  t.same(one.counters(), { delays_injected: 2, faults_overflow: 1 });
  t.same(two.counters(), { delays_injected: 1, faults_overflow: 1 });
  streams[0]?.end();
  t.equal(two.stream().status, WAIT);
  t.equal(one.stream().status, CONTINUE);
  registry.leave(1);
  t.equal(one.stream().status, WAIT, 'what a dead worker held is given back');
});

t.test('runtime sets the limit, the length and the shares', async (t) => {
  const json = { ...delay('9s'), ...abort() };
  t.equal(new Rig(json, { 'fault.http.max_active_faults': 0 }).stream().status, CONTINUE);
  const short = new Rig(json, { 'fault.http.delay.fixed_duration_ms': 20 });
  const stream = short.stream();
  short.clock.advance(40);
  t.equal(stream.replies.length, 1);
  const never = { 'fault.http.delay.fixed_delay_percent': 0, 'fault.http.abort.abort_percent': 0 };
  t.equal(new Rig(json, never).stream().status, CONTINUE);
  const parts = { 'fault.http.abort.abort_percent.numerator': 0 };
  t.equal(new Rig(abort(), parts).stream().status, CONTINUE);
  const status = new Rig(abort(), { 'fault.http.abort.http_status': 99 }).stream();
  t.match(status.replies, [{ status: 503 }], 'no status that cannot be sent');
});

t.test('names of downstream clusters are bounded', async (t) => {
  const rig = new Rig(abort());
  for (let count = 0; count < 2100; count += 1) {
    rig.stream(['x-envoy-downstream-service-cluster', `c${count}`]).end();
  }
  const names = Object.keys(rig.counters()).filter((name) => name.startsWith('c'));
  t.equal(names.length, 2000);
  t.equal(rig.counters()['aborts_injected'], 2100);
});

t.test('a limited response begins with a fill’s worth and goes on at its rate', async (t) => {
  const rig = new Rig({
    response_rate_limit: { fixed_limit: { limit_kbps: 10 }, percentage: ALL },
  });
  const stream = rig.stream();
  t.equal(stream.status, CONTINUE);
  const { filter } = stream;
  t.equal(filter.onResponseData?.(Buffer.alloc(2048), true), DROP);
  t.same(stream.seen, ['512']);
  rig.clock.advance(56);
  t.equal(stream.seen.length, 2);
  const passed = (): number =>
    stream.seen.reduce((sum, each) => sum + Number.parseInt(each, 10), 0);
  t.ok(passed() >= 1000 && passed() <= 1100, `${passed()} of 2048`);
  rig.clock.advance(200);
  t.equal(passed(), 2048);
  t.match(stream.seen.at(-1), /\.$/);
  t.equal(rig.active, 1);
  stream.end();
  t.equal(rig.active, 0);
  t.same(rig.counters(), { response_rl_injected: 1 });
  t.same(stream.flags, []);
});

t.test('a configuration without faults is none', async (t) => {
  const { value } = compileJson(
    { schema: faultDefinition.schema, json: { upstream_cluster: 'x' } },
    faultDefinition.compile as never,
  );
  const services = {
    scope: new StatsStore(null).scope('x'),
    cells: privateCells(() => 0),
  } as unknown as HttpFilterServices;
  t.equal(faultDefinition.factory(value as FaultConfig, services, 'fault'), null);
});
