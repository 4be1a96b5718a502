import t from 'tap';
import {
  describeRequest,
  type RateLimitDescriptor,
  rateLimitsOf,
} from '../../proxy/routing/rate-limit-descriptors.ts';
import {
  exchange,
  type Json,
  matchedRoute,
  type RequestOptions,
  requestHead,
  routeTable,
  routeTo,
} from '../support/route-fixtures.ts';

const METADATA: Json = { filter_metadata: { ns: { plan: 'gold', deep: { er: 'x' } } } };

function tableWith(own: readonly Json[], host: readonly Json[] = [], action: Json = {}) {
  const route = {
    ...routeTo('a', { prefix: '/' }, { rate_limits: [...own], ...action }),
    metadata: METADATA,
  };
  const virtualHost = { name: 'v', domains: ['*'], rate_limits: [...host], routes: [route] };
  return routeTable({ virtual_hosts: [virtualHost] });
}

/** What one rate limit makes of a request. */
function described(limit: Json, request: RequestOptions = {}): RateLimitDescriptor | null {
  const head = requestHead(request);
  const route = matchedRoute(tableWith([limit]), head);
  const context = exchange(head);
  context.info.dynamicMetadata = new Map([
    ['ns', { plan: 'silver', own: { requests_per_unit: 7, unit: 'HOUR' } }],
  ]);
  const [config] = rateLimitsOf(route, 0);
  if (config === undefined) throw new Error('no rate limit');
  const names = { cluster: 'a', serviceCluster: 'edge' };
  return describeRequest(config, { head, context, route, ...names });
}

/** The entries that actions give, as `key=value`; null: no descriptor. */
function entries(actions: readonly Json[], request?: RequestOptions): readonly string[] | null {
  const found = described({ actions: [...actions] }, request);
  return found?.entries.map(({ key, value }) => `${key}=${value}`) ?? null;
}

t.test('describes a request by what each action names', async (t) => {
  t.same(entries([{ source_cluster: {} }, { destination_cluster: {} }]), [
    'source_cluster=edge',
    'destination_cluster=a',
  ]);
  t.same(entries([{ remote_address: {} }]), ['remote_address=127.0.0.1']);
  t.same(entries([{ masked_remote_address: { v4_prefix_mask_len: 8 } }]), [
    'masked_remote_address=127.0.0.0/8',
  ]);
  t.same(entries([{ masked_remote_address: {} }]), ['masked_remote_address=127.0.0.1/32']);
  t.same(entries([{ generic_key: { descriptor_value: 'v' } }]), ['generic_key=v']);
  t.same(entries([{ generic_key: { descriptor_value: 'v', descriptor_key: 'k' } }]), ['k=v']);
  const header = { request_headers: { header_name: ':path', descriptor_key: 'p' } };
  t.same(entries([header], { path: '/x?y' }), ['p=/x?y']);
  const query = { query_parameters: { query_parameter_name: 'q', descriptor_key: 'k' } };
  t.same(entries([query], { path: '/?q=a%20b' }), ['k=a b']);
});

t.test('has no descriptor where an action finds nothing, unless it may be skipped', async (t) => {
  const header = { header_name: 'x-a', descriptor_key: 'a' };
  const generic = { generic_key: { descriptor_value: 'v' } };
  t.equal(entries([generic, { request_headers: header }]), null);
  const optional = { request_headers: { ...header, skip_if_absent: true } };
  t.same(entries([generic, optional]), ['generic_key=v']);
  t.equal(entries([optional]), null);
});

t.test('prints values, or what stands for nothing', async (t) => {
  const key = (members: Json) => [{ generic_key: { descriptor_value: '%REQ(x-a)%', ...members } }];
  t.same(entries(key({}), { headers: ['x-a', 'v'] }), ['generic_key=v']);
  t.same(entries(key({ default_value: 'd' })), ['generic_key=d']);
  t.equal(entries(key({})), null);
});

t.test('matches fields, parameters and addresses', async (t) => {
  const headers = [{ name: 'x-a', string_match: { exact: '1' } }];
  const match = (members: Json) => [
    { header_value_match: { descriptor_value: 'v', headers, ...members } },
  ];
  t.same(entries(match({}), { headers: ['x-a', '1'] }), ['header_match=v']);
  t.equal(entries(match({})), null);
  t.same(entries(match({ expect_match: false, descriptor_key: 'k' })), ['k=v']);
  const query_parameters = [{ name: 'q', string_match: { exact: 'a b' } }];
  const query = [{ query_parameter_value_match: { descriptor_value: 'v', query_parameters } }];
  t.same(entries(query, { path: '/?q=a%20b' }), ['query_match=v']);
  t.equal(entries(query, { path: '/?q=a' }), null);
  const address = (address_matcher: Json) => [
    { remote_address_match: { descriptor_value: 'v', address_matcher } },
  ];
  const ranges = [{ address_prefix: '127.0.0.0', prefix_len: 8 }];
  t.same(entries(address({ ranges })), ['remote_address=v']);
  t.equal(entries(address({ ranges, invert_match: true })), null);
});

t.test('reads metadata of the request and of the route', async (t) => {
  const at = (source: string, name: string, members: Json = {}) => [
    {
      metadata: {
        ...{ descriptor_key: 'k', source, ...members },
        metadata_key: { key: 'ns', path: [{ key: name }] },
      },
    },
  ];
  t.same(entries(at('DYNAMIC', 'plan')), ['k=silver']);
  t.same(entries(at('ROUTE_ENTRY', 'plan')), ['k=gold']);
  t.equal(entries(at('ROUTE_ENTRY', 'none')), null);
  t.equal(entries(at('ROUTE_ENTRY', 'deep')), null);
  t.same(entries(at('DYNAMIC', 'none', { default_value: 'd' })), ['k=d']);
});

t.test('carries hits and another limit', async (t) => {
  const actions = [{ remote_address: {} }];
  t.match(described({ actions }), { hits: null, limit: null });
  t.match(described({ actions, hits_addend: { number: 5 } }), { hits: 5 });
  const printed = { format: '%REQ(x-n)%', is_negative_hits: true };
  t.match(described({ actions, hits_addend: printed }, { headers: ['x-n', '3'] }), { hits: -3 });
  t.match(described({ actions, hits_addend: printed }), { hits: null });
  const rate_limit = { requests_per_unit: 9, unit: 'DAY' };
  t.match(described({ actions, limit: { rate_limit } }), {
    limit: { requestsPerUnit: 9, unit: 'DAY' },
  });
  const dynamic_metadata = { metadata_key: { key: 'ns', path: [{ key: 'own' }] } };
  t.match(described({ actions, limit: { dynamic_metadata } }), {
    limit: { requestsPerUnit: 7, unit: 'HOUR' },
  });
});

t.test('the virtual host’s rate limits count without own ones, or beside them', async (t) => {
  const named = (disable_key: string, stage = 0): Json => ({
    ...{ disable_key, stage },
    actions: [{ remote_address: {} }],
  });
  const keys = (own: readonly Json[], action?: Json, stage = 0) => {
    const table = tableWith(own, [named('host')], action);
    const route = matchedRoute(table, requestHead());
    return rateLimitsOf(route, stage).map(({ disableKey }) => disableKey);
  };
  t.same(keys([]), ['host']);
  t.same(keys([named('own')]), ['own']);
  t.same(keys([named('own')], { include_vh_rate_limits: true }), ['own', 'host']);
  t.same(keys([named('own', 3)], {}, 3), ['own']);
  t.same(keys([named('own', 3)]), []);
});
