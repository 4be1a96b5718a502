import t from 'tap';
import { directLink } from '../../proxy/server/direct-link.ts';
import { WorkerPeer, type WorkerPeerHandler } from '../../proxy/server/worker-peer.ts';
import type { ClusterLoad } from '../../proxy/upstream/load-counts.ts';

function load(issued: number, active: number): ClusterLoad {
  const locality = { region: '', zone: '', subZone: '' };
  const place = { ip: '10.0.0.1', port: 80, priority: 0, locality, metrics: [] };
  const endpoints = [{ ...place, success: issued, error: 0, issued, active }];
  return { cluster: 'a', dropped: 0, dropCategory: '', endpoints };
}

t.test('what a worker counted is not lost when it answers late', async (t) => {
  const { primary, worker } = directLink();
  const spawned = { link: primary, pid: 1, kill: () => undefined };
  const peer = new WorkerPeer(0, spawned, {} as WorkerPeerHandler);
  worker.onMessage = (message) => {
    if (message.kind !== 'ask-loads') return;
    worker.send({ kind: 'loads', id: 999, loads: [load(3, 2)] });
    worker.send({ kind: 'loads', id: message.id, loads: [load(5, 1)] });
  };
  const told = await peer.askLoads(['a']);
  const endpoints = told.flatMap((each) => each.endpoints);
  t.same(
    endpoints.map(({ active, issued }) => [issued, active]),
    [
      [3, 0],
      [5, 1],
    ],
  );
  worker.onMessage = () => undefined;
  worker.send({ kind: 'loads', id: 1000, loads: [load(7, 1)] });
  await new Promise(setImmediate);
  t.equal(peer.lastLoads[0]?.endpoints[0]?.issued, 7, 'of one that ended as well');
});
