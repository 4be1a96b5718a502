import t from 'tap';
import {
  type MethodSelection,
  selectStats,
} from '../../../../proxy/filters/http/grpc-stats/method-selection.ts';
import { StatsStore } from '../../../../proxy/stats/store.ts';
import { ClusterGrpcStats } from '../../../../proxy/upstream/cluster-grpc-stats.ts';

/** The name under which a call to `path` is counted; null: nowhere. */
function countedAs(selection: MethodSelection, path: string): string | null {
  const store = new StatsStore(null);
  const stats = selectStats(selection, new ClusterGrpcStats(store.scope('c')), path);
  stats?.chargeRequestMessages(1);
  const [name] = Object.keys(store.snapshot().counters);
  return name?.replace(/request_message_count$/, '') ?? null;
}

const TOGETHER: MethodSelection = { kind: 'together' };
const EACH: MethodSelection = { kind: 'each', replacesDots: false };
const LISTED: MethodSelection = {
  kind: 'listed',
  methods: new Map([['p.S', new Set(['Do'])]]),
};

t.test('a path of two segments names a method', async (t) => {
  for (const path of ['/p.S/Do', '/p.S/Do?x=/y', '//p.S//Do/', 'p.S/Do']) {
    t.equal(countedAs(EACH, path), 'c.grpc.p.S.Do.', path);
    t.equal(countedAs(TOGETHER, path), 'c.grpc.', path);
  }
  for (const path of ['', '/', '/p.S', '/p.S/', '/p.S/Do/x', '/?p.S/Do']) {
    for (const selection of [TOGETHER, EACH, LISTED]) {
      t.equal(countedAs(selection, path), null, path);
    }
  }
});

t.test('only listed methods have names of their own', async (t) => {
  t.equal(countedAs(LISTED, '/p.S/Do'), 'c.grpc.p.S.Do.');
  for (const path of ['/p.S/Other', '/S/Do', '/p.S/do']) {
    t.equal(countedAs(LISTED, path), 'c.grpc.', path);
  }
});

t.test('dots in the name of a service can be replaced', async (t) => {
  t.equal(countedAs({ kind: 'each', replacesDots: true }, '/a.b.S/D.o'), 'c.grpc.a_b_S.D.o.');
});
