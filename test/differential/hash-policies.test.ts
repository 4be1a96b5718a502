// What hash_policy makes of requests, seen by the cluster that use_hash_policy draws from many: one
// bit of difference in a hash would show.
import t from 'tap';
import { rawExchange } from '../support/raw-exchange.ts';
import {
  bootstrapOf,
  httpListener,
  type Message,
  virtualHost,
} from '../support/static-bootstrap.ts';
import { withEnvoy, withoutEnvoy } from '../support/with-envoy.ts';
import { withProxy } from '../support/with-proxy.ts';

/** A prime, so that every bit of a hash counts. */
const CLUSTERS = 251;

interface Case {
  readonly target: string;
  readonly fields?: readonly string[];
}

function cluster(index: number): Message {
  const name = `k${index}`;
  return { name, type: 'STATIC', load_assignment: { cluster_name: name, endpoints: [] } };
}

const ENTRIES = Array.from({ length: CLUSTERS }, (_, index) => ({
  name: `k${index}`,
  weight: (index % 3) + 1,
}));

function route(prefix: string, ...hash_policy: readonly Message[]): Message {
  const weighted_clusters = { use_hash_policy: true, clusters: ENTRIES };
  return { match: { prefix }, route: { hash_policy, weighted_clusters } };
}

const HEADER: Message = { header: { header_name: 'X-Key' } };
const COOKIE: Message = { cookie: { name: 'sid' } };
const QUERY: Message = { query_parameter: { name: 'q' } };
const SOURCE: Message = { connection_properties: { source_ip: true } };

const ROUTES: readonly Message[] = [
  route('/header', HEADER),
  route('/path', { header: { header_name: ':path' } }),
  route('/rewritten', {
    header: {
      header_name: 'x-key',
      regex_rewrite: { pattern: { regex: '^user-(\\d+).*' }, substitution: '\\1' },
    },
  }),
  route('/cookie', COOKIE),
  route('/query', QUERY),
  route('/source', SOURCE),
  route('/all', HEADER, COOKIE, QUERY, SOURCE),
  route('/twice', HEADER, HEADER),
  route('/terminal', { ...HEADER, terminal: true }, SOURCE),
  route('/state', { filter_state: { key: 'hashed' } }, SOURCE),
  route('/other-state', { filter_state: { key: 'text' } }, SOURCE),
];

function on(target: string, ...variants: readonly (readonly string[])[]): Case[] {
  return variants.map((fields) => ({ target, fields }));
}

const LONG = 'abcdefghijklmnopqrstuvwxyz0123456789'.repeat(4);
const KEYS = [
  ...Array.from({ length: 40 }, (_, index) => `user-${index * 7919}`),
  ...Array.from({ length: 80 }, (_, index) => LONG.slice(0, index + 1)),
];

const CASES: readonly Case[] = [
  ...KEYS.map((key) => ({ target: '/header', fields: [`x-key: ${key}`] })),
  ...KEYS.slice(0, 20).map((key) => ({ target: '/rewritten', fields: [`x-key: ${key}x`] })),
  ...on('/header', ['x-key: a', 'x-key: b'], ['x-key: b', 'x-key: a'], ['x-key: a,b'], ['x-key: ']),
  ...on('/header', ['x-key: \xe4\xff'], ['x-key: b', 'x-key: A', 'x-key: a']),
  ...on(
    '/rewritten',
    ['x-key: user-1', 'x-key: user-22z'],
    ['x-key: none'],
    ['x-key: user-9', 'x-key: none'],
  ),
  ...on('/path/x?y=z', []),
  ...on('/cookie', ['cookie: sid=1'], ['cookie: sid="1"'], ['cookie: a=b; sid=1; sid=2']),
  ...on('/cookie', ['cookie: sid=1 ; x=y'], ['cookie: sid="1'], ['cookie: sid=%31']),
  ...on('/cookie', ['cookie: sid==1'], ['cookie: x=y;   sid=3'], ['cookie: x', 'cookie: sid=4']),
  ...on('/cookie', ['cookie: sid;sid=1'], ['cookie: xsid=2;sid=5'], ['cookie: sid=a"b']),
  ...['/query?q=1', '/query?q=', '/query?q=%20', '/query?x&q=2&q=3', '/query?q'].map((target) => ({
    target,
  })),
  ...on('/source', [], ['x-forwarded-for: 10.1.2.3'], ['x-forwarded-for: 10.1.2.3, ::1']),
  ...on('/all', [], ['x-key: a'], ['cookie: sid=1'], ['x-key: a', 'cookie: sid=1']),
  ...on('/all?q=5', [], ['x-key: a'], ['x-key: a', 'cookie: sid=1']),
  ...on('/twice', ['x-key: a'], ['x-key: b']),
  ...on('/terminal', ['x-key: a'], []),
  ...[{ target: '/state' }, { target: '/other-state' }],
];

/** The direct peer is trusted, so that clients may have any address. */
function listener(): Message {
  const state = {
    '@type': 'type.googleapis.com/envoy.extensions.filters.network.set_filter_state.v3.Config',
    on_new_connection: [
      stateValue('hashed', 'envoy.hashable_string'),
      stateValue('text', 'envoy.string'),
    ],
  };
  const table = {
    virtual_hosts: [virtualHost(['*'], ROUTES)],
    response_headers_to_add: [{ header: { key: 'x-cluster', value: '%UPSTREAM_CLUSTER%' } }],
  };
  const plain = httpListener('main', table, {
    manager: { use_remote_address: true, xff_num_trusted_hops: 1 },
  });
  const [chain] = plain['filter_chains'] as readonly { readonly filters: readonly Message[] }[];
  const name = 'envoy.filters.network.set_filter_state';
  const filters = [{ name, typed_config: state }, ...(chain?.filters ?? [])];
  return { ...plain, filter_chains: [{ filters }] };
}

function stateValue(object_key: string, factory_key: string): Message {
  const format_string = { text_format_source: { inline_string: `value of ${object_key}` } };
  return { object_key, factory_key, format_string };
}

async function answers(address: string): Promise<readonly string[]> {
  const drawn: string[] = [];
  for (const { target, fields = [] } of CASES) {
    const lines = ['host: h.test', ...fields, 'connection: close'].join('\r\n');
    const text = `GET ${target} HTTP/1.1\r\n${lines}\r\n\r\n`;
    const response = await rawExchange(address, text);
    drawn.push(response.fields.filter((line) => /^x-cluster|^set-cookie/.test(line)).join());
  }
  return drawn;
}

t.test('hashes requests as Envoy does', { skip: withoutEnvoy }, async (t) => {
  const clusters = Array.from({ length: CLUSTERS }, (_, index) => cluster(index));
  const bootstrap = bootstrapOf([listener()], clusters);
  const proxy = await withProxy(bootstrap);
  const ours = await answers(`127.0.0.1:${proxy.ports['main']}`);
  await proxy.stop();
  await withEnvoy(bootstrap, async (envoy) => {
    const theirs = await answers(await envoy.listener('main'));
    CASES.forEach(({ target, fields = [] }, index) => {
      t.equal(ours[index], theirs[index], [target, ...fields].join(' '));
    });
  });
});
