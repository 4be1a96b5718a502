// Request mirrors and internal redirects beside Envoy's.
import t from 'tap';
import {
  httpListener,
  type Message,
  staticCluster,
  virtualHost,
} from '../support/static-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import {
  type PlayCase,
  type PlayConfig,
  playLog,
  withPlayedTwins,
} from '../support/with-played-twins.ts';

const LOG =
  '%REQ(:METHOD)% %REQ(:PATH)% %REQ(:AUTHORITY)% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS% ' +
  '%RESPONSE_FLAGS% %UPSTREAM_CLUSTER% %BYTES_RECEIVED% %BYTES_SENT% %ROUTE_NAME% ' +
  '%REQ(X-ENVOY-ORIGINAL-URL)%';
/** Where a hop went is in its own line here, while Envoy writes where the next one goes. */
const HOP_LOG = '%RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %RESPONSE_FLAGS% %BYTES_SENT%';
const UPSTREAMS = ['main', 'other', 'mirror', 'mirror2'] as const;

function to(prefix: string, action: Message = {}, rest: Message = {}): Message {
  return { name: prefix, match: { prefix }, route: { cluster: 'main', ...action }, ...rest };
}

function mirrorTo(cluster: string, more: Message = {}): Message {
  return { cluster, ...more };
}

const mirrored = (...policies: readonly Message[]): Message => ({
  request_mirror_policies: policies,
});
const append = (key: string, value: string, append_action: string): Message => ({
  append: { header: { key, value }, append_action },
});

const MIRROR_ROUTES: readonly Message[] = [
  to('/one', mirrored(mirrorTo('mirror'))),
  to('/two', mirrored(mirrorTo('mirror'), mirrorTo('mirror2'))),
  to('/plain-host', mirrored(mirrorTo('mirror', { disable_shadow_host_suffix_append: true }))),
  to('/by-field', mirrored({ cluster_header: 'x-mirror' })),
  to(
    '/never',
    mirrored(mirrorTo('mirror', { runtime_fraction: { default_value: { numerator: 0 } } })),
  ),
  to('/rewritten', {
    ...mirrored(mirrorTo('mirror')),
    prefix_rewrite: '/new',
    host_rewrite_literal: 'rewritten.test',
    timeout: '7s',
  }),
  to('/mutated', {
    ...mirrored(
      mirrorTo('mirror', {
        host_rewrite_literal: 'copy.test:81',
        request_headers_mutations: [
          append('x-copy', '%REQ(x-own)%', 'OVERWRITE_IF_EXISTS_OR_ADD'),
          { remove: 'x-secret' },
          { remove_on_match: { key_matcher: { prefix: 'x-drop' } } },
          append('x-own', 'more', 'APPEND_IF_EXISTS_OR_ADD'),
        ],
      }),
    ),
  }),
  to('/no-timeout', { ...mirrored(mirrorTo('mirror')), timeout: '0s' }),
  to('/dead', mirrored(mirrorTo('dead'))),
  to('/inherited'),
];

const SEND: readonly PlayCase[] = [
  { title: 'a copy', path: '/one?q', requests: 2 },
  { title: 'a copy with content', path: '/one', method: 'POST', body: 'content', requests: 2 },
  { title: 'two copies', path: '/two', method: 'POST', body: 'content', requests: 3 },
  { title: 'a host with a port', path: '/one', host: 'h.test:8080', requests: 2 },
  { title: 'an IPv6 host', path: '/one', host: '[::1]:8080', requests: 2 },
  { title: 'no suffix', path: '/plain-host', requests: 2 },
  { title: 'by field', path: '/by-field', fields: ['x-mirror: mirror2'], requests: 2 },
  { title: 'by field of an unknown cluster', path: '/by-field', fields: ['x-mirror: nobody'] },
  { title: 'by a field that is missing', path: '/by-field' },
  { title: 'of no request', path: '/never' },
  { title: 'rewritten', path: '/rewritten/x', requests: 2 },
  {
    ...{ title: 'mutated', path: '/mutated', requests: 2 },
    fields: ['x-own: a', 'x-secret: b', 'x-drop-me: c', 'x-forwarded-for: 1.2.3.4'],
  },
  { title: 'no timeout', path: '/no-timeout', requests: 2 },
  { title: 'a mirror that is dead', path: '/dead', method: 'POST', body: 'content' },
  { title: 'of the virtual host', path: '/inherited', requests: 2 },
  { title: 'of the table', path: '/inherited', host: 'bare.test', requests: 2 },
  { title: 'an upstream that fails', path: '/one', play: '503', requests: 2 },
  { title: 'fields of Envoy', path: '/counted', host: 'counted.test', requests: 2 },
  { title: 'fields of Envoy suppressed', path: '/one', listener: 'quiet', requests: 2 },
];

const redirected = (policy: Message, action: Message = {}): Message => ({
  ...action,
  internal_redirect_policy: policy,
});
const predicate = (kind: string, config: Message = {}): Message => ({
  name: `envoy.internal_redirect_predicates.${kind}`,
  typed_config: {
    '@type': `type.googleapis.com/envoy.extensions.internal_redirect.${kind}.v3.${config['type']}`,
    ...(config['value'] as Message),
  },
});
const PREVIOUS = predicate('previous_routes', { type: 'PreviousRoutesConfig' });
const SAFE = predicate('safe_cross_scheme', { type: 'SafeCrossSchemeConfig' });
const LISTED = predicate('allow_listed_routes', {
  ...{ type: 'AllowListedRoutesConfig', value: { allowed_route_names: ['/target'] } },
});

const REDIRECT_ROUTES: readonly Message[] = [
  to(
    '/target',
    { cluster: 'other' },
    {
      response_headers_to_add: [{ header: { key: 'x-hop', value: 'second' } }],
    },
  ),
  to('/once', redirected({}, { prefix_rewrite: '/rewritten' }), {
    request_headers_to_add: [{ header: { key: 'x-added', value: 'first' } }],
    response_headers_to_add: [{ header: { key: 'x-hop', value: 'first' } }],
  }),
  to('/codes', redirected({ redirect_response_codes: [301, 303, 307, 308] })),
  to('/many', redirected({ max_internal_redirects: 3 })),
  to('/cross', redirected({ allow_cross_scheme_redirect: true })),
  to('/safe', redirected({ allow_cross_scheme_redirect: true, predicates: [SAFE] })),
  to('/previous', redirected({ max_internal_redirects: 5, predicates: [PREVIOUS] })),
  to('/listed', redirected({ predicates: [LISTED] })),
  to('/copies', redirected({ response_headers_to_copy: ['x-token', 'x-gone'] })),
  { name: 'direct', match: { prefix: '/direct' }, direct_response: { status: 202 } },
];

const at = (target: string): string => `location=http://h.test${target}`;

const REDIRECT_CASES: readonly PlayCase[] = [
  { title: 'followed', path: '/once/a?x', play: `302 ${at('/target?y=1')};200` },
  {
    title: 'followed with content',
    path: '/once',
    method: 'POST',
    body: 'content',
    play: `302 ${at('/target')};200`,
  },
  { title: 'to another host', path: '/once', play: '302 location=http://other.test:81/target;200' },
  { title: 'to no path', path: '/once', play: '302 location=http://other.test;200' },
  { title: 'with a fragment', path: '/once', play: `302 ${at('/target#part')};200` },
  { title: 'to a direct response', path: '/once', play: `302 ${at('/direct')}` },
  { title: 'to no route', path: '/once', play: `302 ${at('/nowhere')}` },
  { title: 'a relative location', path: '/once', play: '302 location=/target' },
  { title: 'no location', path: '/once', play: '302' },
  { title: 'rubbish', path: '/once', play: '302 location=http://' },
  { title: 'another scheme', path: '/once', play: '302 location=https://h.test/target' },
  { title: 'a status that is not followed', path: '/once', play: `307 ${at('/target')}` },
  { title: '301', path: '/codes', play: `301 ${at('/target')};200` },
  {
    title: '303',
    path: '/codes',
    method: 'POST',
    body: 'content',
    play: `303 ${at('/target')};200`,
  },
  {
    title: '303 to PUT',
    path: '/codes',
    method: 'PUT',
    body: 'content',
    play: `303 ${at('/target')};200`,
  },
  {
    title: '303 to HEAD',
    path: '/codes',
    method: 'HEAD',
    fields: ['connection: close'],
    play: `303 ${at('/target')};200`,
  },
  {
    title: '307',
    path: '/codes',
    method: 'POST',
    body: 'content',
    play: `307 ${at('/target')};200`,
  },
  { title: '302 is not in the list', path: '/codes', play: `302 ${at('/target')}` },
  { title: 'too many', path: '/once', play: `302 ${at('/once')};302 ${at('/once')}` },
  {
    ...{ title: 'three hops', path: '/many' },
    play: `302 ${at('/many')};302 ${at('/many')};302 ${at('/target')};200`,
  },
  {
    ...{ title: 'four hops are too many', path: '/many' },
    play: `302 ${at('/many')};302 ${at('/many')};302 ${at('/many')};302 ${at('/target')}`,
  },
  { title: 'crossing schemes', path: '/cross', play: '302 location=https://h.test/target;200' },
  { title: 'crossing safely', path: '/safe', play: '302 location=https://h.test/target;200' },
  {
    title: 'a route already taken',
    path: '/previous',
    play: `302 ${at('/previous')};302 ${at('/previous')}`,
  },
  { title: 'a listed route', path: '/listed', play: `302 ${at('/target')};200` },
  { title: 'an unlisted route', path: '/listed', play: `302 ${at('/many')}` },
  {
    ...{ title: 'copied fields', path: '/copies', fields: ['x-token: old', 'x-gone: old'] },
    play: `302 ${at('/target')} x-token=new x-token=newer;200`,
  },
  { title: 'an upstream that fails then', path: '/once', play: `302 ${at('/target')};503` },
];

const CONFIG: PlayConfig = {
  upstreams: UPSTREAMS,
  listeners: (places) => {
    const manager = { access_log: [playLog(places, LOG)] };
    const policies = mirrored(mirrorTo('mirror2'));
    const hosts = [
      virtualHost(['*'], MIRROR_ROUTES, mirrored(mirrorTo('mirror'))),
      virtualHost(['bare.test'], [to('/')]),
      virtualHost(['counted.test'], [to('/')], {
        ...policies,
        include_request_attempt_count: true,
      }),
    ];
    const table = { virtual_hosts: hosts, ...policies };
    return [
      httpListener('main', table, { manager }),
      httpListener('quiet', table, { manager, router: { suppress_envoy_headers: true } }),
      httpListener(
        'redirects',
        { virtual_hosts: [virtualHost(['*'], REDIRECT_ROUTES)] },
        { manager: { access_log: [playLog(places, HOP_LOG)] } },
      ),
    ];
  },
  clusters: ({ ports }) => [
    ...UPSTREAMS.map((name) => staticCluster(name, ports[name] ?? 0)),
    staticCluster('dead', 1),
  ],
};

const STATS =
  /^(?:cluster\.(?:main|other|mirror2?|dead)\.(?:upstream_rq_(?:\d|completed|total|retry|timeout)|internal\.|external\.|upstream_internal|retry_or)|http\.(?:main|quiet|redirects)\.(?:passthrough|rq_|downstream_rq_(?:\d|total|completed|active)))/;

t.test('mirrors and redirects are as Envoy’s', { skip: withoutEnvoy }, async (t) => {
  await withPlayedTwins(CONFIG, async (ours, envoy) => {
    const redirects = REDIRECT_CASES.map((each) => ({ ...each, listener: 'redirects' }));
    const cases = [...SEND, ...redirects];
    const [found, wanted] = [await ours.run(cases), await envoy.run(cases)];
    for (const [index, { title }] of cases.entries()) t.same(found[index], wanted[index], title);
    t.same(await ours.stats(STATS), await envoy.stats(STATS), 'statistics');
  });
});
