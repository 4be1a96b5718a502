import { create } from '@bufbuild/protobuf';
import t from 'tap';
import { ListenerSchema } from '../../proxy/api/gen/envoy/config/listener/v3/listener_pb.js';
import { checkMessage, takeIneffective } from '../../proxy/server/check-message.ts';

const address = {
  address: {
    case: 'socketAddress' as const,
    value: { address: '127.0.0.1', portSpecifier: { case: 'portValue' as const, value: 1 } },
  },
};

t.test('what is accepted without effect is told with its place, once', (t) => {
  const message = create(ListenerSchema, { address, maxConnectionsToAcceptPerSocketEvent: 1 });
  t.equal(checkMessage(message), '');
  t.equal(checkMessage(message), '');
  const [told, ...more] = takeIneffective();
  t.match(
    told,
    /^envoy\.config\.listener\.v3\.Listener max_connections_to_accept_.* has no effect/,
  );
  t.same(more, []);
  t.equal(checkMessage(message), '');
  t.same(takeIneffective(), []);
  t.end();
});

t.test('what is refused is told by whoever sent it', (t) => {
  const message = create(ListenerSchema, { address, enableMptcp: true });
  t.match(checkMessage(message), /^enable_mptcp: 'enable_mptcp'/);
  t.same(takeIneffective(), []);
  t.end();
});
