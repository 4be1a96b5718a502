import fs from 'node:fs';
import t from 'tap';
import { type LoadedBootstrap, loadBootstrap } from '../../proxy/config/load.ts';
import { loadOptions } from '../support/load-options.ts';

const GOLDEN = new URL('../../../test/golden/bootstraps/', import.meta.url);
const REVERSE_PROXY = fs.readFileSync(new URL('accept/reverse-proxy.yaml', GOLDEN), 'utf8');

function load(...contents: string[]): LoadedBootstrap {
  const sources = contents.map((content, index) => ({ name: `${index}.yaml`, content }));
  return loadBootstrap(sources, loadOptions());
}

function texts(loaded: LoadedBootstrap): string[] {
  return loaded.problems.map((it) => `${it.severity} ${it.line}:${it.column} ${it.path}`);
}

t.test('answers the bootstrap, its clusters and its listeners as resources', (t) => {
  const loaded = load(REVERSE_PROXY);
  if (!loaded.ok) {
    t.fail('expected it to load');
    return t.end();
  }
  t.same(
    loaded.resources.map(({ kind, name }) => `${kind} ${name}`),
    ['bootstrap ', 'cluster backend', 'listener ingress'],
  );
  t.match(loaded.resources[0]?.message, { staticResources: { clusters: [], listeners: [] } });
  t.equal(loaded.resources[1]?.message.$typeName, 'envoy.config.cluster.v3.Cluster');
  t.same(loaded.problems, []);
  return t.end();
});

t.test('gives all resources one version that follows the content', (t) => {
  const versions = (loaded: LoadedBootstrap): string[] =>
    loaded.ok ? [...new Set(loaded.resources.map(({ version }) => version))] : [];
  const first = versions(load(REVERSE_PROXY));
  t.equal(first.length, 1);
  t.match(first[0], /^[0-9a-f]{16}$/);
  t.same(versions(load(REVERSE_PROXY)), first);
  t.notSame(versions(load(`${REVERSE_PROXY}\n`)), first);
  t.end();
});

t.test('reports problems of every stage and every resource at once', (t) => {
  const loaded = load(`node: { idd: x }
static_resources:
  clusters:
  - name: ''
  - name: b
    lb_policy: MAGLEV
    maglev_lb_config: { table_size: 10 }
  - name: c
    idle: 1
  - name: d
    load_assignment:
      cluster_name: d
      endpoints: [{ lb_endpoints: [{ endpoint: { address: { socket_address: { address: host.test, port_value: 1 } } } }] }]
`);
  t.equal(loaded.ok, false);
  t.same(texts(loaded), [
    'error 1:9 node.idd',
    'error 9:5 static_resources.clusters[2].idle',
    'error 4:11 static_resources.clusters[0].name',
    'error 7:37 static_resources.clusters[1].maglev_lb_config.table_size',
    'error 13:88 static_resources.clusters[3].load_assignment.endpoints[0].lb_endpoints[0].endpoint.address.socket_address.address',
  ]);
  t.end();
});

t.test('finds what only compiling finds beside what was refused before', (t) => {
  const loaded = load(
    REVERSE_PROXY.replace('stat_prefix:', 'stat_prefx:').replace(
      'cluster: backend }',
      'cluster: bakend }',
    ),
  );
  t.match(loaded.problems, [
    { path: /\.stat_prefx$/, reason: /did you mean 'stat_prefix'/ },
    { path: /\.route\.cluster$/, reason: /unknown cluster 'bakend'/ },
  ]);
  t.equal(loaded.problems.length, 2);
  t.end();
});

t.test('does not miss clusters whose names were refused', (t) => {
  const nameless = load(REVERSE_PROXY.replace('- name: backend', '- nam: backend'));
  t.match(nameless.problems, [{ path: /\.nam$/ }]);
  t.equal(nameless.problems.length, 1);
  const misspelt = load(REVERSE_PROXY.replace('  clusters:', '  cluster:'));
  t.same(texts(misspelt), ['error 23:3 static_resources.cluster']);
  t.end();
});

t.test('survives whatever is missing in a resource that was refused', (t) => {
  const loaded = load(`static_resources:
  clusters: [5, { name: a, load_assignment: 7, type: {} }, { name: b, load_assignment: { endpoints: [{ lb_endpoints: [{}] }] } }]
  listeners: [5, { address: 5, filter_chains: [{ filters: [{ name: x, typed_config: 5 }] }] }]
`);
  t.ok(loaded.problems.length > 5);
  t.end();
});

t.test('merges further texts over the first', (t) => {
  const loaded = load(
    REVERSE_PROXY,
    'static_resources: { clusters: [{ name: more }] }\nnode: {id: x}\n',
  );
  t.match(loaded, { ok: true, bootstrap: { node: { id: 'x' } } });
  t.same(loaded.ok ? loaded.resources.map(({ name }) => name) : [], [
    '',
    'backend',
    'more',
    'ingress',
  ]);
  const twice = load(REVERSE_PROXY, '\nstatic_resources: { clusters: [{ name: backend }] }\n');
  t.match(twice.problems, [{ file: '1.yaml', line: 2, column: 40, reason: /duplicate cluster/ }]);
  t.end();
});

t.test('says nothing of the rest when a text cannot be read', (t) => {
  t.same(texts(load('node: {id: 5}', 'a: "')), ['error 1:12 node.id', 'error 1:5 ']);
  t.end();
});

t.test('lets unknown fields pass when told to', (t) => {
  const options = loadOptions({ allowUnknownFields: true });
  const loaded = loadBootstrap([{ name: 'a.yaml', content: 'foo: 1\n' }], options);
  t.match(loaded, { ok: true, problems: [{ severity: 'warning', path: 'foo' }] });
  t.end();
});

t.test('resolves files of data sources through the given function', (t) => {
  const content = REVERSE_PROXY.replace(
    'route: { cluster: backend }',
    'direct_response: { status: 200, body: { filename: /body.txt } }',
  );
  t.match(load(content).problems, [{ path: /direct_response/ }], 'no such file');
  const asked: string[] = [];
  const readFile = (path: string): Uint8Array => {
    asked.push(path);
    return Buffer.from('hello');
  };
  t.equal(loadBootstrap([{ name: 'a.yaml', content }], loadOptions({ readFile })).ok, true);
  t.same(asked, ['/body.txt']);
  t.end();
});

t.test('takes a small bootstrap in little time', (t) => {
  const started = performance.now();
  load(REVERSE_PROXY);
  const spent = performance.now() - started;
  t.ok(spent < 200, `${spent.toFixed(0)} ms`);
  t.end();
});

t.test('never throws, wherever the text ends', (t) => {
  for (let end = 0; end < REVERSE_PROXY.length; end += 3) {
    t.doesNotThrow(() => load(REVERSE_PROXY.slice(0, end)));
  }
  t.end();
});
