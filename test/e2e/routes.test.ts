// What a route does without, before and after its upstream.
import t, { type Test } from 'tap';
import { routeTo } from '../support/rig-bootstrap.ts';
import type { Echo } from '../support/scripted-upstream.ts';
import { type Rig, withRig } from '../support/with-rig.ts';

const header = (key: string, value: string, append_action = 'OVERWRITE_IF_EXISTS_OR_ADD') => ({
  header: { key, value },
  append_action,
});

const OPTIONS = {
  routes: [
    {
      match: { path: '/direct' },
      direct_response: { status: 418, body: { inline_string: 'short and stout\n' } },
      response_headers_to_add: [header('x-route', 'direct')],
    },
    { match: { path: '/direct-empty' }, direct_response: { status: 204 } },
    { match: { path: '/direct-201' }, direct_response: { status: 201 } },
    {
      match: { prefix: '/redirect' },
      redirect: { host_redirect: 'there.example', response_code: 'FOUND' },
    },
    { match: { path: '/to-https' }, redirect: { https_redirect: true } },
    routeTo(
      '/mutate',
      { prefix_rewrite: '/mutated', host_rewrite_literal: 'inside.example' },
      {
        request_headers_to_add: [
          header('x-added', 'by %REQ(:METHOD)% from %DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%'),
          header('x-appended', 'more', 'APPEND_IF_EXISTS_OR_ADD'),
          header('x-absent', 'only if absent', 'ADD_IF_ABSENT'),
        ],
        request_headers_to_remove: ['x-secret'],
        response_headers_to_add: [header('x-flags', '%RESPONSE_FLAGS%')],
        response_headers_to_remove: ['x-internal'],
      },
    ),
    routeTo('/attempt', {}),
  ],
  virtualHost: { include_request_attempt_count: true, include_attempt_count_in_response: true },
  listeners: {
    paths: {
      hcm: {
        normalize_path: true,
        merge_slashes: true,
        path_with_escaped_slashes_action: 'UNESCAPE_AND_REDIRECT',
      },
    },
    strict: { hcm: { path_with_escaped_slashes_action: 'REJECT_REQUEST', normalize_path: true } },
    forward: { hcm: { path_with_escaped_slashes_action: 'UNESCAPE_AND_FORWARD' } },
    hosts: { hcm: { strip_any_host_port: true, strip_trailing_host_dot: true } },
    tls: { virtualHost: { require_tls: 'ALL' } },
    nothing: { virtualHost: { domains: ['only.example'] } },
  },
};

t.test('routes', async (t) => {
  await withRig(OPTIONS, async (rig) => {
    await t.test('direct responses', (t) => direct(t, rig));
    await t.test('redirects', (t) => redirects(t, rig));
    await t.test('mutations', (t) => mutations(t, rig));
    await t.test('paths', (t) => paths(t, rig));
    await t.test('hosts', (t) => hosts(t, rig));
  });
});

function values({ fields }: Echo, name: string): readonly string[] {
  return fields.filter(([key]) => key === name).map(([, value]) => value);
}

async function direct(t: Test, rig: Rig): Promise<void> {
  const { head, body } = await rig.get('/direct');
  t.equal(head.status, 418);
  t.equal(body, 'short and stout\n');
  t.equal(head.get('content-type'), 'text/plain');
  t.equal(head.get('x-route'), 'direct');
  t.equal(await rig.verdict('/direct'), '418 - direct_response');
  const empty = (await rig.get('/direct-empty')).head;
  t.equal(empty.status, 204);
  t.equal(empty.get('content-length'), null);
  const created = (await rig.get('/direct-201')).head;
  t.equal(created.get('location'), 'http://test.example/direct-201');
  const client = await rig.client();
  client.write(
    'HEAD /direct HTTP/1.1\r\nhost: a\r\n\r\nPOST /direct HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabcGET /x HTTP/1.1\r\nhost: a\r\n\r\n',
  );
  t.equal((await client.response({ method: 'HEAD' })).head.get('content-length'), '16');
  t.equal((await client.response()).head.status, 418, 'before its content came');
}

async function redirects(t: Test, rig: Rig): Promise<void> {
  const { head, body } = await rig.get('/redirect/a?b=c');
  t.equal(head.status, 302);
  t.equal(head.get('location'), 'http://there.example/redirect/a?b=c');
  t.equal(body, '');
  t.equal((await rig.get('/to-https')).head.get('location'), 'https://test.example/to-https');
  const tls = await rig.get('/secure?x', '', 'tls');
  t.equal(tls.head.status, 301);
  t.equal(tls.head.get('location'), 'https://test.example/secure?x');
  t.equal(await rig.verdict('/secure?x'), '301 - direct_response');
  t.equal((await rig.get('/secure?y', 'x-forwarded-proto: https\r\n', 'tls')).head.status, 200);
}

async function mutations(t: Test, rig: Rig): Promise<void> {
  rig.upstream.on('/mutated-response', (_head, peer) =>
    peer.write('HTTP/1.1 200 OK\r\nx-internal: 1\r\ncontent-length: 0\r\n\r\n'),
  );
  const seen = await rig.echo(
    '/mutate?q=1',
    'x-secret: 1\r\nx-appended: one\r\nx-absent: there\r\nx-added: mine\r\n',
  );
  t.equal(seen.target, '/mutated?q=1');
  t.same(values(seen, 'host'), ['inside.example']);
  t.same(values(seen, 'x-envoy-original-path'), ['/mutate?q=1']);
  t.same(values(seen, 'x-envoy-original-host'), ['test.example']);
  t.same(values(seen, 'x-added'), ['by GET from 127.0.0.1']);
  t.same(values(seen, 'x-appended'), ['one', 'more']);
  t.same(values(seen, 'x-absent'), ['there']);
  t.same(values(seen, 'x-secret'), []);
  t.same(values(seen, 'x-envoy-attempt-count'), ['1']);
  const { head } = await rig.get('/mutate');
  t.equal(head.get('x-flags'), '-');
  t.equal(head.get('x-envoy-attempt-count'), '1');
}

async function paths(t: Test, rig: Rig): Promise<void> {
  t.equal((await rig.echo('/a//b/./c/../d?x=//..', '', 'paths')).target, '/a/b/d?x=//..');
  const redirect = (await rig.get('/a%2Fb//c', '', 'paths')).head;
  t.equal(redirect.status, 307);
  t.equal(redirect.get('location'), '/a/b/c');
  t.equal(await rig.verdict('/a/b/c'), '307 - path_normalization_failed');
  t.equal((await rig.get('/a%5cb', '', 'strict')).head.status, 400);
  t.equal((await rig.get('/a%00b', '', 'strict')).head.status, 400);
  t.equal((await rig.echo('/a%2Fb', '', 'forward')).target, '/a/b');
  t.equal(
    (await rig.echo('/a//b/../c%2F')).target,
    '/a//b/../c%2F',
    'nothing is touched by default',
  );
}

async function hosts(t: Test, rig: Rig): Promise<void> {
  const client = await rig.client('hosts');
  client.write('GET /host HTTP/1.1\r\nhost: a.example.:8080\r\n\r\n');
  const seen = JSON.parse((await client.response()).body) as Echo;
  t.same(values(seen, 'host'), ['a.example']);
  const lost = await rig.get('/lost', '', 'nothing');
  t.equal(lost.head.status, 404);
  t.equal(lost.body, '');
  t.equal(await rig.verdict('/lost'), '404 NR route_not_found');
  t.equal(await rig.stat('http.nothing.no_route'), 1);
}
