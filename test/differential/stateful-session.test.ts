// stateful_session: what clients get, what they may bring, and where their requests go then.
import t from 'tap';
import { type Json, type TwinConfig, typed } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type Outcome, type Twin, type TwinCase, withTwins } from '../support/with-twins.ts';
import { compareStats, missingNames } from './compare-stats.ts';

const LOG_FORMAT =
  '%REQ(:PATH)% %RESPONSE_CODE% %RESPONSE_CODE_DETAILS% %RESPONSE_FLAGS% %DOWNSTREAM_REMOTE_ADDRESS%\n';

const state = (kind: string, type: string, members: Json): Json => ({
  name: `envoy.http.stateful_session.${kind}`,
  typed_config: typed(`extensions.http.stateful_session.${kind}.v3.${type}`, members),
});
const cookie = (members: Json): Json =>
  state('cookie', 'CookieBasedSessionState', { cookie: { name: 'sess', ...members } });
const header = state('header', 'HeaderBasedSessionState', { name: 'X-Session' });
const envelope = state('envelope', 'EnvelopeSessionState', { header: { name: 'X-Env' } });
const filter = (members: Json): Json =>
  typed('extensions.filters.http.stateful_session.v3.StatefulSession', members);
const route = (prefix: string, perRoute: Json): Json => ({
  match: { prefix },
  route: { cluster: 'main' },
  typed_per_filter_config: {
    session: typed('extensions.filters.http.stateful_session.v3.StatefulSessionPerRoute', perRoute),
  },
});
const listener = (members: Json, routes: readonly Json[] = []) => ({
  routes,
  hcm: {
    http_filters: [
      { name: 'session', typed_config: filter(members) },
      {
        name: 'envoy.filters.http.router',
        typed_config: typed('extensions.filters.http.router.v3.Router'),
      },
    ],
  },
});

const CONFIG: TwinConfig = {
  log: { log_format: { text_format_source: { inline_string: LOG_FORMAT } } },
  listeners: {
    main: listener({ session_state: cookie({}), stat_prefix: 's' }, [
      route('/ttl', { stateful_session: { session_state: cookie({ ttl: '120s', path: '/ttl' }) } }),
      route('/attributes', {
        stateful_session: {
          session_state: cookie({
            ttl: '0s',
            attributes: [{ name: 'SameSite', value: 'Strict' }, { name: 'Secure' }],
          }),
        },
      }),
      route('/path', { stateful_session: { session_state: cookie({ path: '/path/' }) } }),
      route('/exact', { stateful_session: { session_state: cookie({ path: '/exact' }) } }),
      route('/header', { stateful_session: { session_state: header } }),
      route('/envelope', { stateful_session: { session_state: envelope } }),
      route('/strict', { stateful_session: { session_state: header, strict: true } }),
      route('/gone', {
        stateful_session: {
          ...{ session_state: header, strict: true },
          status_on_strict_destination_not_found: 410,
        },
      }),
      route('/none', { stateful_session: {} }),
      route('/disabled', { disabled: true }),
    ]),
    paths: listener({ session_state: cookie({ path: '/p' }), stat_prefix: 's', strict: true }),
    empty: listener({ stat_prefix: 's' }),
  },
};

const ANSWER = { text: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\nx-env: orig\r\n\r\nok' };

function ask(path: string, field = '', listenerName = 'main'): TwinCase {
  return {
    title: `${listenerName} ${path} ${field}`,
    listener: listenerName,
    send: `GET ${path} HTTP/1.1\r\nhost: h.test\r\n${field === '' ? '' : `${field}\r\n`}connection: close\r\n\r\n`,
    answer: ANSWER,
  };
}

/** base64 of a cookie with this address. */
function cookieOf(address: string, expires: readonly number[] = []): string {
  return Buffer.from([10, address.length, ...Buffer.from(address), ...expires]).toString('base64');
}
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const FUTURE = [0x10, 0xff, 0xff, 0xff, 0xff, 0x7f];

/** The cases of a proxy whose upstream has this address. */
function casesFor(own: string): readonly TwinCase[] {
  const other = '192.0.2.1:5';
  const cookies = [
    ...[cookieOf(own), cookieOf(own, [0x10, 1]), cookieOf(own, FUTURE), cookieOf(other)],
    ...[base64(own), '!!!', '', `"${cookieOf(own)}"`, cookieOf('')],
  ];
  const fields = [base64(own), own, base64(other), '!!', ''];
  const envelopes = [
    ...[`${base64(own)};UV:${base64('hello')}`, base64(own), `;UV:${base64('x')}`],
    ...[`${base64(own)};UV:`, `${base64(other)};UV:${base64('q')}`, `%%;UV:${base64('w')}`],
    ...[`${base64(own)};a=b;UV:${base64('z')}`, ''],
  ];
  return [
    ...[
      '/',
      '/ttl',
      '/attributes',
      '/path',
      '/path/x',
      '/pathx',
      '/exact',
      '/exact?a',
      '/exactly',
    ].map((path) => ask(path)),
    ...['/header', '/envelope', '/strict', '/none', '/disabled', '/direct'].map((path) =>
      ask(path),
    ),
    ...cookies.map((value) => ask('/', `cookie: a=b; sess=${value}; c=d`)),
    ...cookies.map((value) => ask('/p', `cookie: sess=${value}`, 'paths')),
    ask('/else', `cookie: sess=${cookieOf(other)}`, 'paths'),
    ask('/', '', 'empty'),
    ask('/', `cookie: a=b\r\ncookie: sess=${cookieOf(own)}`),
    ask('/disabled', `cookie: sess=${cookieOf(other)}`),
    ...['/header', '/strict', '/gone'].flatMap((path) =>
      fields.map((value) => ask(path, `x-session: ${value}`)),
    ),
    ...envelopes.map((value) => ask('/envelope', `x-env: ${value}`)),
  ];
}

/** Where this proxy's upstream is. */
async function upstreamOf(twin: Twin): Promise<string> {
  const { outcome } = await twin.runOne(ask('/header'));
  const value = /x-session: (\S+)/.exec(outcome.responses.join())?.[1] ?? '';
  return Buffer.from(value, 'base64').toString();
}

/** Every base64 that holds the address is shown decoded: the two proxies have different ones. */
function readable(text: string, own: string): string {
  return text.replaceAll(own, '{own}').replace(/[\w+/]{12,}={0,2}/g, (value) => {
    const octets = Buffer.from(value, 'base64').toString('latin1');
    return octets.includes(own) ? octets.replace(own, '{own}') : value;
  });
}

/** Times of the wall clock differ by the seconds between the two. */
function comparable(outcome: Outcome, own: string): Outcome {
  const decoded = (text: string): string =>
    readable(text, own).replace(/(set-cookie: sess="\n.\{own\})[^"]+"/s, '$1{expires}"');
  return {
    ...outcome,
    responses: outcome.responses.map(decoded),
    upstream: outcome.upstream.map((text) => readable(text, own)),
  };
}

t.test('stateful sessions', { skip: withoutEnvoy }, async (t) => {
  await withTwins(CONFIG, async (twins) => {
    t.same(await missingNames(twins), []);
    const { ours, envoy } = twins;
    const runs = await Promise.all(
      [ours, envoy].map(async (twin) => {
        const own = await upstreamOf(twin);
        const cases = casesFor(own);
        const outcomes = await twin.run(cases);
        return outcomes.map((outcome, index) => ({
          title: readable((cases[index] as TwinCase).title, own),
          ...comparable(outcome, own),
        }));
      }),
    );
    const [mine = [], theirs = []] = runs;
    for (const [index, outcome] of mine.entries()) {
      const { title: _title, ...wanted } = theirs[index] as typeof outcome;
      const { title, ...found } = outcome;
      t.same(found, wanted, title);
    }
    const other = cookieOf('192.0.2.1:5');
    await compareStats(
      t,
      twins,
      [
        ask('/'),
        ask('/', `cookie: sess=${other}`),
        ask('/none'),
        ask('/', '', 'empty'),
        ask('/p', `cookie: sess=${other}`, 'paths'),
        ask('/p', '', 'paths'),
        ask('/else', '', 'paths'),
        ask('/direct'),
      ],
      /upstream_(cx|rq)|downstream/,
    );
  });
});
