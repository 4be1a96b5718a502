import { deserialize, serialize } from 'node:v8';
import { create, equals } from '@bufbuild/protobuf';
import t from 'tap';
import { BootstrapSchema } from '../../proxy/api/gen/envoy/config/bootstrap/v3/bootstrap_pb.js';
import { ClusterSchema } from '../../proxy/api/gen/envoy/config/cluster/v3/cluster_pb.js';
import type { ToWorker } from '../../proxy/server/link.ts';
import {
  decodeToWorker,
  encodeToWorker,
  type WireToWorker,
} from '../../proxy/server/link-codec.ts';

/** As the IPC channel does it. */
function overTheWire(message: ToWorker): ToWorker {
  return decodeToWorker(deserialize(serialize(encodeToWorker(message))) as WireToWorker);
}

t.test('carries resources across processes', async (t) => {
  const message = create(ClusterSchema, { name: 'a', altStatName: 'b' });
  const sent: ToWorker = {
    kind: 'update',
    id: 3,
    update: {
      upserted: [{ kind: 'cluster', name: 'a', version: 'v', message }],
      removed: [{ kind: 'listener', name: 'gone' }],
    },
  };
  const received = overTheWire(sent);
  if (received.kind !== 'update') throw new Error('another kind');
  t.same(received.update.removed, sent.update.removed);
  const [resource] = received.update.upserted;
  t.match(resource, { kind: 'cluster', name: 'a', version: 'v' });
  t.ok(equals(ClusterSchema, resource?.message as typeof message, message));
});

t.test('carries the settings of a worker', async (t) => {
  const message = create(BootstrapSchema, { node: { id: 'me' } });
  const received = overTheWire({
    kind: 'init',
    settings: {
      index: 1,
      bootstrap: { kind: 'bootstrap', name: '', version: '', message },
      runtime: { values: [['k', 1]], isLive: true },
      accessLogFlushBytes: 1,
      accessLogFlushIntervalMs: 2,
      drainTimeS: 3,
      drainStrategy: 'gradual',
      ticketSecret: 'c2VjcmV0',
      workerCount: 4,
      cells: null,
      localAddressFamily: 'IPv4',
    },
  });
  if (received.kind !== 'init') throw new Error('another kind');
  t.match(received.settings, {
    index: 1,
    drainTimeS: 3,
    workerCount: 4,
    runtime: { values: [['k', 1]] },
  });
  t.ok(equals(BootstrapSchema, received.settings.bootstrap.message as typeof message, message));
});

t.test('leaves every other message as it is', async (t) => {
  const sent: ToWorker = { kind: 'drain', manner: 'now', deadlineMs: 5 };
  t.same(overTheWire(sent), sent);
});
