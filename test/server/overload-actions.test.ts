import t, { type Test } from 'tap';
import { privateCells, type SharedCells } from '../../proxy/base/cells/shared-cells.ts';
import type { OverloadConfig } from '../../proxy/model/overload.ts';
import { OverloadActions } from '../../proxy/server/overload-actions.ts';
import { StatsStore } from '../../proxy/stats/store.ts';
import { seededRandom } from '../support/seeded-random.ts';
import { twoProcesses } from '../support/two-processes.ts';

const HEAP = 'envoy.resource_monitors.fixed_heap';
const KIB = 1024;
const CONFIG: OverloadConfig = {
  refreshIntervalMs: 60_000,
  monitors: [{ name: HEAP, kind: 'heap', maxBytes: 100 * KIB }],
  shedPoints: [],
  timers: [],
  actions: [
    { name: 'disable_http_keepalive', triggers: [{ resource: HEAP, from: 0.5, to: 0.8 }] },
    { name: 'stop_accepting_requests', triggers: [{ resource: HEAP, from: 0.9, to: 0.9 }] },
    {
      name: 'reject_incoming_connections',
      triggers: [
        { resource: 'connections', from: 0, to: 0 },
        { resource: HEAP, from: 0.95, to: 0.95 },
      ],
    },
  ],
};

interface RigOptions {
  readonly index?: number;
  readonly config?: OverloadConfig;
}

/** A worker whose heap a test decides. */
class Rig {
  kib = 0;
  readonly store = new StatsStore(null);
  readonly actions: OverloadActions;

  /** How often timeouts were scaled anew. */
  rescaled = 0;

  constructor(t: Test, cells: SharedCells, { index = 0, config = CONFIG }: RigOptions = {}) {
    this.actions = new OverloadActions(config, {
      ...{ cells, index, workerCount: 2, stats: this.store, random: seededRandom(2) },
      heapBytes: () => this.kib * KIB,
      nowMs: () => 0,
      onTimeoutsScaled: () => {
        this.rescaled += 1;
      },
    });
    t.teardown(() => this.actions.close());
  }

  gauge(name: string): number | undefined {
    return this.store.snapshot().gauges[`overload.envoy.${name}`];
  }
}

t.test('actions are on while the heap is at their thresholds', async (t) => {
  const rig = new Rig(
    t,
    privateCells(() => 0),
  );
  const states = [0, 50, 80, 90, 95, 10].map((kib) => {
    rig.kib = kib;
    rig.actions.refresh();
    const { endsConnections, refusesRequests, refusesConnections } = rig.actions.state;
    return [endsConnections, refusesRequests, refusesConnections].map(Number).join('');
  });
  t.strictSame(states, ['000', '000', '100', '110', '111', '000']);
});

t.test('tells what is on and how far it is', async (t) => {
  const rig = new Rig(
    t,
    privateCells(() => 0),
  );
  rig.kib = 65;
  rig.actions.refresh();
  t.equal(rig.gauge('resource_monitors.fixed_heap.pressure'), 65);
  t.equal(rig.gauge('overload_actions.disable_http_keepalive.scale_percent'), 50);
  t.equal(rig.gauge('overload_actions.disable_http_keepalive.active'), 0);
  rig.kib = 80;
  rig.actions.refresh();
  t.equal(rig.gauge('overload_actions.disable_http_keepalive.active'), 1);
});

t.test('the heaps of all workers count together', async (t) => {
  const { processes } = twoProcesses();
  const [one, two] = processes.map((cells, index) => new Rig(t, cells, { index })) as [Rig, Rig];
  one.kib = 50;
  one.actions.refresh();
  two.kib = 45;
  two.actions.refresh();
  t.equal(two.actions.state.refusesConnections, true);
  t.strictSame(two.store.snapshot().gauges, {}, 'the first worker tells for all');
  one.actions.refresh();
  t.equal(one.actions.state.refusesConnections, true);
  two.actions.close();
  one.actions.refresh();
  t.equal(one.actions.state.refusesConnections, false, 'a worker that ended holds nothing');
});

/** Of a thousand. */
function share(draw: () => boolean): number {
  let count = 0;
  for (let done = 0; done < 1000; done += 1) if (draw()) count += 1;
  return count / 1000;
}

const SCALED = [{ resource: HEAP, from: 0.5, to: 1 }];

t.test('what is on in part is done to a share by chance', async (t) => {
  const actions: OverloadConfig['actions'] = [
    { name: 'stop_accepting_requests', triggers: SCALED },
    { name: 'disable_http_keepalive', triggers: SCALED },
    { name: 'reject_incoming_connections', triggers: SCALED },
  ];
  const cells = privateCells(() => 0);
  const rig = new Rig(t, cells, { config: { ...CONFIG, actions } });
  rig.kib = 60;
  rig.actions.refresh();
  const { state } = rig.actions;
  for (const name of ['refusesRequests', 'endsConnections', 'refusesConnections'] as const) {
    const found = share(() => state[name]);
    t.ok(Math.abs(found - 0.2) < 0.06, `${name}: ${found}`);
  }
  state.isShortOfMemory = true;
  t.equal(
    share(() => state.endsConnections),
    1,
  );
  const stops: OverloadConfig['actions'] = [
    { name: 'stop_accepting_connections', triggers: SCALED },
  ];
  const other = new Rig(t, cells, { config: { ...CONFIG, actions: stops } });
  other.kib = 99;
  other.actions.refresh();
  t.equal(other.actions.state.refusesConnections, false, 'all or nothing');
});

t.test('points shed their share, and count it', async (t) => {
  const shedPoints: OverloadConfig['shedPoints'] = [
    { name: 'http_connection_manager_decode_headers', triggers: SCALED },
    { name: 'tcp_listener_accept', triggers: SCALED },
  ];
  const config = { ...CONFIG, actions: [], shedPoints };
  const rig = new Rig(
    t,
    privateCells(() => 0),
    { config },
  );
  rig.kib = 75;
  rig.actions.refresh();
  const { state } = rig.actions;
  const requests = share(() => state.refusesRequests);
  const connections = share(() => state.refusesConnections);
  t.ok(Math.abs(requests - 0.5) < 0.08 && Math.abs(connections - 0.5) < 0.08);
  const { counters } = rig.store.snapshot();
  const name = (point: string) => `overload.envoy.load_shed_points.${point}.shed_load_count`;
  t.equal(counters[name('http_connection_manager_decode_headers')], requests * 1000);
  t.equal(counters[name('tcp_listener_accept')], connections * 1000);
  t.equal(rig.gauge('load_shed_points.tcp_listener_accept.scale_percent'), 50);
});

t.test('timeouts get shorter, down to their least', async (t) => {
  const config: OverloadConfig = {
    ...CONFIG,
    actions: [{ name: 'reduce_timeouts', triggers: SCALED }],
    timers: [
      { timer: 'connection-idle', minMs: 1000, minShare: 0 },
      { timer: 'stream-idle', minMs: null, minShare: 0.1 },
    ],
  };
  const rig = new Rig(
    t,
    privateCells(() => 0),
    { config },
  );
  const scaled = (kib: number): readonly number[] => {
    rig.kib = kib;
    rig.actions.refresh();
    const { timeouts } = rig.actions.state;
    return [timeouts.scaled('connection-idle', 9000), timeouts.scaled('stream-idle', 1000)];
  };
  t.same(scaled(50), [9000, 1000]);
  t.equal(rig.rescaled, 0);
  t.same(scaled(75), [5000, 550]);
  t.same(scaled(75), [5000, 550]);
  t.equal(rig.rescaled, 1, 'told when something changed');
  t.same(scaled(100), [1000, 100]);
  const { timeouts } = rig.actions.state;
  t.equal(timeouts.scaled('connection-idle', 500), 500, 'never longer');
  t.equal(timeouts.scaled('connection-idle', 0), 0, 'what is off stays off');
  t.same(scaled(0), [9000, 1000]);
  t.equal(rig.rescaled, 3);
});
