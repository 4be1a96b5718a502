// What an explanation tells of filters, mirrors, redirects that are followed, and tunnels.
import t from 'tap';
import { loadBootstrap } from '../../proxy/config/load.ts';
import { type RequestWords, readRequest } from '../../proxy/explain/dry-request.ts';
import type { Explanation } from '../../proxy/explain/explanation.ts';
import { offlineExplainer, offlineMoment } from '../../proxy/server/explained-configuration.ts';
import { loadOptions } from '../support/load-options.ts';
import {
  bootstrapOf,
  httpListener,
  type Message,
  staticCluster,
  virtualHost,
} from '../support/static-bootstrap.ts';

const FILTERS = 'type.googleapis.com/envoy.extensions.filters.http';
const header = (key: string, value: string) => ({ append: { header: { key, value } } });
const MUTATION = {
  '@type': `${FILTERS}.header_mutation.v3.HeaderMutation`,
  mutations: {
    request_mutations: [header('x-in', 'a')],
    response_mutations: [header('x-out', 'b')],
  },
};
const CORS = {
  '@type': `${FILTERS}.cors.v3.CorsPolicy`,
  allow_origin_string_match: [{ exact: 'http://ok.test' }],
  allow_methods: 'GET',
};
const MANAGER = {
  http_filters: [
    { name: 'cors', typed_config: { '@type': `${FILTERS}.cors.v3.Cors` } },
    { name: 'mutation', typed_config: MUTATION },
    {
      name: 'buffer',
      disabled: true,
      typed_config: { '@type': `${FILTERS}.buffer.v3.Buffer`, max_request_bytes: 9 },
    },
    { name: 'router', typed_config: { '@type': `${FILTERS}.router.v3.Router` } },
  ],
};
/** A tunnel of this type passes filters of its own. */
const UPGRADES = [
  { upgrade_type: 'none' },
  {
    upgrade_type: 'own',
    filters: [
      { name: 'mutation', typed_config: MUTATION },
      { name: 'own router', typed_config: { '@type': `${FILTERS}.router.v3.Router` } },
    ],
  },
];
const DISABLED = {
  mutation: { '@type': 'type.googleapis.com/envoy.config.route.v3.FilterConfig', disabled: true },
};
const ROUTES: readonly Message[] = [
  {
    name: 'mirrored',
    match: { prefix: '/mirror' },
    route: { cluster: 'a', request_mirror_policies: [{ cluster: 'b' }, { cluster: 'a' }] },
    typed_per_filter_config: DISABLED,
  },
  {
    name: 'followed',
    match: { prefix: '/from' },
    route: { cluster: 'a', internal_redirect_policy: { max_internal_redirects: 1 } },
  },
  {
    name: 'socket',
    match: { prefix: '/socket' },
    route: { cluster: 'a', upgrade_configs: [{ upgrade_type: 'websocket' }] },
  },
  { name: 'rest', match: { prefix: '/' }, route: { cluster: 'b' } },
];

function explain(words: RequestWords): Explanation {
  const host = virtualHost(['*'], ROUTES, { typed_per_filter_config: { cors: CORS } });
  const manager = { ...MANAGER, upgrade_configs: UPGRADES };
  const listener = httpListener('l', { virtual_hosts: [host] }, { manager });
  const bootstrap = bootstrapOf([listener], [staticCluster('a', 1), staticCluster('b', 2)]);
  const source = { name: 'x.json', content: JSON.stringify(bootstrap) };
  const loaded = loadBootstrap([source], loadOptions());
  const read = readRequest(words);
  if (!loaded.ok || !read.ok) throw new Error(JSON.stringify([loaded.problems, read]));
  return offlineExplainer(loaded).explain(read.request, offlineMoment());
}

/** Names of changed fields, by whoever changed them. */
function changedBy({ http }: Explanation, by: string): readonly string[] {
  const all = [...(http?.requestChanges ?? []), ...(http?.responseChanges ?? [])];
  return all.filter((change) => change.by === by).map(({ name, kind }) => `${kind} ${name}`);
}

t.test('says which filters run, which do not, and what they change', (t) => {
  const told = explain({ method: 'GET', url: 'http://h/' });
  const filters = told.http?.filters.map(({ name, runs, note }) =>
    `${runs} ${name} ${note}`.trim(),
  );
  t.same(filters, [
    'true cors configured by the virtual host',
    'true mutation',
    'false buffer disabled in the chain',
    'true router',
  ]);
  t.same(changedBy(told, 'filter mutation'), ['added x-in', 'added x-out']);
  const without = explain({ method: 'GET', url: 'http://h/mirror' });
  t.equal(without.http?.filters[1]?.note, 'disabled by the route');
  t.same(changedBy(without, 'filter mutation'), []);
  t.end();
});

t.test('tells the request from its copies, also in one cluster', (t) => {
  const { http, outcome } = explain({ method: 'GET', url: 'http://h/mirror' });
  t.equal(outcome.kind, 'forwarded');
  t.equal(http?.cluster?.name, 'a');
  t.same(http?.mirrors.map(({ name }) => name).sort(), ['a', 'b']);
  t.ok(http?.upstreamRequest?.some(({ name, value }) => name === ':authority' && value === 'h'));
  t.end();
});

t.test('follows a redirect as the router does, and says so', (t) => {
  const upstream = { status: 302, fields: [{ name: 'location', value: 'http://h/to' }] };
  const told = explain({ method: 'GET', url: 'http://h/from', upstream });
  t.equal(told.http?.cluster?.name, 'b');
  t.equal(told.http?.route?.name, 'rest');
  t.match(told.notes[0], /redirects of a are followed here/);
  t.ok(told.http?.clientResponse?.some(({ name, value }) => name === ':status' && value === '200'));
  const passed = explain({ method: 'GET', url: 'http://h/', upstream });
  t.equal(passed.http?.cluster?.name, 'b');
  t.ok(passed.http?.clientResponse?.some(({ value }) => value === '302'));
  t.end();
});

t.test('names the filter that answers', (t) => {
  const headers = ['origin: http://ok.test', 'access-control-request-method: GET'];
  const { outcome, http } = explain({ method: 'OPTIONS', url: 'http://h/', headers });
  t.match(outcome, { kind: 'filter-answered', status: 200 });
  t.match(outcome.summary, /by the filter cors/);
  t.equal(http?.cluster, null);
  t.end();
});

t.test('lets upgrades pass where they are allowed', (t) => {
  const headers = ['connection: upgrade', 'upgrade: websocket'];
  const open = explain({ method: 'GET', url: 'http://h/socket', headers });
  t.equal(open.outcome.kind, 'forwarded');
  t.ok(open.http?.clientResponse?.some(({ name, value }) => name === ':status' && value === '101'));
  const closed = explain({ method: 'GET', url: 'http://h/', headers });
  t.match(closed.outcome, { kind: 'refused', status: 403, details: 'upgrade_failed' });
  t.equal(closed.http?.route?.name, 'rest');
  t.end();
});

t.test('shows the filters of an upgrade that has its own', (t) => {
  const headers = ['connection: upgrade', 'upgrade: own'];
  const told = explain({ method: 'GET', url: 'http://h/', headers });
  t.same(
    told.http?.filters.map(({ name }) => name),
    ['mutation', 'own router'],
  );
  t.match(told.http?.filters[0]?.origin?.path, /upgrade_configs\[1\]\.filters\[0\]/);
  t.same(changedBy(told, 'filter mutation'), ['added x-in', 'added x-out']);
  const none = explain({
    method: 'GET',
    url: 'http://h/',
    headers: ['connection: upgrade', 'upgrade: none'],
  });
  t.equal(none.http?.filters.length, 4);
  t.end();
});

t.test('waits for content as long as the request says', (t) => {
  const headers = ['content-length: 3'];
  t.equal(explain({ method: 'POST', url: 'http://h/', headers }).outcome.kind, 'forwarded');
  const chunked = ['transfer-encoding: chunked'];
  t.equal(
    explain({ method: 'POST', url: 'http://h/', headers: chunked }).outcome.kind,
    'forwarded',
  );
  const both = explain({ method: 'POST', url: 'http://h/', headers: [...headers, ...chunked] });
  t.match(both.outcome, { kind: 'refused', status: 400 });
  const http2 = explain({ method: 'GET', url: 'http://h/', protocol: 'HTTP/2' });
  t.equal(http2.outcome.kind, 'forwarded');
  t.end();
});
