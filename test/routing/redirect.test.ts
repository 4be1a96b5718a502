import t from 'tap';
import { httpsLocation, redirectLocation } from '../../proxy/routing/redirect.ts';
import {
  exchange,
  type Json,
  matchedRoute,
  type RequestOptions,
  requestHead,
  tableOf,
} from '../support/route-fixtures.ts';

/** Location of a redirect for a request that came in by `proto`. */
function location(redirect: Json, request: RequestOptions = {}, proto = 'http'): string {
  const table = tableOf({ match: { prefix: '/' }, redirect });
  const head = requestHead({ scheme: proto, headers: ['x-forwarded-proto', proto], ...request });
  return redirectLocation(matchedRoute(table, head), head, exchange(head));
}

t.test('replaces what the action names and keeps the rest', async (t) => {
  const request = { path: '/a?q', authority: 'h.test:8080' };
  const cases: readonly (readonly [redirect: Json, wanted: string])[] = [
    [{}, 'http://h.test:8080/a?q'],
    [{ https_redirect: true }, 'https://h.test:8080/a?q'],
    [{ scheme_redirect: 'ftp' }, 'ftp://h.test:8080/a?q'],
    [{ host_redirect: 'new.test' }, 'http://new.test/a?q'],
    [{ host_redirect: 'new.test:99', port_redirect: 81 }, 'http://new.test:99:81/a?q'],
    [{ port_redirect: 81 }, 'http://h.test:81/a?q'],
    [{ path_redirect: '/new' }, 'http://h.test:8080/new?q'],
    [{ path_redirect: 'new' }, 'http://h.test:8080/new?q'],
    [{ path_redirect: '/new?own' }, 'http://h.test:8080/new?own'],
    [{ path_redirect: 'new?own', strip_query: true }, 'http://h.test:8080/new?own'],
    [{ path_redirect: '/new', strip_query: true }, 'http://h.test:8080/new'],
    [{ strip_query: true }, 'http://h.test:8080/a'],
    [{ prefix_rewrite: '/new/' }, 'http://h.test:8080/new/a?q'],
    [{ prefix_rewrite: '/new/', strip_query: true }, 'http://h.test:8080/new/a'],
    [
      { regex_rewrite: { pattern: { regex: '/(.*)' }, substitution: '/x/\\1' } },
      'http://h.test:8080/x/a?q',
    ],
    [{ regex_rewrite: { pattern: { regex: '.*' }, substitution: '' } }, 'http://h.test:8080/a?q'],
  ];
  for (const [redirect, wanted] of cases) {
    t.equal(location(redirect, request), wanted, JSON.stringify(redirect));
  }
});

t.test('drops the old default port when the scheme changes, any when the port does', async (t) => {
  const to = { https_redirect: true };
  const at = (authority: string): RequestOptions => ({ authority });
  t.equal(location(to, at('h.test:80')), 'https://h.test/');
  t.equal(location(to, at('h.test:443')), 'https://h.test:443/');
  t.equal(location(to, at('[::1]:80')), 'https://[::1]/');
  t.equal(location(to, at('[::1]')), 'https://[::1]/');
  t.equal(location(to, at('h.test:80'), 'https'), 'https://h.test:80/');
  t.equal(location({ scheme_redirect: 'http' }, at('h.test:443'), 'https'), 'http://h.test/');
  t.equal(location({ scheme_redirect: 'http' }, at('h.test:80'), 'https'), 'http://h.test:80/');
  t.equal(location({ scheme_redirect: 'x' }, at('h.test:80'), 'ftp'), 'x://h.test:80/');
  t.equal(location({ port_redirect: 1 }, at('[::1]:80')), 'http://[::1]:1/');
  t.equal(location({ port_redirect: 1 }, at('h.test')), 'http://h.test:1/');
});

t.test('gives a rewritten path its leading slash', async (t) => {
  t.equal(location({ prefix_rewrite: 'new' }, { path: '/a' }), 'http://h.test/newa');
});

t.test('names the request’s own URL for routes that do not redirect', async (t) => {
  const table = tableOf({ match: { prefix: '/' }, direct_response: { status: 201 } });
  const head = requestHead({ path: '/a?q', authority: 'h.test:80' });
  t.equal(
    redirectLocation(matchedRoute(table, head), head, exchange(head)),
    'http://h.test:80/a?q',
  );
});

t.test('names the same target by https', async (t) => {
  t.equal(httpsLocation(requestHead({ path: '/a?q' })), 'https://h.test/a?q');
});

t.test('prints the path that a format says, with the query unless it has its own', async (t) => {
  const request = { path: '/a?q', headers: ['x-a', 'v'] };
  t.equal(location({ path_rewrite: '/new/%REQ(x-a)%' }, request), 'http://h.test/new/v?q');
  t.equal(location({ path_rewrite: '%REQ(x-a)%?own' }, request), 'http://h.test/v?own');
  t.equal(location({ path_rewrite: '%REQ(x-none)%' }, request), 'http://h.test/a?q');
  const strict = { path_rewrite: '/new', strip_query: true };
  t.equal(location(strict, request), 'http://h.test/new');
});
