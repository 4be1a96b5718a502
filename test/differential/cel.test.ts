// CEL expressions as filters of access logs: for which of them Envoy writes a line.
import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import t from 'tap';
import { KEPT } from '../support/kept-connections.ts';
import { type ServedTwin, withServedTwins } from '../support/tls-twins.ts';
import { type Json, typed } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';

const EXPRESSIONS = [
  'true',
  '1',
  '"true"',
  'response.code >= 400',
  'response.code == 200',
  'response.code == 200.0',
  'response.code == 200u',
  'response.code in [200, 503]',
  'response.code > "a"',
  'response.code != "200"',
  'has(response.code) && response.code < 500',
  'has(request.referer)',
  'request.referer.startsWith("http://r")',
  'request.useragent == "me"',
  'has(request.useragent)',
  'request.method == "GET"',
  'request.path == "/up/a?q=1"',
  'request.url_path.endsWith("/a")',
  'request.query == "q=1"',
  'request.query == ""',
  'has(request.query)',
  'request.host == "h.test"',
  'request.host.matches("^h\\\\.")',
  'request.host.matches("test")',
  'request.scheme == "http"',
  'request.protocol == "HTTP/1.1"',
  'request.headers["x-a"] == "1,2"',
  'request.headers["X-A"] == "1,2"',
  'request.headers[":path"].contains("/up")',
  'request.headers[":authority"] == "h.test"',
  'request.headers["host"] == "h.test"',
  '"x-a" in request.headers',
  '"x-b" in request.headers',
  'has(request.headers.x_a)',
  'request.headers["x-b"] == "1"',
  'request.headers["x-b"] != "1"',
  '!(request.headers["x-b"] == "1")',
  'request.headers["x-b"] == "1" || request.method == "GET"',
  'request.method == "GET" || request.headers["x-b"] == "1"',
  'request.headers["x-b"] == "1" && false',
  'request.size == 3',
  'request.size == 0',
  'request.total_size > 20',
  'request.duration >= duration("0s")',
  'request.duration < duration("1h")',
  'request.time > timestamp("2020-01-01T00:00:00Z")',
  'request.id.size() == 36',
  'size(request.method) == 3',
  'response.headers["x-up"] == "yes"',
  'response.headers[":status"] == "200"',
  'response.trailers.size() == 0',
  'response.size == 2',
  'response.total_size > 2',
  'response.flags == 0',
  'response.flags > 0',
  'response.flags == 2',
  'response.grpc_status == 0',
  'has(response.grpc_status)',
  'response.code_details == "via_upstream"',
  'response.code_details == "no_healthy_upstream"',
  'has(response.backend_latency)',
  'response.backend_latency >= duration("0s")',
  'connection.mtls',
  '!connection.mtls',
  'connection.requested_server_name == ""',
  'has(connection.tls_version)',
  'has(connection.termination_details)',
  'has(connection.transport_failure_reason)',
  'connection.id > 0u',
  'connection.id > 0',
  'has(upstream.address)',
  'upstream.address.startsWith("127.0.0.1:")',
  'upstream.port > 0',
  'has(upstream.port)',
  'upstream.local_address.startsWith("127.0.0.1:")',
  'upstream.request_attempt_count == 1u',
  'has(upstream.request_attempt_count)',
  'has(upstream.transport_failure_reason)',
  'source.address.startsWith("127.0.0.1:")',
  'source.port > 0',
  'destination.port > 0',
  'destination.address.startsWith("127.0.0.1")',
  'metadata.filter_metadata["own"]["k"] == "v"',
  'metadata.filter_metadata["own"]["n"] == 1.0',
  'metadata.filter_metadata["own"]["n"] == 1',
  'metadata.filter_metadata.own.list[1] == "b"',
  'metadata.filter_metadata["none"]["k"] == "v"',
  'has(metadata.filter_metadata.own.k)',
  'has(metadata.filter_metadata.none)',
  '"own" in metadata.filter_metadata',
  'filter_state["fs"] == "text"',
  'filter_state["fs"] == b"text"',
  '"fs" in filter_state',
  'xds.cluster_name == "up"',
  'xds.route_name == "named"',
  'xds.cluster_metadata.filter_metadata.c.k == "v"',
  'xds.route_metadata.filter_metadata.r.k == "v"',
  'has(xds.upstream_host_metadata)',
  'xds.filter_chain_name == ""',
  'response.code > 100 ? true : false',
  'response.code + 100 == 300',
  'response.code % 100 == 0 && response.code / 100 == 2',
  'response.code * 1.0 == 200.0',
  '-response.code < 0',
  '1 / 0 == 1 || true',
  '{"a": true}.a',
  '{"a": true}["b"]',
  '[true, false][0]',
  '[true][1]',
  'null == null',
  '"é".size() == 1',
  '"a" < "b" && b"a" < b"b"',
  '"a" + "b" == "ab"',
  'int(request.headers["x-n"]) > 6',
  'double("1.5") > 1',
  'size([1, 2]) == 2',
] as const;

const REQUESTS = [
  'GET /up/a?q=1 HTTP/1.1\r\nhost: h.test\r\nuser-agent: me\r\nx-a: 1\r\nx-a: 2\r\nx-n: 7\r\nreferer: http://r/\r\n',
  'POST /up/b HTTP/1.1\r\nhost: other\r\ncontent-length: 3\r\n',
  'GET /down HTTP/1.1\r\nhost: h.test\r\n',
  'GET /direct HTTP/1.1\r\nhost: h.test\r\n',
  'GET /nowhere HTTP/1.1\r\nhost: h.test\r\nx-b: 1\r\n',
];

/** Numbers of the expressions that wrote a line, for each request. */
async function seen({ ports, lines }: ServedTwin): Promise<readonly string[][]> {
  const found: string[][] = [];
  let count = 0;
  for (const head of REQUESTS) {
    const socket = net.connect(ports['main'] ?? 0, '127.0.0.1');
    const body = head.startsWith('POST') ? 'abc' : '';
    socket.write(`${head}connection: close\r\n\r\n${body}`);
    socket.resume();
    await once(socket, 'close');
    let all: readonly string[] = [];
    do all = await lines(count + 1);
    while (all.at(-1) !== 'end');
    found.push(all.slice(count, -1).map((line) => EXPRESSIONS[Number(line)] ?? line));
    count = all.length;
  }
  return found;
}

function celFilter(expression: string): Json {
  const config = typed('extensions.access_loggers.filters.cel.v3.ExpressionFilter', { expression });
  const name = 'envoy.access_loggers.extension_filters.cel';
  return { extension_filter: { name, typed_config: config } };
}

t.test('expressions decide about lines as in Envoy', { skip: withoutEnvoy }, async (t) => {
  const upstream = http.createServer(KEPT, (request, response) => {
    request.resume().on('end', () => response.setHeader('x-up', 'yes').end('ok'));
  });
  upstream.listen(0, '127.0.0.1');
  await once(upstream, 'listening');
  t.teardown(() => upstream.close());
  const { port } = upstream.address() as AddressInfo;
  const address = { socket_address: { address: '127.0.0.1', port_value: port } };
  const cluster = {
    name: 'up',
    metadata: { filter_metadata: { c: { k: 'v' } } },
    load_assignment: {
      cluster_name: 'up',
      endpoints: [{ lb_endpoints: [{ endpoint: { address } }] }],
    },
  };
  const logs = EXPRESSIONS.map((expression, index) => ({
    format: { log_format: { text_format_source: { inline_string: `${index}\n` } } },
    filter: celFilter(expression),
  }));
  const end = { format: { log_format: { text_format_source: { inline_string: 'end\n' } } } };
  const value = { k: 'v', n: 1, list: ['a', 'b'] };
  const metadata = typed('extensions.filters.http.set_metadata.v3.Config', {
    metadata: [{ metadata_namespace: 'own', value }],
  });
  const state = {
    ...{ object_key: 'fs', factory_key: 'envoy.string' },
    format_string: { text_format_source: { inline_string: 'text' } },
  };
  const filterState = typed('extensions.filters.http.set_filter_state.v3.Config', {
    on_request_headers: [state],
  });
  const config = {
    listeners: {
      main: {
        routes: [
          {
            ...{ name: 'named', match: { prefix: '/up/' }, route: { cluster: 'up' } },
            metadata: { filter_metadata: { r: { k: 'v' } } },
          },
          { match: { path: '/down' }, route: { cluster: 'empty' } },
          { match: { path: '/nowhere' }, route: { cluster: 'none' } },
        ],
        filters: [
          { name: 'm', typed_config: metadata },
          { name: 's', typed_config: filterState },
        ],
        logs: [...logs, end],
      },
    },
    moreClusters: [cluster, { name: 'empty' }],
    validate: false,
    log: null,
  };
  await withServedTwins(config, async ({ ours, envoy }) => {
    const mine = await seen(ours);
    const theirs = await seen(envoy);
    for (const [index, request] of REQUESTS.entries()) {
      t.same(mine[index], theirs[index], request.split('\r\n', 1).join());
    }
    t.ok(mine[0]?.includes('request.headers["x-a"] == "1,2"'));
    t.ok(mine[2]?.includes('response.flags == 2'));
  });
});
