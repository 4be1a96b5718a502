import t from 'tap';
import { type AddressFlags, HostFlags } from '../../proxy/upstream/host-flags.ts';

function book() {
  const told: (readonly [string, readonly AddressFlags[]])[] = [];
  const due: (() => void)[] = [];
  const flags = new HostFlags({
    sink: (cluster, changed) => told.push([cluster, changed]),
    later: (task) => due.push(task),
  });
  const turn = () => {
    for (const task of due.splice(0)) task();
    return told.splice(0);
  };
  return { flags, turn };
}

const A = { cluster: 'c', address: '10.0.0.1:80' };
const B = { cluster: 'c', address: '10.0.0.2:80' };

t.test('puts together what several sources say of a host', async (t) => {
  const { flags, turn } = book();
  flags.set('active-checks', A, 1);
  flags.set('outlier-detection', A, 2);
  t.equal(flags.get('c', A.address), 3);
  t.strictSame(turn(), [['c', [[A.address, 3]]]], 'both changes are told as one');
  flags.forget('active-checks', A);
  t.strictSame(turn(), [['c', [[A.address, 2]]]]);
});

t.test('tells of all hosts of a turn at once, and of nothing that stayed', async (t) => {
  const { flags, turn } = book();
  flags.set('active-checks', A, 1);
  flags.set('active-checks', B, 1);
  t.strictSame(turn(), [
    [
      'c',
      [
        [A.address, 1],
        [B.address, 1],
      ],
    ],
  ]);
  flags.set('active-checks', A, 1);
  t.strictSame(turn(), []);
});

t.test('tells that a new host is healthy: workers took it for unchecked', async (t) => {
  const { flags, turn } = book();
  flags.set('active-checks', A, 0);
  t.strictSame(turn(), [['c', [[A.address, 0]]]]);
});

t.test('says that flags are gone with the one who set them', async (t) => {
  const { flags, turn } = book();
  flags.set('outlier-detection', A, 2);
  turn();
  flags.forget('outlier-detection', A);
  t.strictSame(turn(), [['c', [[A.address, 0]]]]);
  t.strictSame([...flags.all()], []);
});

t.test('repeats a cluster on demand, and everything for new workers', async (t) => {
  const { flags, turn } = book();
  flags.set('active-checks', A, 1);
  flags.set('outlier-detection', { cluster: 'd', address: '10.0.0.3:80' }, 2);
  turn();
  flags.repeat('c');
  flags.repeat('unknown');
  t.strictSame(turn(), [['c', [[A.address, 1]]]]);
  t.strictSame(
    [...flags.all()],
    [
      ['c', [[A.address, 1]]],
      ['d', [['10.0.0.3:80', 2]]],
    ],
  );
});
