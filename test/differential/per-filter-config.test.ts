// typed_per_filter_config: which level a filter listens to, and which switch it off and on.
import t from 'tap';
import { type Json, type TwinConfig, typed } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type TwinCase, withTwins } from '../support/with-twins.ts';
import { compareCases } from './compare-cases.ts';

const LOG_FORMAT = '%REQ(:PATH)% %RESPONSE_CODE% %ROUTE_NAME% %DOWNSTREAM_REMOTE_ADDRESS%\n';

const TYPE = 'extensions.filters.http.header_mutation.v3.';
const marks = (value: string): Json => ({
  mutations: {
    request_mutations: [{ append: { header: { key: 'x-mark', value } } }],
  },
});
const config = (value: string): Json => typed(`${TYPE}HeaderMutationPerRoute`, marks(value));
const wrapper = (members: Json): Json => typed('config.route.v3.FilterConfig', members);
const OFF = wrapper({ disabled: true });
const ON = wrapper({ config: typed(`${TYPE}HeaderMutationPerRoute`) });
const NOBODYS = typed('extensions.filters.http.buffer.v3.BufferPerRoute', { disabled: true });

const perFilter = (typed_per_filter_config: Json): Json => ({ typed_per_filter_config });
const route = (prefix: string, of: Json, weighted: Json | null = null): Json => ({
  match: { prefix },
  name: prefix,
  route:
    weighted === null
      ? { cluster: 'main' }
      : { weighted_clusters: { clusters: [{ name: 'main', weight: 1, ...perFilter(weighted) }] } },
  ...perFilter(of),
});

const ROUTES: readonly Json[] = [
  route('/nothing', {}),
  route('/route', { first: config('route') }),
  route('/entry', { first: config('route') }, { first: config('entry') }),
  route('/entry-only', {}, { first: config('entry') }),
  route('/off', { first: OFF }),
  route('/entry-off', { first: config('route') }, { first: OFF }),
  route('/entry-on', { first: OFF }, { first: config('entry') }),
  route('/on', { second: ON }),
  route('/on-as-is', { second: wrapper({ config: {} }) }),
  route('/second', { second: config('second') }),
  route('/off-with-config', { first: wrapper({ disabled: true, config: config('lost') }) }),
  route('/wrapped', { first: wrapper({ config: config('wrapped') }) }),
  route('/optional', { first: wrapper({ config: config('optional'), is_optional: true }) }),
  route('/other-type', { first: NOBODYS, second: NOBODYS }),
  route('/nobody', { nobody: NOBODYS }),
  {
    match: { prefix: '/direct-route' },
    direct_response: { status: 200 },
    ...perFilter({ first: OFF }),
  },
];

const filter = (name: string, members: Json = {}): Json => ({
  name,
  typed_config: typed(`${TYPE}HeaderMutation`, marks(name)),
  ...members,
});
const FILTERS = [filter('first'), filter('second', { disabled: true })];

const CONFIG: TwinConfig = {
  listeners: {
    main: { filters: FILTERS, routes: ROUTES },
    outer: {
      filters: FILTERS,
      routes: ROUTES,
      virtualHost: perFilter({ first: config('host') }),
      table: perFilter({ first: config('table'), second: ON }),
    },
    dark: {
      filters: FILTERS,
      routes: ROUTES,
      virtualHost: perFilter({ first: OFF, second: OFF }),
      table: perFilter({ first: config('table'), second: ON }),
    },
  },
  log: { log_format: { text_format_source: { inline_string: LOG_FORMAT } } },
};

const PATHS = ROUTES.map(({ match }) => (match as { prefix: string }).prefix);
const CASES = ['main', 'outer', 'dark'].flatMap((listener) =>
  [...PATHS, '/default'].map(
    (path): TwinCase => ({
      title: `${listener}: ${path}`,
      listener,
      send: `GET ${path} HTTP/1.1\r\nhost: h.test\r\n\r\n`,
    }),
  ),
);

t.test('filters listen to the levels that Envoy’s listen to', { skip: withoutEnvoy }, async (t) => {
  await withTwins(CONFIG, async (twins) => {
    await compareCases(t, twins, CASES);
  });
});
