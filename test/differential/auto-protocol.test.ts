// Clusters that leave their protocol to ALPN, or to the client, beside Envoy's: servers of HTTP/2
// alone, HTTP/1.1 alone, both, and one that knows no ALPN.
import type http from 'node:http';
import http2 from 'node:http2';
import https from 'node:https';
import type { AddressInfo, Server } from 'node:net';
import t, { type Test } from 'tap';
import { eventually } from '../support/eventually.ts';
import { serverIdentities } from '../support/identities.ts';
import { openMirror } from '../support/tls-exchange.ts';
import { type ServedTwin, secureCluster, withServedTwins } from '../support/tls-twins.ts';
import { type Json, typed } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';

const OWN = { cert: serverIdentities.bare.chainPem, key: serverIdentities.bare.keyPem };
const OPTIONS = 'extensions.upstreams.http.v3.HttpProtocolOptions';
const STATS = ['http1_total', 'http2_total', 'active', 'connect_fail', 'destroy'] as const;

/** Answers with its own view of the protocol. */
function answer(
  request: http.IncomingMessage | http2.Http2ServerRequest,
  response: { end(text: string): unknown },
): void {
  response.end(request.httpVersion);
}

async function listening(server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function servers(t: Test) {
  const both = http2.createSecureServer({ ...OWN, allowHTTP1: true }, answer);
  const h2 = http2.createSecureServer(OWN, answer);
  const h1 = https.createServer(OWN, answer);
  const none = await openMirror(serverIdentities.bare);
  t.teardown(() => {
    for (const server of [both, h2, h1]) server.close();
    h1.closeAllConnections();
    none.close();
  });
  return {
    both: await listening(both),
    h2: await listening(h2),
    h1: await listening(h1),
    none: none.port,
  };
}

function clusterOf(name: string, port: number, chosen: Json, context: Json = {}): Json {
  return secureCluster(port, context, {
    name,
    typed_extension_protocol_options: {
      [`envoy.${OPTIONS}`]: typed(OPTIONS, chosen),
    },
  });
}

async function asked(port: number, path: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  const text = await response.text();
  return `${response.status} ${text.startsWith('GET') ? 'mirrored' : text}`;
}

/** By a client that speaks HTTP/2 in the clear. */
async function askedByH2(port: number, path: string): Promise<string> {
  const session = http2.connect(`http://127.0.0.1:${port}`);
  const stream = session.request({ ':path': path });
  let [status, text] = [0, ''];
  stream.on('response', (fields) => {
    status = Number(fields[':status']);
  });
  for await (const chunk of stream) text += String(chunk);
  session.close();
  return `${status} ${text}`;
}

async function counted({ stat }: ServedTwin, names: readonly string[]): Promise<Json> {
  const found: Record<string, unknown> = {};
  for (const name of names) {
    const values = STATS.map((each) => stat(`cluster.${name}.upstream_cx_${each}`));
    found[name] = await Promise.all(values);
  }
  return found;
}

const AUTO = { auto_config: {} };
const SAME = { use_downstream_protocol_config: {} };

t.test('the protocol is what ALPN chooses', { skip: withoutEnvoy }, async (t) => {
  const ports = await servers(t);
  const only = (...alpn_protocols: string[]): Json => ({ common_tls_context: { alpn_protocols } });
  const clusters: Readonly<Record<string, Json>> = {
    both: clusterOf('both', ports.both, AUTO),
    h2: clusterOf('h2', ports.h2, AUTO),
    h1: clusterOf('h1', ports.h1, AUTO),
    none: clusterOf('none', ports.none, AUTO),
    offered: clusterOf('offered', ports.both, AUTO, only('http/1.1')),
    foreign: clusterOf('foreign', ports.none, AUTO, only('foo', 'h2')),
    same: clusterOf('same', ports.both, SAME),
  };
  const names = Object.keys(clusters);
  const routes = names.map((name) => ({
    match: { prefix: `/${name}/` },
    route: { cluster: name },
  }));
  const text = '%REQ(:PATH)% %RESPONSE_CODE% %UPSTREAM_PROTOCOL% %RESPONSE_FLAGS%\n';
  const config = {
    listeners: { main: { routes } },
    moreClusters: Object.values(clusters),
    log: { log_format: { text_format_source: { inline_string: text } } },
  };
  const look = async (twin: ServedTwin): Promise<Json> => {
    const port = Number(twin.ports['main']);
    const answers: string[] = [];
    for (const name of names) {
      for (const turn of [1, 2]) answers.push(`${name} ${await asked(port, `/${name}/${turn}`)}`);
    }
    answers.push(`by h2 ${await askedByH2(port, '/same/h2')}`);
    await eventually(async () => (await twin.stat('cluster.none.upstream_cx_destroy')) >= 2);
    return { answers, lines: await twin.lines(answers.length), stats: await counted(twin, names) };
  };
  await withServedTwins(config, async ({ ours, envoy }) => {
    const [mine, theirs] = await Promise.all([look(ours), look(envoy)]);
    t.same(mine, theirs);
    t.match(mine, {
      answers: ['both 200 2.0', 'both 200 2.0', 'h2 200 2.0', 'h2 200 2.0', 'h1 200 1.1'],
      stats: { both: [0, 1], h1: [1, 0], none: [2, 0], offered: [1, 0], same: [1, 1] },
    });
    // Envoy counts a connection again once it knows what it speaks.
    const totals = [ours, envoy].map(({ stat }) => stat('cluster.h2.upstream_cx_total'));
    t.same(await Promise.all(totals), [1, 2]);
  });
});

t.test('requests at once wait for what is chosen', { skip: withoutEnvoy }, async (t) => {
  const ports = await servers(t);
  const clusters = {
    h2: clusterOf('h2', ports.h2, AUTO),
    h1: clusterOf('h1', ports.h1, AUTO),
  };
  const names = Object.keys(clusters);
  const routes = names.map((name) => ({
    match: { prefix: `/${name}/` },
    route: { cluster: name },
  }));
  const moreClusters = Object.values(clusters);
  await withServedTwins(
    { listeners: { main: { routes } }, moreClusters, log: null },
    async (it) => {
      for (const twin of [it.ours, it.envoy]) {
        const all = names.flatMap((name) =>
          Array.from({ length: 8 }, (_, index) =>
            asked(Number(twin.ports['main']), `/${name}/${index}`),
          ),
        );
        const answers = new Set(await Promise.all(all));
        t.same([...answers].sort(), ['200 1.1', '200 2.0'], twin.side);
        const [h1, h2] = [
          await twin.stat('cluster.h2.upstream_cx_http1_total'),
          await twin.stat('cluster.h1.upstream_cx_http2_total'),
        ];
        t.same([h1, h2], [0, 0], twin.side);
      }
    },
  );
});
