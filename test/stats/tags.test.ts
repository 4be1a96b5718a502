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
    ['rds_route_config', 'my.route', 'http_conn_manager_prefix', 'in'],
  ],
  [
    'http.in.scoped_rds.my.scopes.update_success',
    'http.scoped_rds.update_success',
    ['scoped_rds_config', 'my.scopes', 'http_conn_manager_prefix', 'in'],
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
];

/** Of TLS and access rules: tags as Envoy names them, with or without `envoy.` */
const WHOLE_CASES: readonly (readonly [string, string, Readonly<Record<string, string>>])[] = [
  ...(['cluster', 'listener'] as const).flatMap((owner) => {
    const tag = owner === 'cluster' ? 'envoy.cluster_name' : 'envoy.listener_address';
    const of = (group: string, value: string, name: string, rest = '') =>
      ['x', 'x.y'].map((text): (typeof WHOLE_CASES)[number] => [
        `${owner}.${text}.ssl.${group}.${value}${rest}`,
        `${owner}${text.slice(1)}.ssl.${group}${rest}`,
        { [name]: value, [tag]: 'x' },
      ]);
    return [
      ...of('curves', 'X25519', 'envoy.ssl_curve'),
      ...of('sigalgs', 'rsa_pss_rsae_sha256', 'envoy.ssl_sigalg'),
      ...of('versions', 'TLSv1.3', 'envoy.ssl_version'),
      ...of('certificate', 'own', 'envoy.tls_certificate', '.expiration_unix_time_seconds'),
      ...of('certificate', 'my', 'envoy.tls_certificate', '.cert/x.expiration_unix_time_seconds'),
    ];
  }),
  [
    'listener.x.y.ssl.ciphers.A',
    'listener.y.ssl.ciphers',
    { 'envoy.ssl_cipher': 'A', 'envoy.listener_address': 'x' },
  ],
  [
    'cluster.a.ssl.ciphers.AES',
    'cluster.ssl.ciphers',
    { cipher_suite: 'AES', 'envoy.cluster_name': 'a' },
  ],
  ['cluster.a.b.ssl.ciphers.AES', 'cluster.b.ssl.ciphers.AES', { 'envoy.cluster_name': 'a' }],
  ['net.rbac.allowed', 'rbac.allowed', { 'envoy.rbac_prefix': 'net' }],
  ['net.rbac.sh.shadow_allowed', 'rbac.sh.shadow_allowed', { 'envoy.rbac_prefix': 'net' }],
  ['a.rbac.rbac.allowed', 'rbac.rbac.allowed', { 'envoy.rbac_prefix': 'a' }],
  ['rbac.rbac.allowed', 'rbac.allowed', { 'envoy.rbac_prefix': 'rbac' }],
  ['a.b.rbac.allowed', 'a.b.rbac.allowed', {}],
  ['tcp.rbac.denied', 'denied', { 'envoy.rbac_prefix': 'tcp', 'envoy.tcp_prefix': 'rbac' }],
  ['http.h.rbac.allowed', 'http.rbac.allowed', { 'envoy.http_conn_manager_prefix': 'h' }],
  [
    'http.h.rbac.re.allowed',
    'http.rbac.allowed',
    { 'envoy.rbac_http_prefix': 're', 'envoy.http_conn_manager_prefix': 'h' },
  ],
  [
    'http.h.rbac.re.policy.p.allowed',
    'http.rbac.policy.allowed',
    {
      'envoy.rbac_policy_name': 'p',
      'envoy.rbac_http_prefix': 're',
      'envoy.http_conn_manager_prefix': 'h',
    },
  ],
  [
    'http.h.rbac.policy.p.allowed',
    'http.rbac.policy.allowed',
    { 'envoy.rbac_policy_name': 'p', 'envoy.http_conn_manager_prefix': 'h' },
  ],
  [
    'http.h.rbac.policy.q.r s.allowed',
    'http.rbac.policy.q.r s.allowed',
    { 'envoy.http_conn_manager_prefix': 'h' },
  ],
  [
    'http.h.rbac.policy.policy.p.allowed',
    'http.rbac.policy.policy.allowed',
    { 'envoy.rbac_policy_name': 'p', 'envoy.http_conn_manager_prefix': 'h' },
  ],
  [
    'http.h.rbac.policy.denied',
    'http.rbac.policy.denied',
    { 'envoy.http_conn_manager_prefix': 'h' },
  ],
  [
    'http.h.rbac.do.ts.policy.p.allowed',
    'http.rbac.ts.policy.p.allowed',
    { 'envoy.rbac_http_prefix': 'do', 'envoy.http_conn_manager_prefix': 'h' },
  ],
];

t.test('TLS and access rules have the tags that Envoy gives them', async (t) => {
  const extractor = new TagExtractor(true, []);
  for (const [name, bare, tags] of WHOLE_CASES) {
    const expected = Object.entries(tags).flat();
    t.same(extractor.extract(name), { name: bare, tags: expected }, name);
  }
});

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
