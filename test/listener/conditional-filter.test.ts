import t from 'tap';
import { socketAddress } from '../../proxy/base/address.ts';
import { DONE, WAIT } from '../../proxy/filters/listener-filter.ts';
import type { WorkerServices } from '../../proxy/filters/network-filter.ts';
import { buildListenerFilter } from '../../proxy/listener/conditional-filter.ts';
import type {
  ListenerFilterInstance,
  ListenerFilterPredicate,
} from '../../proxy/model/listener.ts';
import { StatsStore } from '../../proxy/stats/store.ts';
import { candidateConnection } from '../support/candidate.ts';

/** A filter that waits for ever wherever it looks. */
function build(disabledWhen: ListenerFilterPredicate | null) {
  const definition = { factory: () => ({ create: () => ({ inspect: () => WAIT }) }) };
  const instance = { name: 'f', definition, config: null, disabled: false, disabledWhen };
  const stats = new StatsStore(null);
  return buildListenerFilter(
    instance as unknown as ListenerFilterInstance,
    {} as WorkerServices,
    stats,
  );
}

function looksAt(disabledWhen: ListenerFilterPredicate | null, port: number): boolean {
  const candidate = candidateConnection();
  candidate.localAddress = socketAddress('10.0.0.1', port);
  return build(disabledWhen).create().inspect(candidate, Buffer.alloc(0), 0) === WAIT;
}

const range = (start: number, end: number): ListenerFilterPredicate => ({
  kind: 'port',
  start,
  end,
});

t.test('leaves alone the ports of a range, without its end', async (t) => {
  const ports = [399, 400, 443, 444];
  t.same(
    ports.map((port) => looksAt(range(400, 444), port)),
    [true, false, false, true],
  );
  t.ok(looksAt(null, 443));
  t.notOk(looksAt({ kind: 'any' }, 443));
});

t.test('rules combine', async (t) => {
  const not: ListenerFilterPredicate = { kind: 'not', rule: range(80, 81) };
  t.same([looksAt(not, 80), looksAt(not, 81)], [true, false]);
  const or: ListenerFilterPredicate = { kind: 'or', rules: [range(80, 81), range(90, 91)] };
  t.same([looksAt(or, 80), looksAt(or, 90), looksAt(or, 85)], [false, false, true]);
  const and: ListenerFilterPredicate = { kind: 'and', rules: [range(80, 90), range(85, 99)] };
  t.same([looksAt(and, 80), looksAt(and, 86)], [true, false]);
});

t.test('decides once, when it is the filter’s turn', async (t) => {
  const filter = build(range(80, 81)).create();
  const candidate = candidateConnection();
  candidate.localAddress = socketAddress('10.0.0.1', 90);
  t.equal(filter.inspect(candidate, Buffer.alloc(0), 0), WAIT);
  candidate.localAddress = socketAddress('10.0.0.1', 80);
  t.equal(filter.inspect(candidate, Buffer.alloc(1), 1), WAIT);
  t.equal(build(range(80, 81)).create().inspect(candidate, Buffer.alloc(0), 0), DONE);
});
