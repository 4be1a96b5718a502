import t from 'tap';
import { StatsStore } from '../../proxy/stats/store.ts';
import {
  type Json,
  matchedRoute,
  requestHead,
  routeTable,
  routeTo,
} from '../support/route-fixtures.ts';

const byPath = (name: string, prefix: string): Json => ({
  name,
  headers: [{ name: ':path', string_match: { prefix } }],
});

function tableOf(virtualHost: Json, store: StatsStore) {
  return routeTable({ virtual_hosts: [{ name: 'v:1', domains: ['*'], ...virtualHost }] }, store);
}

t.test('the first virtual cluster whose conditions hold counts, else the catch-all', async (t) => {
  const store = new StatsStore(null);
  const post = { name: ':method', string_match: { exact: 'POST' } };
  const table = tableOf(
    {
      routes: [routeTo('r', { prefix: '/' })],
      virtual_clusters: [
        { name: 'posted', headers: [post, { name: 'x-a' }] },
        byPath('long', '/a/b'),
        byPath('short', '/a'),
      ],
    },
    store,
  );
  const nameOf = (path: string, method = 'GET', headers: readonly string[] = []) => {
    const head = requestHead({ path, method, headers });
    return matchedRoute(table, head).stats?.tally(head).virtualClusterName;
  };
  t.equal(nameOf('/a/b'), 'long');
  t.equal(nameOf('/a/c'), 'short');
  t.equal(nameOf('/a/c', 'POST'), 'short', 'every condition must hold');
  t.equal(nameOf('/a/b', 'POST', ['x-a', '1']), 'posted', 'the first one wins');
  t.equal(nameOf('/b'), '', 'the catch-all has no name of its own');
});

t.test('a request is counted in its virtual cluster and in its route', async (t) => {
  const store = new StatsStore(null);
  const route = { ...routeTo('r', { prefix: '/' }), stat_prefix: 'a:b' };
  const table = tableOf({ routes: [route], virtual_clusters: [byPath('vc', '/v')] }, store);
  const head = requestHead({ path: '/v' });
  const tally = matchedRoute(table, head).stats?.tally(head);
  for (const { total, responses } of tally?.stats ?? []) {
    total.inc();
    responses.charge(200);
  }
  const { counters } = store.snapshot();
  const used = Object.entries(counters).filter(([, value]) => value > 0);
  t.same(Object.fromEntries(used), {
    'vhost.v:1.vcluster.vc.upstream_rq_total': 1,
    'vhost.v:1.vcluster.vc.upstream_rq_200': 1,
    'vhost.v:1.vcluster.vc.upstream_rq_2xx': 1,
    'vhost.v:1.vcluster.vc.upstream_rq_completed': 1,
    'vhost.v:1.route.a:b.upstream_rq_total': 1,
    'vhost.v:1.route.a:b.upstream_rq_200': 1,
    'vhost.v:1.route.a:b.upstream_rq_2xx': 1,
    'vhost.v:1.route.a:b.upstream_rq_completed': 1,
  });
});

t.test('a route by itself is counted without a virtual cluster', async (t) => {
  const store = new StatsStore(null);
  const table = tableOf(
    {
      routes: [
        { ...routeTo('r', { prefix: '/r' }), stat_prefix: 'r' },
        routeTo('q', { prefix: '/' }),
      ],
    },
    store,
  );
  const head = requestHead({ path: '/r' });
  const tally = matchedRoute(table, head).stats?.tally(head);
  t.equal(tally?.virtualClusterName, '');
  t.equal(tally?.stats.length, 1);
  t.equal(matchedRoute(table, requestHead({ path: '/q' })).stats, null, 'the other is not');
});

t.test('nothing is made where nothing is configured', async (t) => {
  const store = new StatsStore(null);
  tableOf({ routes: [routeTo('r', { prefix: '/' })] }, store);
  t.same(store.snapshot().counters, {});
});
