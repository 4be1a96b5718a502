// Every condition of routes beside Envoy's: one virtual host a condition, the same requests to both;
// whether the route takes them must be the same.
import t from 'tap';
import { rawExchange } from '../support/raw-exchange.ts';
import {
  bootstrapOf,
  httpListener,
  type Message,
  staticCluster,
} from '../support/static-bootstrap.ts';
import { withEnvoy, withoutEnvoy } from '../support/with-envoy.ts';
import { withProxy } from '../support/with-proxy.ts';

/** What is not `GET /` without fields. */
interface Request {
  readonly target?: string;
  readonly method?: string;
  readonly fields?: readonly string[];
}

/** A virtual host's routes or matcher, and what is asked of it. */
interface Case {
  readonly host: Message;
  readonly requests: readonly Request[];
}

const TYPE = 'type.googleapis.com/';
const TEMPLATE = `${TYPE}envoy.extensions.path.match.uri_template.v3.UriTemplateMatchConfig`;
const HEADER_INPUT = `${TYPE}envoy.type.matcher.v3.HttpRequestHeaderMatchInput`;

function answer(match: Message, body = 'yes'): Message {
  return { match, direct_response: { status: 200, body: { inline_string: body } } };
}

function condition(match: Message, ...requests: readonly Request[]): Case {
  return { host: { routes: [answer({ prefix: '/', ...match })] }, requests };
}

function onPath(match: Message, ...targets: readonly string[]): Case {
  return { host: { routes: [answer(match)] }, requests: targets.map((target) => ({ target })) };
}

function template(path_template: string, ...targets: readonly string[]): Case {
  const policy = { name: 'template', typed_config: { '@type': TEMPLATE, path_template } };
  return onPath({ path_match_policy: policy }, ...targets);
}

function fields(...lines: readonly (readonly string[])[]): Request[] {
  return lines.map((each) => ({ fields: each }));
}

function cookie(matcher: Message, ...lines: readonly (readonly string[])[]): Case {
  const requests = fields(...lines.map((each) => each.map((line) => `cookie: ${line}`)));
  return condition({ cookies: [{ name: 'a', ...matcher }] }, ...requests);
}

function header(matcher: Message, ...values: readonly (readonly string[])[]): Case {
  const requests = fields(...values.map((each) => each.map((value) => `x: ${value}`)));
  return condition({ headers: [{ name: 'x', ...matcher }] }, ...requests);
}

function query(matcher: Message, ...targets: readonly string[]): Case {
  const requests = targets.map((target) => ({ target }));
  return condition({ query_parameters: [{ name: 'k', ...matcher }] }, ...requests);
}

function metadata(value: Message, more: Message = {}): Case {
  const matcher = { filter: 'f', path: [{ key: 'k' }], value, ...more };
  return condition({ dynamic_metadata: [matcher] }, {});
}

function state(matcher: Message): Case {
  return condition({ filter_state: [{ key: 'k', ...matcher }] }, {});
}

function tree(matcher: Message, ...requests: readonly Request[]): Case {
  return { host: { matcher }, requests };
}

function input(header_name: string): Message {
  return { name: 'header', typed_config: { '@type': HEADER_INPUT, header_name } };
}

function action(body: string, match: Message = { prefix: '/' }): Message {
  const type = `${TYPE}envoy.config.route.v3.Route`;
  return { action: { name: 'route', typed_config: { '@type': type, ...answer(match, body) } } };
}

function actions(...routes: readonly Message[]): Message {
  const type = `${TYPE}envoy.config.route.v3.RouteList`;
  return { action: { name: 'routes', typed_config: { '@type': type, routes } } };
}

function byValue(name: string, value_match: Message): Message {
  return { single_predicate: { input: input(name), value_match } };
}

function list(...entries: readonly (readonly [Message, Message])[]): Message {
  const matchers = entries.map(([predicate, on_match]) => ({ predicate, on_match }));
  return { matcher_list: { matchers } };
}

const ONE = { string_match: { exact: '1' } };
const ANYWHERE = [{ address_prefix: '0.0.0.0', prefix_len: 0 }];

const CONDITIONS: readonly Case[] = [
  cookie(ONE, ['a=1'], ['b=2; a=1'], ['b=2;a=1'], ['a=2; a=1'], ['a=1; a=2'], ['b=2', 'a=1'], []),
  cookie(
    ONE,
    ['a="1"'],
    ['a = 1'],
    ['A=1'],
    ['a=1 ; b'],
    ['   a=1;'],
    ['b=2, a=1'],
    ['a=2', 'a=1'],
  ),
  cookie({ ...ONE, invert_match: true }, ['a=1'], ['a=2'], ['b=2'], []),
  cookie({ string_match: { exact: '' } }, ['a='], ['a'], ['a=""'], []),
  cookie({ string_match: { exact: '1=2' } }, ['a=1=2']),
  cookie({ string_match: { exact: '"' } }, ['a="'], ['a="""']),
  cookie({ string_match: { contains: 'X', ignore_case: true } }, ['a=yxy']),
  ...[{ presented: false }, { presented: true }, { validated: false }, { validated: true }, {}].map(
    (tls_context) => condition({ tls_context }, {}),
  ),
  ...[{ null_match: {} }, { present_match: true }, { present_match: false }].flatMap((value) => [
    metadata(value),
    metadata(value, { invert: true }),
  ]),
  ...[{ bool_match: false }, { double_match: { exact: 0 } }].map((value) => metadata(value)),
  metadata({ string_match: { exact: '' } }),
  metadata({ list_match: { one_of: { present_match: true } } }),
  metadata({ or_match: { value_matchers: [{ present_match: true }, { null_match: {} }] } }),
  state({ string_match: { exact: 'x' } }),
  state({ address_match: { ranges: ANYWHERE } }),
  state({ address_match: { ranges: ANYWHERE, invert_match: true } }),
  // Fields are octets, texts of a configuration characters.
  header({ string_match: { exact: 'ü' } }, ['\xc3\xbc'], ['\xfc'], ['\xc3\x9c']),
  header({ string_match: { contains: 'Ü', ignore_case: true } }, ['a\xc3\x9c'], ['a\xc3\xbc']),
  header({ string_match: { safe_regex: { regex: '.ö' } } }, ['x\xc3\xb6'], ['xx\xc3\xb6']),
  header({ exact_match: 'ü' }, ['\xc3\xbc'], ['\xfc']),
  header({ string_match: { exact: '' } }, [''], ['1'], []),
  header({ exact_match: '' }, [''], ['1'], []),
  header({ string_match: { contains: 'AB', ignore_case: true } }, ['xaBx'], ['xax']),
  header({ safe_regex_match: { regex: '.*' } }, ['a'], []),
  header({ invert_match: true }, ['a'], []),
  header({ present_match: false, invert_match: true }, ['a'], []),
  header({ present_match: true, treat_missing_header_as_empty: true }, [], ['1']),
  header({ present_match: false, treat_missing_header_as_empty: true }, [], ['1']),
  header({ invert_match: true, treat_missing_header_as_empty: true }, [], ['1']),
  header({ treat_missing_header_as_empty: true }, []),
  header({ range_match: { start: -1, end: 2 }, treat_missing_header_as_empty: true }, [], ['']),
  header({ range_match: { start: -1, end: 2 }, invert_match: true }, ['5'], ['a'], ['0'], []),
  header({ prefix_match: 'a', invert_match: true }, ['b'], ['a'], ['a', 'b'], []),
  header({ suffix_match: 'a' }, ['ba'], ['ab']),
  query({ string_match: { exact: '' } }, '/?k', '/?k=', '/?', '/'),
  query({ present_match: false }, '/?k', '/?j', '/'),
  query({ string_match: { prefix: 'A', ignore_case: true } }, '/?k=abc'),
  query({ string_match: { safe_regex: { regex: '\\d+' } } }, '/?k=12', '/?k=1a', '/?k=1&k=a'),
  condition({ grpc: {} }, ...fields(['content-type: application/grpc'], [])),
  condition({ runtime_fraction: { default_value: { numerator: 0 } } }, {}),
  condition({ runtime_fraction: { default_value: { numerator: 100 } } }, {}),
];

const PATHS: readonly Case[] = [
  onPath({ path_separated_prefix: '/Foo', case_sensitive: false }, '/foo/x', '/FOO', '/foox'),
  onPath({ safe_regex: { regex: '/Foo' }, case_sensitive: false }, '/foo', '/Foo'),
  onPath({ prefix: '/p;x' }, '/p;x', '/p'),
  onPath({ connect_matcher: {} }, '/'),
  template('/a/*/b', '/a/x/b', '/a//b', '/a/x/y/b', '/a/*/b', '/a/%20/b', '/a/x;y/b', '/a/x"/b'),
  template('/a/*/b', '/A/x/b', '/a/x/b?q', '/a/x/b/', '/a/x|/b'),
  template('/a/**', '/a/', '/a', '/a/b', '/a/b/c', '/a//', '/a/*'),
  template('/a/**/b', '/a/b', '/a//b', '/a/x/b', '/a/x/y/b', '/a/x/b/b'),
  template('/a/**.m3u8', '/a/.m3u8', '/a/x.m3u8', '/a/x/y.m3u8', '/a/xm3u8'),
  template('/a/*.m3u8', '/a/.m3u8', '/a/x.m3u8', '/a/x/y.m3u8', '/a/x.y.m3u8'),
  template('/a/b*', '/a/b', '/a/bx', '/a/b*', '/a/bb', '/a/'),
  template('/a/b**', '/a/b', '/a/bx', '/a/b*'),
  template('/{x}b', '/ab', '/b', '/a/b'),
  template('/b{x}', '/ba', '/b'),
  template('/{a=**}/b', '/b', '//b', '/x/b', '/x/y/b'),
  template('/{a=x/*}', '/x/y', '/x/', '/x/y/z'),
  template('/{a=x/**}/y', '/x/y', '/x//y', '/x/a/b/y'),
  template('/***', '/', '/x', '/*', '/**'),
  template('/a%2Fb', '/a%2Fb', '/a%2fb', '/a/b'),
  template("/(x)'", "/(x)'", '/x'),
];

const MATCHERS: readonly Case[] = [
  tree(
    {
      matcher_tree: {
        input: input('X-A'),
        exact_match_map: { map: { one: action('one'), '': action('empty') } },
      },
      on_no_match: action('other'),
    },
    ...fields(['x-a: one'], ['x-a: '], ['x-a: ones'], ['x-a: one', 'x-a: two'], []),
  ),
  tree(
    {
      matcher_tree: {
        input: input(':path'),
        prefix_match_map: {
          map: {
            '/a': action('a'),
            '/a/b': { matcher: list([byValue('x-b', { exact: 'b' }), action('below')]) },
            '/a/b/c': action('c', { prefix: '/a/b/c', headers: [{ name: 'x-c' }] }),
          },
        },
      },
    },
    ...['/a/x', '/a/b/x', '/a/b/c/d', '/b', '/a/b?x'].map((target) => ({ target })),
    { target: '/a/b/x', fields: ['x-b: b'] },
    { target: '/a/b/c/x', fields: ['x-c: c'] },
  ),
  tree(
    {
      ...list(
        [
          {
            and_matcher: {
              predicate: [
                byValue('x-a', { prefix: 'A', ignore_case: true }),
                byValue('x-b', { safe_regex: { google_re2: {}, regex: 'b+' } }),
              ],
            },
          },
          action('both'),
        ],
        [
          byValue('x-a', { exact: 'a' }),
          { matcher: list([byValue('x-c', { exact: 'c' }), action('c')]) },
        ],
        [
          {
            or_matcher: {
              predicate: [byValue('x-a', { suffix: 'a' }), byValue('x-b', { contains: 'b' })],
            },
          },
          actions(answer({ path: '/x' }, 'first'), answer({ prefix: '/y' }, 'second')),
        ],
        [{ not_matcher: byValue('x-d', { exact: 'd' }) }, action('not')],
      ),
      on_no_match: action('last'),
    },
    ...fields(['x-a: a', 'x-b: bb'], ['x-a: a', 'x-c: c'], ['x-a: a'], ['x-b: b'], [], ['x-d: d']),
    ...['/x', '/y', '/z'].map((target) => ({ target, fields: ['x-b: b'] })),
  ),
  tree({}, {}),
  tree({ on_no_match: actions() }, {}),
  tree(
    { on_no_match: action('method', { prefix: '/', headers: [{ name: 'x' }] }) },
    {},
    {
      fields: ['x: 1'],
    },
  ),
];

const PARAMETERS: readonly Case[] = [
  onPath({ prefix: '/p;x' }, '/p;x', '/p'),
  onPath({ path: '/p' }, '/p;x', '/p;x?y;z', '/p?y;z', '/p;a/b', '/p/;a'),
  onPath({ prefix: '/p/b' }, '/p;a/b', '/p;a;c/b;d/e'),
  onPath({ safe_regex: { regex: '/p' } }, '/p;x', '/p;x/y?z'),
  onPath({ path_separated_prefix: '/p' }, '/p;x', '/p;x/y?z', '/p/x;y', '/px'),
  template('/{a}', '/p;x', '/p;x/y?z', '/;x'),
  template('/p', '/p;x', '/p'),
  onPath({ path: '/p//b' }, '/p/;a/b', '/p;a/b', '/p//b'),
];

const THEMES = { CONDITIONS, PATHS, MATCHERS, PARAMETERS } as const;

function listenerOf(name: string, cases: readonly Case[], table: Message = {}): Message {
  const virtual_hosts = cases.map(({ host }, index) => ({
    ...{ name: `v${index}`, domains: [`v${index}.test`] },
    ...host,
  }));
  return httpListener(name, { virtual_hosts, ...table });
}

function bootstrap(): Message {
  const ignoring = { ignore_path_parameters_in_path_matching: true };
  const listeners = Object.entries(THEMES).map(([name, cases]) =>
    listenerOf(name, cases, cases === PARAMETERS ? ignoring : {}),
  );
  return bootstrapOf(listeners, [staticCluster('a', 1)]);
}

async function ask(address: string, index: number, request: Request): Promise<string> {
  const { method = 'GET', target = '/', fields: more = [] } = request;
  const lines = [`host: v${index}.test`, ...more, 'connection: close'];
  const text = `${method} ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
  const { status, body } = await rawExchange(address, text);
  return `${status} ${body}`;
}

async function askAll(addressOf: (listener: string) => Promise<string>): Promise<string[]> {
  const said: string[] = [];
  for (const [name, cases] of Object.entries(THEMES)) {
    const address = await addressOf(name);
    for (const [index, { host, requests }] of cases.entries()) {
      for (const request of requests) {
        const outcome = await ask(address, index, request);
        said.push(`${JSON.stringify(host)} ${JSON.stringify(request)}: ${outcome}`);
      }
    }
  }
  return said;
}

t.test('conditions of routes hold where Envoy’s do', { skip: withoutEnvoy }, async (t) => {
  const proxy = await withProxy(bootstrap());
  const ours = await askAll(async (listener) => `127.0.0.1:${proxy.ports[listener]}`);
  await proxy.stop();
  await withEnvoy(bootstrap(), async (envoy) => {
    const theirs = await askAll((listener) => envoy.listener(listener));
    t.equal(ours.length, theirs.length);
    for (const [index, said] of theirs.entries()) t.equal(ours[index], said, said);
  });
});
