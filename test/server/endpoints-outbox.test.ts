// What workers are told of endpoints in one turn is one message, in the order of everything else.
import t from 'tap';
import type { EndpointPolicy } from '../../proxy/model/cluster.ts';
import { EndpointsOutbox, endpointMessages } from '../../proxy/server/endpoints-outbox.ts';
import type { ToldEndpoints, ToWorker } from '../../proxy/server/link.ts';
import type { ResolvedEndpoint } from '../../proxy/upstream/resolved-endpoint.ts';

const POLICY: EndpointPolicy = {
  overprovisioningPercent: 140,
  isHealthWeighted: false,
  dropOverload: null,
};

function at(port: number): readonly ResolvedEndpoint[] {
  return [{ ip: '127.0.0.1', port, endpointIndex: 0 }];
}

function rig() {
  const sent: ToWorker[] = [];
  const outbox = new EndpointsOutbox((message) => sent.push(message));
  const told = (): readonly (readonly ToldEndpoints[])[] =>
    sent.splice(0).flatMap((message) => (message.kind === 'endpoints' ? [message.told] : []));
  return { outbox, told };
}

t.test('what comes in one turn is one message, and of a cluster what came last', async (t) => {
  const { outbox, told } = rig();
  outbox.setPolicy('a', POLICY);
  outbox.set('a', at(1));
  outbox.set('b', at(2));
  outbox.set('a', at(3));
  outbox.setPolicy('b', POLICY);
  t.same(told(), [], 'nothing goes before the end of the turn');
  await null;
  const [a, b] = [
    { cluster: 'a', policy: POLICY, endpoints: at(3) },
    { cluster: 'b', policy: POLICY, endpoints: at(2) },
  ];
  t.strictSame(told(), [[a, b]]);
  outbox.set('a', []);
  await null;
  t.strictSame(told(), [[{ cluster: 'a', policy: null, endpoints: [] }]], 'none is told as well');
  await null;
  t.same(told(), []);
});

t.test('who has something else to say sends what waits first', async (t) => {
  const { outbox, told } = rig();
  outbox.set('a', at(1));
  outbox.flush();
  t.equal(told().length, 1);
  outbox.set('a', at(2));
  await null;
  t.strictSame(told(), [[{ cluster: 'a', policy: null, endpoints: at(2) }]]);
});

t.test('thousands of clusters are several messages', async (t) => {
  const all = Array.from({ length: 250 }, (_, index) => {
    return { cluster: `c${index}`, policy: null, endpoints: at(index) };
  });
  const messages = [...endpointMessages(all)];
  t.ok(messages.length > 1);
  t.same(
    messages.flatMap((message) => (message.kind === 'endpoints' ? message.told : [])),
    all,
  );
});
