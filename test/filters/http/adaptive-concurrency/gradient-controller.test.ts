// The gradient controller over simulated time, alone and in two workers that share one limit.
import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { CellRegistry } from '../../../../proxy/base/cells/cell-registry.ts';
import { regionCells, SharedRegion } from '../../../../proxy/base/cells/region.ts';
import { privateCells, SharedCells } from '../../../../proxy/base/cells/shared-cells.ts';
import type { AdaptiveConfig } from '../../../../proxy/filters/http/adaptive-concurrency/adaptive-config.ts';
import { GradientController } from '../../../../proxy/filters/http/adaptive-concurrency/gradient-controller.ts';
import { adaptiveConcurrencyDefinition } from '../../../../proxy/filters/http/adaptive-concurrency.ts';
import type { HttpFilterServices } from '../../../../proxy/filters/http-filter.ts';
import { LiveRuntime } from '../../../../proxy/model/runtime.ts';
import { StatsStore } from '../../../../proxy/stats/store.ts';
import { compileJson, problemLines, testEnvironment } from '../../../support/compile-json.ts';
import { FakeClock } from '../../../support/fake-clock.ts';
import { filterProblems } from '../../../support/filter-fixture.ts';
import { seededRandom } from '../../../support/seeded-random.ts';

interface Params {
  readonly limit?: { readonly [key: string]: JsonValue };
  readonly rtt?: { readonly [key: string]: JsonValue };
  readonly percentile?: number;
}

const PREFIX = 'http.p.adaptive_concurrency.gradient_controller.';

function configJson({ limit = {}, rtt = {}, percentile = 50 }: Params): JsonValue {
  return {
    gradient_controller_config: {
      sample_aggregate_percentile: { value: percentile },
      concurrency_limit_params: { concurrency_update_interval: '0.1s', ...limit },
      min_rtt_calc_params: {
        ...{ interval: '30s', request_count: 5, jitter: { value: 0 }, ...rtt },
      },
    },
  };
}

/** One worker. */
class Worker {
  readonly clock: FakeClock;
  readonly controller: GradientController;
  readonly #store = new StatsStore(null);

  constructor(clock: FakeClock, config: AdaptiveConfig, cells: SharedCells) {
    this.clock = clock;
    const services = {
      ...{ clock, timers: clock.timers, cells, random: seededRandom(5) },
      scope: this.#store.scope('http.p'),
    } as unknown as HttpFilterServices;
    this.controller = new GradientController(config, services);
  }

  /** So many requests one after another, each taking `ms`. */
  serve(count: number, ms: number): void {
    for (let done = 0; done < count; done += 1) {
      const startMs = this.controller.nowMs();
      if (!this.controller.tryBegin(startMs)) throw new Error('refused');
      const { epoch } = this.controller;
      this.clock.advance(ms);
      this.controller.finish(startMs, epoch);
    }
  }

  /** How many requests begin at once until one is refused; they are left in flight. */
  fill(): number {
    let count = 0;
    while (this.controller.tryBegin(this.controller.nowMs())) count += 1;
    return count;
  }

  empty(count: number): void {
    for (let done = 0; done < count; done += 1) this.controller.cancel();
  }

  stat(name: string): number {
    this.controller.publish();
    const { counters, gauges } = this.#store.snapshot();
    return gauges[PREFIX + name] ?? counters[PREFIX + name] ?? -1;
  }

  get limit(): number {
    return this.stat('concurrency_limit');
  }

  get measures(): boolean {
    return this.stat('min_rtt_calculation_active') === 1;
  }
}

function compiled(params: Params, runtime = new LiveRuntime(new Map())): AdaptiveConfig {
  const environment = testEnvironment({ runtime });
  const source = {
    ...{ schema: adaptiveConcurrencyDefinition.schema, environment },
    json: configJson(params),
  };
  const { value, rejections } = compileJson(source, (message, context) =>
    adaptiveConcurrencyDefinition.compile(message as never, context),
  );
  if (value === null) throw new Error(problemLines(rejections).join('\n'));
  return value;
}

function alone(params: Params = {}, runtime?: LiveRuntime): Worker {
  const clock = new FakeClock();
  const config = compiled(params, runtime);
  return new Worker(
    clock,
    config,
    privateCells(() => clock.nowMs()),
  );
}

t.test('measures before anything else, with few requests at a time', async (t) => {
  const worker = alone();
  t.equal(worker.measures, true);
  t.equal(worker.limit, 3);
  t.equal(worker.fill(), 3);
  t.equal(worker.stat('rq_blocked'), 1);
  worker.empty(3);
  worker.serve(4, 20);
  t.equal(worker.measures, true);
  worker.serve(1, 20);
  t.equal(worker.measures, false);
  t.equal(worker.stat('min_rtt_msecs'), 20);
  t.equal(worker.limit, 3, 'until the first window is over');
});

t.test('the limit follows the ratio of the best time to the present one', async (t) => {
  const worker = alone({ rtt: { buffer: { value: 100 } } });
  worker.serve(5, 20);
  worker.serve(2, 20);
  worker.clock.advance(100);
  t.equal(worker.stat('sample_rtt_msecs'), 20);
  // Buckets of two digits, read at their middle.
  t.equal(worker.stat('gradient'), 2000);
  t.equal(worker.limit, 8, '3 * 2 and the square root of that');
  t.equal(worker.stat('burst_queue_size'), 2);
  worker.serve(1, 80);
  worker.clock.advance(100);
  t.equal(worker.stat('gradient'), 509);
  t.equal(worker.limit, 6, '8 * 0.509 and its root');
  worker.serve(1, 400);
  worker.clock.advance(100);
  t.equal(worker.stat('gradient'), 500, 'bounded');
});

t.test('a window without requests changes nothing', async (t) => {
  const worker = alone();
  worker.serve(5, 16);
  worker.serve(1, 16);
  worker.clock.advance(5000);
  const { limit } = worker;
  worker.clock.advance(5000);
  t.equal(worker.limit, limit);
  t.equal(worker.clock.timers.armedCount, 1, 'only the next measurement is waited for');
  worker.clock.advance(30_000);
  t.equal(worker.measures, true);
  t.equal(worker.clock.timers.armedCount, 0);
});

t.test('limits stay within their bounds', async (t) => {
  const worker = alone({
    limit: { max_concurrency_limit: 7, min_concurrency_limit: 2 },
    rtt: { min_concurrency: 4 },
  });
  worker.serve(5, 16);
  for (let windows = 0; windows < 10; windows += 1) {
    worker.serve(1, 8);
    worker.clock.advance(100);
  }
  t.equal(worker.limit, 7);
  for (let windows = 0; windows < 6; windows += 1) {
    worker.serve(1, 400);
    worker.clock.advance(100);
  }
  t.equal(worker.limit, 2);
});

t.test('measures again when its time has come, and goes back to the limit it had', async (t) => {
  const worker = alone();
  worker.serve(5, 16);
  worker.serve(3, 8);
  worker.clock.advance(100);
  const { limit } = worker;
  t.ok(limit > 3);
  worker.clock.advance(30_000);
  t.equal(worker.measures, true);
  t.equal(worker.limit, 3);
  worker.serve(5, 40);
  t.equal(worker.measures, false);
  t.equal(worker.stat('min_rtt_msecs'), 40);
  t.equal(worker.limit, limit);
});

t.test('a limit that stays at its least five times was measured wrongly', async (t) => {
  const worker = alone();
  worker.serve(5, 8);
  for (let windows = 0; windows < 4; windows += 1) {
    worker.serve(1, 80);
    worker.clock.advance(100);
  }
  t.equal(worker.measures, false);
  worker.serve(1, 80);
  worker.clock.advance(100);
  t.equal(worker.measures, true);
});

t.test('requests of before a measurement do not count in it', async (t) => {
  const worker = alone();
  worker.serve(5, 16);
  const { controller, clock } = worker;
  const startMs = controller.nowMs();
  t.equal(controller.tryBegin(startMs), true);
  const { epoch } = controller;
  clock.advance(31_000);
  t.equal(worker.measures, true);
  controller.finish(startMs, epoch);
  worker.serve(4, 24);
  t.equal(worker.measures, true);
  worker.serve(1, 24);
  t.equal(worker.measures, false);
  t.equal(worker.stat('min_rtt_msecs'), 24);
});

t.test('the next measurement is later by chance', async (t) => {
  const worker = alone({ rtt: { jitter: { value: 50 }, interval: '10s' } });
  const waits = new Set<number>();
  for (let round = 0; round < 8; round += 1) {
    worker.serve(5, 8);
    let waitedMs = 0;
    while (!worker.measures) {
      worker.clock.advance(8);
      waitedMs += 8;
    }
    t.ok(waitedMs >= 9992 && waitedMs <= 15_016, `${waitedMs} ms`);
    waits.add(waitedMs);
  }
  t.ok(waits.size > 4);
});

t.test('a fixed time is never measured', async (t) => {
  const worker = alone({
    limit: { min_concurrency_limit: 2 },
    rtt: { fixed_value: '0.02s', min_concurrency: 5 },
  });
  t.equal(worker.measures, false);
  t.same([worker.limit, worker.stat('min_rtt_msecs')], [2, 20]);
  for (let windows = 0; windows < 8; windows += 1) {
    worker.serve(1, 200);
    worker.clock.advance(100);
  }
  t.same([worker.measures, worker.limit], [false, 2]);
  worker.clock.advance(60_000);
  t.equal(worker.clock.timers.armedCount, 0);
});

t.test('follows the runtime', async (t) => {
  const key = 'adaptive_concurrency.gradient_controller.';
  const runtime = new LiveRuntime(new Map());
  const worker = alone({}, runtime);
  const settings: Record<string, number> = {
    [`${key}min_rtt_aggregate_request_count`]: 2,
    [`${key}min_rtt_calc_interval_ms`]: 1000,
    [`${key}sample_rtt_calc_interval_ms`]: 400,
    [`${key}max_concurrency_limit`]: 4,
    [`${key}min_rtt_buffer`]: 0,
    [`${key}sample_aggregate_percentile`]: 100,
    [`${key}jitter`]: 0,
  };
  runtime.replace(new Map(Object.entries(settings)));
  worker.serve(2, 16);
  t.equal(worker.measures, false, 'two requests are enough');
  worker.serve(2, 8);
  worker.clock.advance(104);
  t.equal(worker.stat('sample_rtt_msecs'), 0, 'the window is longer');
  worker.clock.advance(400);
  t.equal(worker.limit, 4, 'the highest there may be');
  worker.clock.advance(600);
  t.equal(worker.measures, true);
  runtime.replace(new Map([[`${key}min_concurrency`, 1]]));
  t.equal(alone({}, runtime).limit, 1);
});

/** Room for one controller. */
const LAYOUT = { counters: 8, ints: 2048, slots: 3 };

t.test('workers find one limit together, and share its places', async (t) => {
  const clock = new FakeClock();
  const config = compiled({});
  const region = new SharedRegion(new Int32Array(regionCells(LAYOUT)), LAYOUT);
  const registry = new CellRegistry(region);
  const join = (): Worker => {
    const slot = registry.join();
    const source = {
      want: (request: Parameters<CellRegistry['want']>[1]) => registry.want(slot, request),
      giveUp: (key: string) => registry.giveUp(slot, key),
    };
    return new Worker(
      clock,
      config,
      new SharedCells({ region, slot, source, nowMs: () => clock.nowMs() }),
    );
  };
  const [one, two] = [join(), join()];
  t.same([one.fill(), two.fill()], [3, 0], 'three in all');
  one.empty(3);
  t.equal(two.fill(), 3);
  two.empty(3);
  one.serve(3, 16);
  two.serve(2, 16);
  t.same([one.measures, two.measures], [false, false]);
  t.equal(two.stat('min_rtt_msecs'), one.stat('min_rtt_msecs'));
  one.serve(2, 16);
  two.serve(2, 16);
  clock.advance(100);
  t.equal(one.limit, two.limit);
  t.ok(one.limit > 3);
  const taken = [one.fill(), two.fill()];
  t.same(taken, [one.limit, 0]);
});

t.test('refuses what Envoy refuses', async (t) => {
  const json = configJson({}) as { gradient_controller_config: { [key: string]: JsonValue } };
  const definition = adaptiveConcurrencyDefinition as never;
  const without = { ...json.gradient_controller_config, min_rtt_calc_params: {} };
  t.same(filterProblems(definition, { gradient_controller_config: without }), [
    'gradient_controller_config.min_rtt_calc_params: adaptive_concurrency: neither `concurrency_update_interval` nor `fixed_value` set',
  ]);
  t.same(filterProblems(definition, json), []);
});
