// Which parts of names become labels, against Envoy 1.40's Prometheus output.
import t from 'tap';
import { TagExtractor } from '../../proxy/stats/tags.ts';

/** Name, name without tags, tags; a tag's `envoy.` is left out. */
const CASES: readonly (readonly [string, string, readonly string[]])[] = [
  ['server.live', 'server.live', []],
  ['cluster.a.upstream_rq_total', 'cluster.upstream_rq_total', ['cluster_name', 'a']],
  ['cluster.a.b.upstream_rq_total', 'cluster.b.upstream_rq_total', ['cluster_name', 'a']],
  [
    'cluster.a.upstream_rq_503',
    'cluster.upstream_rq',
    ['response_code', '503', 'cluster_name', 'a'],
  ],
  [
    'cluster.a.external.upstream_rq_5xx',
    'cluster.external.upstream_rq_xx',
    ['response_code_class', '5', 'cluster_name', 'a'],
  ],
  ['cluster_manager.cluster_added', 'cluster_manager.cluster_added', []],
  ['http.in.downstream_rq_time', 'http.downstream_rq_time', ['http_conn_manager_prefix', 'in']],
  [
    'http.in.user_agent.ios.downstream_rq_total',
    'http.user_agent.downstream_rq_total',
    ['http_user_agent', 'ios', 'http_conn_manager_prefix', 'in'],
  ],
  [
    'http.in.rds.my.route.update_success',
    'http.rds.update_success',
    ['http_conn_manager_prefix', 'in', 'rds_route_config', 'my.route'],
  ],
  [
    'listener.127.0.0.1_80.downstream_cx_total',
    'listener.downstream_cx_total',
    ['listener_address', '127.0.0.1_80'],
  ],
  [
    'listener.[__1]_80.worker_1.downstream_cx_total',
    'listener.worker.downstream_cx_total',
    ['worker_id', '1', 'listener_address', '[__1]_80'],
  ],
  [
    'listener.named.http.in.downstream_rq_2xx',
    'listener.http.downstream_rq_xx',
    ['response_code_class', '2', 'http_conn_manager_prefix', 'in', 'listener_address', 'named'],
  ],
  [
    'listener.admin.http.admin.downstream_rq_2xx',
    'listener.admin.http.downstream_rq_xx',
    ['response_code_class', '2', 'http_conn_manager_prefix', 'admin'],
  ],
  ['server.worker_0.watchdog_miss', 'server.worker.watchdog_miss', ['worker_id', '0']],
  [
    'vhost.v.vcluster.other.upstream_rq_200',
    'vhost.vcluster.upstream_rq',
    ['response_code', '200', 'virtual_cluster', 'other', 'virtual_host', 'v'],
  ],
  [
    'vhost.v.route.r.upstream_rq_200',
    'vhost.route.upstream_rq',
    ['response_code', '200', 'virtual_host', 'v', 'route', 'r'],
  ],
  ['tcp.t.downstream_cx_total', 'tcp.downstream_cx_total', ['tcp_prefix', 't']],
  [
    'cluster.a.ssl.ciphers.AES',
    'cluster.ssl.ciphers',
    ['ssl_cipher_suite', 'AES', 'cluster_name', 'a'],
  ],
];

t.test('the default tags are those of Envoy, in its order', async (t) => {
  const extractor = new TagExtractor(true, []);
  for (const [name, bare, tags] of CASES) {
    const expected = tags.map((text, index) => (index % 2 === 0 ? `envoy.${text}` : text));
    t.same(extractor.extract(name), { name: bare, tags: expected }, name);
    t.equal(extractor.extract(name), extractor.extract(name), 'worked out once');
  }
});

t.test('tags of the bootstrap come with or without the default ones', async (t) => {
  const custom = [
    { name: 'zone', fixedValue: 'z1' },
    { name: 'my.tag', regex: '^cluster\\.((.+?\\.svc)\\.)' },
    { name: 'envoy.tcp_prefix', regex: '' },
  ];
  t.same(new TagExtractor(false, custom).extract('cluster.a.b.svc.rq_200'), {
    name: 'cluster.rq_200',
    tags: ['zone', 'z1', 'my.tag', 'a.b.svc'],
  });
  t.same(new TagExtractor(false, custom).extract('tcp.t.cx'), {
    name: 'tcp.cx',
    tags: ['zone', 'z1', 'envoy.tcp_prefix', 't'],
  });
  t.same(new TagExtractor(true, custom).extract('cluster.a.upstream_rq_200').tags, [
    'envoy.response_code',
    '200',
    'zone',
    'z1',
    'envoy.cluster_name',
    'a',
  ]);
});

t.test('a group that did not match takes nothing', async (t) => {
  const extractor = new TagExtractor(false, [{ name: 'x', regex: 'a(b)?c' }]);
  t.same(extractor.extract('n.ac'), { name: 'n.ac', tags: [] });
  t.same(extractor.extract('n.abc'), { name: 'n.ac', tags: ['x', 'b'] });
});

t.test('a regex that RE2 refuses is our bug by now', async (t) => {
  t.throws(() => new TagExtractor(false, [{ name: 'x', regex: '(' }]), /stats tag x/);
});
