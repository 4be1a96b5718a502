// What is explained is what happens: random requests go through a running proxy and are explained by
// it, over a configuration with every kind of route.
import t, { type Test } from 'tap';
import {
  type EchoUpstream,
  type SeenRequest,
  startEchoUpstream,
} from '../support/echo-upstream.ts';
import { type RawResponse, rawExchange } from '../support/raw-exchange.ts';
import { seededRandom, testSeed } from '../support/seeded-random.ts';
import {
  bootstrapOf,
  httpListener,
  staticCluster,
  virtualHost,
} from '../support/static-bootstrap.ts';
import { type TestProxy, withProxy } from '../support/with-proxy.ts';

const REQUESTS = 200;
const MAX_REQUESTS = 5_000;
const ADMIN = { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } };

/** Every way in which these requests may end. */
const ENDS = [
  'answered',
  'forwarded',
  'no-cluster',
  'no-route',
  'no-virtual-host',
  'redirected',
  'tls-required',
];
const NAMES = ['alpha', 'beta', 'gamma'];
const add = (key: string, value: string) => ({
  header: { key, value },
  append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
});
const TRACED = { response_headers_to_add: [add('x-route', '%ROUTE_NAME%')] };

const ROUTES = [
  { name: 'exact', match: { path: '/exact' }, route: { cluster: 'alpha' } },
  {
    name: 'header',
    match: { prefix: '/h', headers: [{ name: 'x-user', string_match: { prefix: 'ja' } }] },
    route: { cluster: 'beta', timeout: '3s' },
    request_headers_to_add: [add('x-set', 'by %REQ(:METHOD)%')],
  },
  {
    name: 'query',
    match: { prefix: '/h', query_parameters: [{ name: 'v', string_match: { exact: '2' } }] },
    route: { cluster: 'gamma', prefix_rewrite: '/rewritten' },
  },
  { name: 'regex', match: { safe_regex: { regex: '/[0-9]+' } }, route: { cluster_header: 'x-to' } },
  {
    name: 'away',
    match: { prefix: '/away' },
    redirect: { host_redirect: 'b.test', strip_query: true },
  },
  {
    name: 'own',
    match: { prefix: '/own' },
    direct_response: { status: 418, body: { inline_string: 'tea' } },
  },
  {
    name: 'split',
    match: { prefix: '/split' },
    route: {
      weighted_clusters: {
        header_name: 'x-draw',
        clusters: NAMES.map((name, index) => ({ name, weight: 10 * (index + 1) })),
      },
    },
  },
  {
    name: 'host',
    match: { path_separated_prefix: '/host' },
    route: { cluster: 'alpha', host_rewrite_literal: 'inner.test', append_x_forwarded_host: true },
    request_headers_to_remove: ['x-user'],
  },
];

function bootstrap(upstreams: readonly EchoUpstream[]): object {
  const anything = { name: 'rest', match: { prefix: '/' }, route: { cluster: 'gamma' } };
  const hosts = [
    virtualHost(['a.test', 'a.test:*'], ROUTES, { name: 'a', ...TRACED }),
    virtualHost(
      ['*.b.test'],
      [{ name: 'lost', match: { prefix: '/x' }, route: { cluster_header: 'none' } }, anything],
      {
        name: 'b',
        ...TRACED,
      },
    ),
    virtualHost(['secure.test'], [anything], { name: 's', require_tls: 'ALL', ...TRACED }),
  ];
  const manager = { normalize_path: true, merge_slashes: true, strip_any_host_port: true };
  const clusters = upstreams.map(({ port }, index) => staticCluster(NAMES[index] ?? '', port));
  const listeners = [httpListener('web', { virtual_hosts: hosts }, { manager })];
  return { admin: ADMIN, ...bootstrapOf(listeners, clusters) };
}

/** One random request. */
interface Asked {
  readonly method: string;
  readonly path: string;
  readonly host: string;
  readonly headers: readonly string[];
}

function randomRequest(random: () => number): Asked {
  const pick = <T>(...choices: readonly T[]): T =>
    choices[Math.floor(random() * choices.length)] as T;
  const headers = [
    ...pick([], ['x-user: jane'], ['x-user: tom']),
    ...pick([], ['x-to: beta'], ['x-to: nowhere']),
    `x-draw: ${Math.floor(random() * 100)}`,
  ];
  const path = pick(
    '/exact',
    '/exact/',
    '/h',
    '/h/x',
    '/12',
    '/12a',
    '/away/x',
    '/own',
    '/split',
    '/host',
    '/hosted',
    '/',
    '/x/../h',
    '//h',
    '/no',
  );
  const query = pick('', '?v=2', '?v=1', '?');
  const host = pick('a.test', 'A.test:80', 'x.b.test', 'b.test', 'secure.test', 'other');
  return { method: pick('GET', 'HEAD', 'DELETE'), path: path + query, host, headers };
}

interface Change {
  readonly name: string;
  readonly after: readonly string[];
  readonly kind: string;
}

interface Told {
  readonly outcome: {
    readonly kind: string;
    readonly status: number | null;
    readonly location: string | null;
  };
  readonly http: {
    readonly route: { readonly name: string } | null;
    readonly cluster: { readonly name: string } | null;
    readonly request_changes: readonly Change[];
  };
}

async function told(proxy: TestProxy, asked: Asked): Promise<Told> {
  const query = new URLSearchParams({
    method: asked.method,
    url: `http://${asked.host}${asked.path}`,
  });
  query.set('format', 'json');
  query.set('listener', 'web');
  for (const header of asked.headers) query.append('header', header);
  const text = query.toString().replaceAll('+', '%20');
  const answer = await fetch(`http://${proxy.adminAddress}/explain?${text}`);
  return (await answer.json()) as Told;
}

function exchange(proxy: TestProxy, { method, path, host, headers }: Asked) {
  const lines = [`${method} ${path} HTTP/1.1`, `host: ${host}`, ...headers, 'connection: close'];
  return rawExchange(`127.0.0.1:${proxy.port}`, `${lines.join('\r\n')}\r\n\r\n`);
}

/** The changes that the upstream did not see; the last of a field is what counts. */
function unfulfilled({ http }: Told, seen: SeenRequest): readonly string[] {
  const last = new Map(http.request_changes.map((change) => [change.name, change]));
  last.delete('x-request-id');
  return [...last.values()].filter((change) => !isSeen(change, seen)).map(({ name }) => name);
}

function isSeen({ name, after, kind }: Change, { path, fields }: SeenRequest): boolean {
  if (name === ':path') return path === after[0];
  if (kind === 'removed') return !fields.some((line) => line.startsWith(`${name}:`));
  return fields.includes(`${name === ':authority' ? 'host' : name}: ${after[0]}`);
}

/** What the client can see of it, and what the upstream saw. */
function check(t: Test, explained: Told, response: RawResponse): void {
  const { outcome, http } = explained;
  const field = (name: string): string | null =>
    response.fields.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2) ?? null;
  // What a redirect to https is matched no route.
  if (outcome.kind !== 'tls-required') t.equal(http.route?.name ?? null, field('x-route'));
  if (outcome.kind !== 'forwarded') {
    t.same([outcome.status, outcome.location], [response.status, field('location')]);
    return;
  }
  t.equal(response.status, 200);
  if (response.body === '') return;
  const seen = JSON.parse(response.body) as SeenRequest;
  t.equal(http.cluster?.name, seen.upstream);
  t.same(unfulfilled(explained, seen), []);
}

t.test('an explanation names route, cluster and answer that a request gets', async (t) => {
  const upstreams = await Promise.all(NAMES.map((name) => startEchoUpstream(name)));
  const proxy = await withProxy(bootstrap(upstreams));
  t.teardown(async () => {
    await proxy.stop();
    await Promise.all(upstreams.map((upstream) => upstream.close()));
  });
  const seed = testSeed();
  const random = seededRandom(seed);
  const kinds = new Set<string>();
  // Whatever the seed, every kind of answer comes in the end.
  const isDone = (count: number): boolean =>
    count >= MAX_REQUESTS || (count >= REQUESTS && kinds.size >= ENDS.length);
  for (let count = 0; !isDone(count); count += 1) {
    const asked = randomRequest(() => random.next());
    const [explained, response] = await Promise.all([told(proxy, asked), exchange(proxy, asked)]);
    kinds.add(explained.outcome.kind);
    await t.test(`seed ${seed}: ${JSON.stringify(asked)}`, async (t) => {
      check(t, explained, response);
    });
  }
  t.same([...kinds].sort(), ENDS, `seed ${seed}: all of these came`);
});
