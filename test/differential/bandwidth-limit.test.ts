// The bandwidth limit: what passes without waiting, on routes too, and the statistics' names.
import t from 'tap';
import { type Json, type TwinConfig, typed } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { type TwinCase, withTwins } from '../support/with-twins.ts';
import { compareCases } from './compare-cases.ts';
import { compareStats, missingNames } from './compare-stats.ts';

const limit = (members: Json): Json =>
  typed('extensions.filters.http.bandwidth_limit.v3.BandwidthLimit', {
    stat_prefix: 'cluster.bandwidth',
    limit_kbps: 100,
    ...members,
  });
const route = (prefix: string, members: Json): Json => ({
  match: { prefix },
  route: { cluster: 'main' },
  typed_per_filter_config: { limit: limit(members) },
});
const LOG_FORMAT = '%REQ(:PATH)% %RESPONSE_CODE% %DOWNSTREAM_REMOTE_ADDRESS%\n';
const CONFIG: TwinConfig = {
  log: { log_format: { text_format_source: { inline_string: LOG_FORMAT } } },
  listeners: {
    main: {
      routes: [
        route('/off', { enable_mode: 'DISABLED', stat_prefix: 'cluster.off' }),
        route('/request', { enable_mode: 'REQUEST', stat_prefix: 'cluster.request' }),
        route('/response', {
          ...{ enable_mode: 'RESPONSE', stat_prefix: 'cluster.response' },
          ...{ enable_response_trailers: true, response_trailer_prefix: 'X-P' },
        }),
        route('/runtime', {
          enable_mode: 'RESPONSE',
          runtime_enabled: { default_value: false, runtime_key: 'a' },
        }),
      ],
      hcm: {
        http_protocol_options: { enable_trailers: true },
        http_filters: [
          { name: 'limit', typed_config: limit({ enable_mode: 'REQUEST_AND_RESPONSE' }) },
          {
            name: 'envoy.filters.http.router',
            typed_config: typed('extensions.filters.http.router.v3.Router'),
          },
        ],
      },
    },
  },
};

const chunked = {
  text: 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\na: b\r\n\r\n',
};
const CASES: readonly TwinCase[] = ['/', '/off', '/request', '/response', '/runtime'].flatMap(
  (path) => [
    {
      title: `GET ${path}`,
      send: `GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`,
    },
    {
      title: `POST ${path}`,
      send: `POST ${path} HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello`,
    },
    {
      title: `trailers both ways ${path}`,
      send: `POST ${path} HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n2\r\nhi\r\n0\r\na: b\r\n\r\n`,
      answer: chunked,
    },
    {
      title: `without content ${path}`,
      send: `GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`,
      answer: { text: 'HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n' },
    },
  ],
);

t.test('the bandwidth limit', { skip: withoutEnvoy }, async (t) => {
  await withTwins(CONFIG, async (twins) => {
    await compareCases(t, twins, CASES);
    // Behind the requests: what a route says to filters is counted from its first one on.
    t.same(await missingNames(twins), []);
    // How content is cut differs, and with it the gauges of single pieces.
    await compareStats(t, twins, CASES, /upstream_(cx|rq)|downstream|(incoming|allowed)_size/);
  });
});
