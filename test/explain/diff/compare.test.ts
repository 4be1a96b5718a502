// What counts as a change for traffic, and what does not.
import t from 'tap';
import { loadBootstrap } from '../../../proxy/config/load.ts';
import { type ConfigChange, compareConfigurations } from '../../../proxy/explain/diff/compare.ts';
import type { GoodBootstrap } from '../../../proxy/server/configuration.ts';
import { explainedConfiguration } from '../../../proxy/server/explained-configuration.ts';
import { loadOptions } from '../../support/load-options.ts';
import {
  bootstrapOf,
  httpListener,
  type Message,
  staticCluster,
  virtualHost,
} from '../../support/static-bootstrap.ts';

function loaded(bootstrap: object): GoodBootstrap {
  const source = { name: 'x.json', content: JSON.stringify(bootstrap) };
  const result = loadBootstrap([source], loadOptions());
  if (!result.ok) throw new Error(JSON.stringify(result.problems));
  return result;
}

/** One line a change. */
function changes(before: object, after: object): readonly string[] {
  const sides = [before, after].map((each) => explainedConfiguration(loaded(each)));
  return compareConfigurations(sides[0]!, sides[1]!).map(lineOf);
}

function lineOf({ kind, part, name, description, fields }: ConfigChange): string {
  const details = fields.map(({ field, before, after }) => `${field}: ${before} > ${after}`);
  return [`${kind} ${part} ${name}`, description, ...details].filter((it) => it !== '').join('; ');
}

const CLUSTERS = [staticCluster('a', 1), staticCluster('b', 2)];

/** A bootstrap with these routes in one virtual host. */
function routes(...list: readonly Message[]): object {
  return bootstrapOf([httpListener('l', { virtual_hosts: [virtualHost(['*'], list)] })], CLUSTERS);
}

const to = (cluster: string, prefix: string, members: Message = {}, action: Message = {}) => ({
  match: { prefix },
  route: { cluster, ...action },
  ...members,
});

t.test('another way of writing the same is no change', (t) => {
  const plain = to('a', '/', { name: 'r' });
  const explicit = {
    name: 'r',
    match: { prefix: '/', caseSensitive: true, headers: [] },
    route: { cluster: 'a', timeout: '15.000s', priority: 'DEFAULT' },
  };
  t.same(changes(routes(plain), routes(explicit)), []);
  const add = (action: Message) => ({
    request_headers_to_add: [{ header: { key: 'x-a', value: '%PROTOCOL%' }, ...action }],
  });
  const appended = routes(to('a', '/', add({})));
  t.same(changes(appended, routes(to('a', '/', add({ append_action: 0 })))), []);
  t.end();
});

t.test('a changed format is a change, although nobody can look into it', (t) => {
  const add = (value: string) => ({
    name: 'r',
    request_headers_to_add: [{ header: { key: 'x-a', value } }],
  });
  t.same(changes(routes(to('a', '/', add('%PROTOCOL%'))), routes(to('a', '/', add('1')))), [
    'changed route r; request_headers_to_add[x-a].header.value: %PROTOCOL% > "1"',
  ]);
  t.end();
});

t.test('routes come, go and change under their names, or their conditions', (t) => {
  const before = routes(to('a', '/x', { name: 'x' }), to('a', '/y'), to('a', '/z'));
  const after = routes(to('b', '/x', { name: 'x' }), to('a', '/y'), to('a', '/w'), to('a', '/v'));
  t.same(changes(before, after), [
    'changed route x; route.cluster: a > b',
    'added route #2; prefix: /w',
    'added route #3; prefix: /v',
    'removed route #2; prefix: /z',
  ]);
  const renewed = routes(to('a', '/x', { name: 'x' }), to('a', '/y'), to('a', '/w'));
  t.same(
    changes(before, renewed),
    ['changed route #2; match.prefix: /z > /w'],
    'the only one left',
  );
  t.end();
});

t.test('the order of routes matters where their requests overlap', (t) => {
  const [x, y, all] = [
    to('a', '/x', { name: 'x' }),
    to('a', '/y', { name: 'y' }),
    to('b', '/', { name: 'all' }),
  ];
  t.same(changes(routes(x, y, all), routes(y, x, all)), [], 'no request is for both');
  t.same(changes(routes(x, y, all), routes(x, all, y)), [
    'moved route all; now in front of y',
    'shadowed route y; no request reaches it: all in front of it takes them all',
  ]);
  t.same(changes(routes(all, x), routes(x, all)), [
    'moved route x; now in front of all',
    'reachable route x; requests reach it now: all took them all',
  ]);
  t.end();
});

t.test('weights are told by cluster', (t) => {
  const split = (a: number, b: number) =>
    routes({
      name: 'r',
      match: { prefix: '/' },
      route: {
        weighted_clusters: {
          clusters: [
            { name: 'a', weight: a },
            { name: 'b', weight: b },
          ],
        },
      },
    });
  t.same(changes(split(90, 10), split(80, 20)), [
    'changed route r; route.weighted_clusters.clusters[a].weight: 90 > 80; route.weighted_clusters.clusters[b].weight: 10 > 20',
  ]);
  t.end();
});

t.test('listeners, domains, filters and hosts are told one by one', (t) => {
  const host = (domains: readonly string[]) => ({ name: 'v', domains, routes: [to('a', '/')] });
  const listener = (name: string, domains: readonly string[], manager: Message = {}) =>
    httpListener(name, { virtual_hosts: [host(domains)] }, { manager });
  const before = bootstrapOf([listener('l', ['x', 'y']), listener('m', ['*'])], CLUSTERS);
  const after = bootstrapOf(
    [listener('l', ['y', 'z'], { stream_idle_timeout: '1s' }), listener('n', ['*'])],
    [staticCluster('a', 3), staticCluster('b', 2)],
  );
  t.same(changes(before, after), [
    'changed connection manager l; stream_idle_timeout: null > 1s',
    'changed virtual host v; domains[]: x > null; domains[]: null > z',
    'added listener n; 127.0.0.1:0',
    'removed listener m; 127.0.0.1:0',
    'added host 127.0.0.1:3',
    'removed host 127.0.0.1:1',
  ]);
  t.end();
});

t.test('what differs only by the runtime is told by the names of the model', (t) => {
  const route = {
    name: 'r',
    match: {
      prefix: '/',
      runtime_fraction: { default_value: { numerator: 100 }, runtime_key: 'k' },
    },
    route: { cluster: 'a' },
  };
  const layered = (numerator: number) => ({
    ...routes(route),
    layered_runtime: { layers: [{ name: 's', static_layer: { k: numerator } }] },
  });
  t.same(changes(layered(10), layered(20)), [
    'changed route r; match.runtime_fraction_ppm: 100000 > 200000',
  ]);
  t.end();
});
