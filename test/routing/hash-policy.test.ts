import t from 'tap';
import { type Hash64, xxHash64 } from '../../proxy/base/xx-hash.ts';
import { HashableText } from '../../proxy/formatter/hashable-text.ts';
import type { RequestHash } from '../../proxy/routing/hash-policy.ts';
import {
  exchange,
  type Json,
  matchedRoute,
  type RequestOptions,
  requestHead,
  routeTo,
  tableOf,
} from '../support/route-fixtures.ts';

const HEADER: Json = { header: { header_name: 'X-Key' } };
const QUERY: Json = { query_parameter: { name: 'q' } };
const COOKIE = { name: 'sid', ttl: '90.5s', path: '/p', attributes: [{ name: 'Secure' }] };

function text({ high, low }: Hash64): string {
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}

function hashOf(octets: string): string {
  const into = { high: 0, low: 0 };
  xxHash64(octets, into);
  return text(into);
}

/** The hash of a request, or null. */
function hashed(
  policies: readonly Json[],
  request: RequestOptions,
  into: RequestHash = { high: 0, low: 0, setCookies: null },
): string | null {
  const table = tableOf(routeTo('a', { prefix: '/' }, { hash_policy: [...policies] }));
  const head = requestHead(request);
  const { info } = exchange(head);
  info.filterState = new Map<string, unknown>([
    ['hashable', new HashableText('state')],
    ['text', 'state'],
  ]);
  const found = matchedRoute(table, head).hashPolicies?.hash(head, info, into);
  return found === true ? text(into) : null;
}

t.test('hashes what each policy names', async (t) => {
  t.equal(hashed([HEADER], { headers: ['x-key', 'a'] }), hashOf('a'));
  t.equal(hashed([HEADER], { headers: ['x-key', ''] }), hashOf(''));
  t.equal(hashed([{ header: { header_name: ':path' } }], { path: '/x?y' }), hashOf('/x?y'));
  t.equal(hashed([QUERY], { path: '/?q=1&q=2' }), hashOf('1'));
  t.equal(hashed([{ cookie: { name: 'sid' } }], { headers: ['cookie', 'sid=7'] }), hashOf('7'));
  t.equal(hashed([{ connection_properties: { source_ip: true } }], {}), hashOf('127.0.0.1'));
  t.equal(hashed([{ filter_state: { key: 'hashable' } }], {}), hashOf('state'));
});

t.test('has no hash of what a request lacks', async (t) => {
  t.equal(hashed([HEADER, QUERY, { cookie: { name: 'sid' } }], {}), null);
  t.equal(hashed([{ connection_properties: {} }], {}), null);
  t.equal(hashed([{ filter_state: { key: 'text' } }, { filter_state: { key: 'none' } }], {}), null);
  t.equal(hashed([], {}), null);
});

t.test('does not depend on the order of lines', async (t) => {
  const one = hashed([HEADER], { headers: ['x-key', 'a', 'x-key', 'b'] });
  t.equal(hashed([HEADER], { headers: ['x-key', 'b', 'x-key', 'a'] }), one);
  t.not(one, hashOf('ab'));
});

t.test('rewrites values before it hashes them', async (t) => {
  const regex_rewrite = { pattern: { regex: 'user-(\\d+).*' }, substitution: '\\1' };
  const policy = { header: { header_name: 'x-key', regex_rewrite } };
  t.equal(hashed([policy], { headers: ['x-key', 'user-12x'] }), hashOf('12'));
});

t.test('combines hashes in order, up to a terminal one', async (t) => {
  const request = { path: '/?q=2', headers: ['x-key', '1'] };
  const both = hashed([HEADER, QUERY], request);
  t.not(both, hashed([QUERY, HEADER], request));
  t.not(hashed([HEADER, HEADER], request), '0000000000000000');
  t.equal(hashed([{ ...HEADER, terminal: true }, QUERY], request), hashOf('1'));
  t.equal(hashed([{ ...HEADER, terminal: true }, QUERY], { path: '/?q=2' }), hashOf('2'));
});

t.test('makes a cookie for who asks for one', async (t) => {
  const into: RequestHash = { high: 0, low: 0, setCookies: [] };
  const value = hashOf('127.0.0.1:1127.0.0.1:1');
  t.equal(hashed([{ cookie: COOKIE }], {}, into), hashOf(value));
  t.same(into.setCookies, [`sid="${value}"; Max-Age=90; Path=/p; Secure; HttpOnly`]);
  const session = { name: 's', ttl: '0s', attributes: [{ name: 'SameSite', value: 'Lax' }] };
  const another: RequestHash = { high: 0, low: 0, setCookies: [] };
  hashed([{ cookie: session }], {}, another);
  t.same(another.setCookies, [`s="${value}"; SameSite=Lax; HttpOnly`]);
});

t.test('makes none where one came, where none may be made, and where nobody asks', async (t) => {
  const into: RequestHash = { high: 0, low: 0, setCookies: [] };
  t.equal(hashed([{ cookie: COOKIE }], { headers: ['cookie', 'sid=1'] }, into), hashOf('1'));
  t.equal(hashed([{ cookie: { name: 'sid' } }], {}, into), null);
  t.same(into.setCookies, []);
  t.equal(hashed([{ cookie: COOKIE }], {}), null);
});

t.test('weighted clusters go by the hash, and by chance without one', async (t) => {
  const clusters = ['a', 'b', 'c'].map((name) => ({ name, weight: 1 }));
  const table = tableOf({
    match: { prefix: '/' },
    route: {
      hash_policy: [HEADER, { cookie: COOKIE }],
      weighted_clusters: { use_hash_policy: true, clusters },
    },
  });
  const drawn = (random: number, ...headers: readonly string[]) => {
    const { action } = matchedRoute(table, requestHead({ headers }), random).config;
    return action.kind === 'forward' && action.cluster.kind === 'cluster' && action.cluster.name;
  };
  const index = Number(BigInt(`0x${hashOf('k')}`) % 3n);
  t.equal(drawn(0, 'x-key', 'k'), ['a', 'b', 'c'][index]);
  t.equal(drawn(1, 'x-key', 'k'), ['a', 'b', 'c'][index]);
  t.same(
    [0, 1, 2].map((random) => drawn(random)),
    ['a', 'b', 'c'],
  );
});
