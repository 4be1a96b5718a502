// Routing beside Envoy's: the same configuration and the same requests; status, answer, chosen
// cluster and what the upstream received must be the same.
import t from 'tap';
import { type EchoUpstream, startEchoUpstream } from '../support/echo-upstream.ts';
import { type RawResponse, rawExchange } from '../support/raw-exchange.ts';
import { withEnvoy, withoutEnvoy } from '../support/with-envoy.ts';
import { withProxy } from '../support/with-proxy.ts';
import { CLUSTERS, routingBootstrap } from './routing-bootstrap.ts';

/** One request: its listener, its target, and what is not `GET` to `h.test` without fields. */
interface Case {
  readonly listener: string;
  readonly target: string;
  readonly method?: string;
  readonly host?: string;
  readonly fields?: readonly string[];
}

/** Fields that may differ: times, identities, framing. */
const UNCOMPARED =
  /^(?:date|server|x-request-id|x-envoy-upstream-service-time|content-length|transfer-encoding|connection|keep-alive):/;

function on(listener: string, ...targets: readonly string[]): Case[] {
  return targets.map((target) => ({ listener, target }));
}

function withFields(target: string, ...variants: readonly (readonly string[])[]): Case[] {
  return variants.map((fields) => ({ listener: 'match', target, fields }));
}

function toHosts(...names: readonly string[]): Case[] {
  return names.flatMap((host) =>
    ['hosts', 'portless'].map((listener) => ({ listener, target: '/', host })),
  );
}

const HEADER_CASES: readonly Case[] = [
  ...withFields('/h/exact', ['x: a,b'], ['x: a', 'x: b'], ['x: a,b', 'x: c'], []),
  ...withFields('/h/not', ['x: a,b'], ['x: c'], ['x: c', 'x: a,b'], ['x: a', 'x: b'], []),
  ...withFields('/h/empty', ['x: a,b'], ['x: '], []),
  ...withFields('/h/present', ['x: '], []),
  ...withFields('/h/absent', ['x: 1'], []),
  ...withFields('/h/lacking', ['x: 1'], []),
  ...withFields('/h/any', ['x: 1'], ['x: '], []),
  ...withFields('/h/range', ['x: -5'], ['x: 9'], ['x: 10'], ['x: +3'], ['x: 3x'], ['x: 1', 'x: 2']),
  ...withFields('/h/range', ['x: 0x3'], ['x: 007'], ['x: '], ['x: 99999999999999999999'], []),
  ...withFields('/h/prefix', ['x: aBc'], ['x: a']),
  ...withFields('/h/suffix', ['x: xyz'], ['x: xYZ']),
  ...withFields('/h/contains', ['x: amidst'], ['x: m-id']),
  ...withFields('/h/regex', ['x: v1'], ['x: v12'], ['x: v', 'x: v2']),
  ...withFields('/h/cookie', ['cookie: a=1; b=2'], ['cookie: a=1', 'cookie: b=2']),
  ...withFields('/grpc', ['content-type: application/grpc'], ['content-type: application/grpc+x']),
  ...withFields('/grpc', ['content-type: application/grpcx'], []),
  { listener: 'match', target: '/h/method', method: 'POST', fields: ['content-length: 0'] },
  { listener: 'match', target: '/h/authority', host: 'other.test' },
  { listener: 'match', target: '/h/host', host: 'other.test' },
  ...on('match', '/h/method', '/h/path?q', '/h/path?q=1', '/h/authority', '/h/host', '/h/scheme'),
];

const MATCH_CASES: readonly Case[] = [
  ...on('match', '/exact', '/exact?x', '/exact/', '/Exact', '/loose', '/LOOSE?x', '/api', '/api/'),
  ...on('match', '/api/x', '/apix', '/api?x', '/re/12', '/re/12?x', '/re/x', '/re/1/2', '/none'),
  ...on(
    'match',
    '/q/exact?k=v',
    '/q/exact?k=w&k=v',
    '/q/exact?k=v&k=w',
    '/q/exact',
    '/q/exact?K=v',
  ),
  ...on('match', '/q/present?k', '/q/present?k=', '/q/present?x=k', '/q/absent', '/q/absent?k'),
  ...on('match', '/q/raw?k=%20', '/q/raw?k=+', '/direct', '/direct?x', '/by-header', '/missing'),
  ...withFields('/by-header', ['x-cluster: b'], ['x-cluster: none'], ['x-cluster: ']),
  ...withFields('/by-header', ['x-cluster: b', 'x-cluster: a']),
  ...toHosts('a.foo.test', 'A.FOO.test', 'x.foo.test', 'x.b.foo.test', 'foo.test', 'x-bar.test'),
  ...toHosts('foo.x', 'foo.bar.x', 'foo.', 'foo-', 'foo-x', 'g.test', 'g.test:81', 'g.test:82'),
  ...toHosts('a.foo.test:80', '[::1]', '[::1]:80', '-bar.test', 'unknown', 'foo.x:81'),
];

const REWRITE_TARGETS = [
  ...['/b', '/b/x', '/bx?q', '/loose/x', '/LOOSE?x=/loose', '/exact', '/exact?x=1', '/sep'],
  ...['/sep/x', '/whole/thing?q', '/re/one/two?three', '/re/one', '/many/a/aa?a', '/void?x'],
  ...['/void/x', '/same/x', '/host/literal', '/host/forwarded', '/host/auto', '/host/path/x.test'],
  ...['/host/path/', '/host/path?x', '/host/header', '/both/x?q', '/host/named', '/host/plain'],
] as const;

/** Rewrites that print fields. */
function formatted(listener: string, ...targets: readonly string[]): Case[] {
  return targets.flatMap((target) =>
    [[], ['x-a: val'], ['x-a: /val'], ['x-a: v?w=1']].map((fields) => ({
      ...{ listener, target, fields },
    })),
  );
}

const FORMAT_CASES: readonly Case[] = [
  { listener: 'rewrite', target: '/by-host', host: 'b' },
  { listener: 'rewrite', target: '/by-host', host: 'none' },
  ...formatted(
    'rewrite',
    '/format/path/x?k=v',
    '/format/path',
    '/format/query?k',
    '/format/same?k',
  ),
  ...formatted('rewrite', '/format/host?k', '/format/void', '/format/both/x?k'),
  ...on('rewrite', '/format/bare?k', '/template/1/2/3?k', '/template/1/', '/template/%20/~'),
  { listener: 'rewrite', target: '/format/bare?k', fields: ['x-a: /val?w=1'] },
  ...formatted('redirect', '/format/path/x?k=v', '/format/query?k', '/format/query'),
  ...formatted('redirect', '/format/bare?k', '/format/strip?k'),
];

const REWRITE_CASES: readonly Case[] = [
  ...on('rewrite', ...REWRITE_TARGETS),
  ...on('quiet', '/b/x', '/host/forwarded', '/host/auto', '/host/named', '/void/x', '/both/x?q'),
  { listener: 'rewrite', target: '/host/header', fields: ['x-host: by.test'] },
  { listener: 'rewrite', target: '/host/header', fields: ['x-host: '] },
  { listener: 'rewrite', target: '/host/header', fields: ['x-host: one.test', 'x-host: two.test'] },
  { listener: 'rewrite', target: '/host/literal', fields: ['x-envoy-original-host: forged'] },
  { listener: 'rewrite', target: '/b/x', fields: ['x-envoy-original-path: /forged'] },
  ...['other.test', 'other.test,h.test', 'other.test, h.test', ''].map((forwarded) => ({
    listener: 'rewrite',
    target: '/host/forwarded',
    fields: [`x-forwarded-host: ${forwarded}`],
  })),
];

const LEVEL_FIELDS = [
  ...['x-last: client', 'x-all: client', 'x-if: client', 'x-not-route: 1', 'x-not-host: 1'],
  ...['x-not-table: 1', 'x-not-entry: 1', 'x-stays: 1'],
];

const MUTATION_CASES: readonly Case[] = ['mutate', 'specific'].flatMap((listener): Case[] => [
  { listener, target: '/levels' },
  { listener, target: '/levels', fields: LEVEL_FIELDS },
  { listener, target: '/one' },
  { listener, target: '/one', fields: ['x-a: c1', 'x-a: c2', 'x-c: c', 'user-agent: curl'] },
  { listener, target: '/removed', fields: ['x-a: client'] },
  { listener, target: '/direct' },
  { listener, target: '/go' },
  { listener, target: '/none' },
]);

const REDIRECT_HOSTS = ['h.test', 'h.test:80', 'h.test:443', 'h.test:8080', '[::1]:80', '[::1]'];

const REDIRECT_CASES: readonly Case[] = [
  ...['/https', '/scheme', '/host', '/port', '/https-port', '/path'].flatMap((target) =>
    REDIRECT_HOSTS.map((host) => ({ listener: 'redirect', target, host })),
  ),
  ...['/https', '/scheme', '/strip'].flatMap((target) =>
    ['h.test:443', 'h.test:80'].map((host) => ({
      ...{ listener: 'redirect', target, host },
      fields: ['x-forwarded-proto: https'],
    })),
  ),
  ...on('redirect', '/host-port?q', '/path?q=1', '/path-query?q', '/path-strip?q', '/strip?q'),
  ...on('redirect', '/bare?q', '/302', '/303', '/307', '/308', '/pre/x?q', '/prefix', '/whole?q'),
  ...on('redirect', '/regex/x?q', '/regex/', '/answer?q', '/https?a=b'),
];

const PATHS = [
  ...['/%2e%2e/admin', '/x/../admin', '/x/%2E%2e/admin?a=/../', '/x\\..\\admin', '/./admin'],
  ...[
    '//admin',
    '/x//..//admin',
    '/adm%69n',
    '/%61dmin',
    '/admin%2fx',
    '/x%2f..%2fadmin',
    '/x%5c..',
  ],
  ...[
    '/%00',
    '/a%',
    '/a%zz|{}',
    '/a%%2fb',
    '/..%2f',
    '/a/..;/b',
    '/a/.;x=1/..;y',
    '/a/;/..;%2fb/c',
    '//',
    '/a?b//c%2f',
    '/A%2FB',
  ],
];

const PATH_LISTENERS = ['canonical', 'merge', 'forward', 'redirect-slashes', 'reject'];

const NORMALIZE_CASES: readonly Case[] = [
  ...PATH_LISTENERS.flatMap((listener) => on(listener, ...PATHS)),
  ...['h.test.:81', 'h.test.', 'h.test:081', '[::1]:81', 'h.test..'].map((host) => ({
    ...{ listener: 'any-port', target: '/', host },
  })),
];

const TLS_CASES: readonly Case[] = [
  'all.test',
  'external.test',
  'all.test:80',
  'plain.test',
].flatMap((host) =>
  [
    [],
    ['x-forwarded-proto: https'],
    ['x-forwarded-for: 10.0.0.1'],
    ['x-forwarded-proto: ftp'],
    ['x-forwarded-proto: '],
    ['x-forwarded-proto: HTTPS'],
    ['x-envoy-internal: true'],
  ].map((fields) => ({ listener: 'tls', target: '/x?q', host, fields })),
);

const DRAWS = ['0', '1', '2', '3', '4', '18446744073709551615', '18446744073709551616'];

const WEIGHTED_CASES: readonly Case[] = [
  ...DRAWS.filter((draw) => draw !== '18446744073709551616').map((draw) => ({
    listener: 'weighted',
    target: '/x',
    fields: [`x-draw: ${draw}`, 'x-cluster: b', 'x-last: client'],
  })),
  { listener: 'weighted', target: '/x', fields: ['x-draw: 1'] },
];

const THEMES: Readonly<Record<string, readonly Case[]>> = {
  'paths, parameters and domains': MATCH_CASES,
  fields: HEADER_CASES,
  rewrites: REWRITE_CASES,
  'formatted rewrites': FORMAT_CASES,
  'header mutations': MUTATION_CASES,
  redirects: REDIRECT_CASES,
  'normalised paths and authorities': NORMALIZE_CASES,
  'required TLS': TLS_CASES,
  'weighted clusters': WEIGHTED_CASES,
};

t.test('routes as Envoy does', { skip: withoutEnvoy }, async (t) => {
  const upstreams = await Promise.all(
    CLUSTERS.map((name) =>
      startEchoUpstream(name, ['x-all', name, 'x-not-route', '1', 'x-not-table', '1']),
    ),
  );
  const [a, b, c] = upstreams.map(({ port }) => port) as [number, number, number];
  const bootstrap = routingBootstrap({ a, b, c });
  const ours = new Map<Case, unknown>();
  const theirs = new Map<Case, unknown>();
  const proxy = await withProxy(bootstrap);
  await askAll(ours, async (listener) => `127.0.0.1:${proxy.ports[listener]}`);
  await proxy.stop();
  await withEnvoy(bootstrap, (envoy) => askAll(theirs, (listener) => envoy.listener(listener)));
  await Promise.all(upstreams.map((upstream: EchoUpstream) => upstream.close()));
  for (const [theme, cases] of Object.entries(THEMES)) {
    t.test(theme, async (t) => {
      for (const it of cases) t.same(ours.get(it), theirs.get(it), describe(it));
    });
  }
});

async function askAll(
  outcomes: Map<Case, unknown>,
  addressOf: (listener: string) => Promise<string>,
): Promise<void> {
  const addresses = new Map<string, string>();
  for (const cases of Object.values(THEMES)) {
    for (const it of cases) {
      const address = addresses.get(it.listener) ?? (await addressOf(it.listener));
      addresses.set(it.listener, address);
      outcomes.set(it, outcome(await rawExchange(address, requestText(it))));
    }
  }
}

function requestText(it: Case): string {
  const { method = 'GET', target, host = 'h.test', fields = [] } = it;
  const lines = [`host: ${host}`, ...fields, 'connection: close'];
  return `${method} ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
}

/** What both proxies must agree on. */
function outcome(response: RawResponse): unknown {
  const isEcho = response.fields.includes('content-type: application/json');
  const seen = isEcho ? JSON.parse(response.body) : null;
  return {
    status: response.status,
    fields: comparable(response.fields),
    body: isEcho ? null : response.body,
    seen: seen === null ? null : { ...seen, fields: comparable(seen.fields) },
  };
}

function comparable(fields: readonly string[]): string[] {
  return fields.filter((line) => !UNCOMPARED.test(line)).sort();
}

function describe({ listener, method = 'GET', target, host, fields }: Case): string {
  const rest = [...(host === undefined ? [] : [`to ${host}`]), ...(fields ?? [])];
  return `${listener}: ${method} ${target} ${rest.join(', ')}`.trimEnd();
}
