import t, { type Test } from 'tap';
import { privateCells, type SharedCells } from '../../proxy/base/cells/shared-cells.ts';
import type { OverloadConfig } from '../../proxy/model/overload.ts';
import { OverloadActions } from '../../proxy/server/overload-actions.ts';
import { StatsStore } from '../../proxy/stats/store.ts';
import { twoProcesses } from '../support/two-processes.ts';

const HEAP = 'envoy.resource_monitors.fixed_heap';
const KIB = 1024;
const CONFIG: OverloadConfig = {
  refreshIntervalMs: 60_000,
  maxHeapBytes: 100 * KIB,
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

/** A worker whose heap a test decides. */
class Rig {
  kib = 0;
  readonly store = new StatsStore(null);
  readonly actions: OverloadActions;

  constructor(t: Test, cells: SharedCells, index = 0) {
    const heapBytes = () => this.kib * KIB;
    const place = { cells, index, workerCount: 2, stats: this.store, heapBytes };
    this.actions = new OverloadActions(CONFIG, place);
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
  const states = [0, 79, 80, 90, 95, 10].map((kib) => {
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
  const [one, two] = processes.map((cells, index) => new Rig(t, cells, index)) as [Rig, Rig];
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
