// A pod on one machine: traffic of an application is captured by the rules of `istio-iptables` and
// goes through the proxy, without the application knowing.
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { eventually } from '../support/eventually.ts';
import { whyNoRule } from '../support/net-namespace.ts';
import {
  APP_USER,
  type Capability,
  joinedPods,
  PEER_IP,
  PEER_IP6,
  POD_IP,
  POD_IP6,
  type Pod,
  type PodUser,
  whyNoPods,
} from '../support/pod.ts';
import { listenerOf, type Sidecar, type SidecarConfig, startSidecar } from '../support/sidecar.ts';
import { onEnvoy } from '../support/spawn-server.ts';

const MAIN = fileURLToPath(new URL('../../proxy/cli/main.js', import.meta.url));
const RULES = ['-p', '15001', '-z', '15006', '-u', '1337', '-g', '1337', '-i', '*', '-x', ''];
const INBOUND = ['-b', '*', '-d', '15090,15021,15020'];
const SERVICE = '10.96.0.10';
/** Another address of the other pod. */
const OTHER_PEER_IP = '10.77.0.3';
const skip = whyNoPods();

interface Mesh {
  readonly pod: Pod;
  readonly peer: Pod;
  /** The application, and somebody in the other pod. */
  readonly app: PodUser;
  readonly client: PodUser;
  readonly sidecar: Sidecar;
}

interface MeshOptions {
  readonly flags?: readonly string[];
  readonly change?: (config: SidecarConfig) => void;
  readonly capabilities?: readonly Capability[];
  /** Why it cannot be shown here. */
  readonly skip?: string | false;
}

/** Both pods; an application and its sidecar in the first, what it may call in the second. */
async function withMesh(t: Test, options: MeshOptions = {}): Promise<Mesh> {
  const { pod, peer, remove } = joinedPods();
  t.teardown(remove);
  pod.run(MAIN, 'istio-iptables', ...RULES, ...INBOUND, ...(options.flags ?? []));
  peer.space.must('ip', 'addr', 'add', `${OTHER_PEER_IP}/24`, 'dev', 'eth0');
  const app = pod.user(APP_USER);
  const client = peer.user(APP_USER);
  await app.serve(
    { what: 'serve-http', ip: '127.0.0.1', port: 8080, name: 'app' },
    { what: 'serve-tcp', ip: '0.0.0.0', port: 7001, name: 'app-db' },
  );
  await client.serve(
    { what: 'serve-http', ip: '0.0.0.0', port: 9080, name: 'reviews' },
    { what: 'serve-http', ip: PEER_IP, port: 8080, name: 'stranger' },
    { what: 'serve-tcp', ip: OTHER_PEER_IP, port: 8080, name: 'no HTTP' },
    { what: 'serve-tcp', ip: '0.0.0.0', port: 3306, name: 'mysql' },
    { what: 'serve-tcp', ip: '0.0.0.0', port: 7000, name: 'elsewhere' },
  );
  const { change, capabilities } = options;
  const sidecar = await startSidecar({ pod, watcher: peer }, change, capabilities);
  t.teardown(() => sidecar.stop());
  return { pod, peer, app, client, sidecar };
}

function inMesh(title: string, options: MeshOptions, body: (t: Test, mesh: Mesh) => Promise<void>) {
  t.test(title, { skip: skip === false ? (options.skip ?? false) : skip }, async (t) =>
    body(t, await withMesh(t, options)),
  );
}

/** What a server says of the request that reached it. */
function seen(text = '{}'): Record<string, unknown> {
  return JSON.parse(text) as Record<string, unknown>;
}

inMesh('outbound', {}, async (t, { app, sidecar }) => {
  const call = (ip: string, host: string, port = 8080) =>
    app.do({ what: 'http', ip, port, host, path: '/reviews/0' });
  await t.test('HTTP to a service address is routed by Host', async (t) => {
    const { status, text } = await call(SERVICE, 'reviews.demo:8080');
    t.equal(status, 200);
    t.match(seen(text), { name: 'reviews', host: 'reviews.demo:8080', url: '/reviews/0' });
    const elsewhere = await call('10.96.7.7', 'reviews');
    t.match(seen(elsewhere.text), { name: 'reviews' }, 'whatever the address');
    await eventually(() => /"GET \/reviews\/0 HTTP\/1.1" 200/.test(sidecar.output));
  });
  await t.test('unknown hosts pass through to where they were meant', async (t) => {
    const { status, text } = await call(PEER_IP, 'example.test');
    t.equal(status, 200);
    t.match(seen(text), { name: 'stranger', host: 'example.test' });
  });
  await t.test('unknown destinations pass through, and the server may speak first', async (t) => {
    const answer = await app.do({ what: 'tcp', ip: PEER_IP, port: 7000, text: 'hello' });
    t.same(answer, { error: '', text: `elsewhere greets ${POD_IP}\nhello` });
  });
  await t.test('a TCP service by its address', async (t) => {
    const answer = await app.do({ what: 'tcp', ip: '10.96.0.20', port: 3306, text: 'quit' });
    t.same(answer, { error: '', text: `mysql greets ${POD_IP}\nquit` });
  });
  await t.test('a server that speaks first on a port of HTTP is reached as well', async (t) => {
    const answer = await app.do({ what: 'tcp', ip: OTHER_PEER_IP, port: 8080, text: 'hello' });
    t.same(answer, { error: '', text: `no HTTP greets ${POD_IP}\nhello` });
  });
  await t.test('where nobody listens the connection ends', async (t) => {
    const { error, text } = await app.do({ what: 'tcp', ip: PEER_IP, port: 7999 });
    t.match(error, /^(?:|ECONNRESET)$/);
    t.equal(text, '');
    t.equal((await call(PEER_IP, 'example.test', 7998)).error, 'ECONNRESET');
  });
  await t.test('a loop is refused at the first hop', async (t) => {
    for (const port of [15001, 15006]) {
      const { text } = await app.do({ what: 'tcp', ip: POD_IP, port, text: 'x' });
      t.equal(text, '', `${port}`);
    }
  });
});

function registryOnly(config: SidecarConfig): void {
  const toBlackHole = (listener: SidecarConfig): void => {
    const chains = [...listener.filter_chains, listener.default_filter_chain ?? { filters: [] }];
    for (const { filters } of chains) {
      for (const { typed_config: filter } of filters) {
        if (filter.cluster === 'PassthroughCluster') filter.cluster = 'BlackHoleCluster';
      }
    }
  };
  toBlackHole(listenerOf(config, 'virtualOutbound'));
  const http = listenerOf(config, '0.0.0.0_8080');
  toBlackHole(http);
  const hosts = http.filter_chains[0].filters[0].typed_config.route_config.virtual_hosts;
  hosts[1] = {
    name: 'block_all',
    domains: ['*'],
    routes: [{ match: { prefix: '/' }, direct_response: { status: 502 } }],
  };
}

inMesh('REGISTRY_ONLY', { change: registryOnly }, async (t, { app }) => {
  const http = { what: 'http', ip: PEER_IP, port: 8080 } as const;
  t.match(await app.do({ ...http, host: 'example.test' }), { status: 502 });
  t.match(await app.do({ ...http, host: 'reviews' }), { status: 200 });
  const { text } = await app.do({ what: 'tcp', ip: PEER_IP, port: 7000, text: 'x' });
  t.equal(text, '', 'an unknown destination gets nothing');
});

inMesh('inbound', {}, async (t, { pod, app, client, sidecar }) => {
  await t.test('reaches the application on loopback, from 127.0.0.6', async (t) => {
    const answer = await client.do({ what: 'http', ip: POD_IP, port: 8080, host: 'app' });
    t.equal(answer.status, 200);
    const request = seen(answer.text);
    t.match(request, { name: 'app', peer: '127.0.0.6', host: 'app' });
    t.equal(request['forwardedFor'], PEER_IP, "the client's address is kept");
    await eventually(() => sidecar.output.includes(`"${PEER_IP}"`));
  });
  await t.test('ports that the proxy knows nothing of pass through', async (t) => {
    const answer = await client.do({ what: 'tcp', ip: POD_IP, port: 7001, text: 'bye' });
    t.same(answer, { error: '', text: 'app-db greets 127.0.0.6\nbye' });
  });
  await t.test("health and Prometheus are the proxy's own ports", async (t) => {
    const at = { what: 'http', ip: POD_IP } as const;
    t.match(await client.do({ ...at, port: 15021, path: '/healthz/ready' }), { status: 200 });
    t.match(await client.do({ ...at, port: 15021, path: '/' }), { status: 404 });
    const stats = await client.do({ ...at, port: 15090, path: '/stats/prometheus' });
    t.match(stats.text, /envoy_cluster_upstream_cx_total\{[^}]*"InboundPassthroughCluster"\} 1/);
  });
  await t.test('a loop is refused at the first hop', async (t) => {
    for (const port of [15006, 15001]) {
      const { text } = await client.do({ what: 'tcp', ip: POD_IP, port, text: 'x' });
      t.equal(text, '', `${port}`);
    }
  });
  await t.test('what the application says to itself stays with it', async (t) => {
    for (const ip of ['127.0.0.1', POD_IP]) {
      const answer = await app.do({ what: 'tcp', ip, port: 7001, text: 'me' });
      t.same(answer, { error: '', text: `app-db greets ${ip}\nme` });
    }
    t.match(pod.space.must('iptables-nft-save', '-t', 'nat'), 'ISTIO_IN_REDIRECT');
  });
});

/** Without the chains that Istio puts in the way of loops. */
function withoutBlackHoles(config: SidecarConfig): void {
  for (const name of ['virtualInbound', 'virtualOutbound'])
    listenerOf(config, name).filter_chains.shift();
}

const LOOPS: MeshOptions = {
  change: withoutBlackHoles,
  skip: onEnvoy && 'skipped: Envoy connects to itself until a limit stops it',
};

inMesh('loops end by themselves', LOOPS, async (t, { app, client }) => {
  const order = { what: 'tcp', ip: POD_IP, text: 'x' } as const;
  for (const port of [15001, 15006]) {
    t.match(await client.do({ ...order, port }), { text: '' }, `from outside, ${port}`);
    t.match(await app.do({ ...order, port }), { text: '' }, `from inside, ${port}`);
  }
  const at = { what: 'http', ip: POD_IP, port: 15090, path: '/stats/prometheus' } as const;
  const { text = '' } = await client.do(at);
  const connectionsTo = (cluster: string): number =>
    Number(new RegExp(`cx_total\\{[^}]*"${cluster}"\\} (\\d+)`).exec(text)?.[1] ?? -1);
  t.equal(connectionsTo('PassthroughCluster'), 0);
  // One step each, to a listener that refuses it.
  t.ok(connectionsTo('InboundPassthroughCluster') <= 3);
});

function transparent(config: SidecarConfig): void {
  for (const name of ['virtualInbound', 'virtualOutbound']) {
    listenerOf(config, name).transparent = true;
  }
}

const TPROXY: MeshOptions = {
  flags: ['-m', 'TPROXY'],
  change: transparent,
  capabilities: ['net_admin'],
  skip: whyNoRule('iptables-nft', '-t mangle -A PREROUTING -p tcp -j TPROXY --on-port 1'),
};

inMesh('TPROXY', TPROXY, async (t, { app, client, sidecar }) => {
  const answer = await client.do({ what: 'http', ip: POD_IP, port: 8080, host: 'app' });
  t.equal(answer.status, 200);
  t.match(seen(answer.text), { name: 'app', forwardedFor: PEER_IP }, 'the client is known');
  await eventually(() => sidecar.output.includes(`"${PEER_IP}"`));
  const raw = await client.do({ what: 'tcp', ip: POD_IP, port: 7001, text: 'bye' });
  t.same(raw, { error: '', text: 'app-db greets 127.0.0.6\nbye' });
  const out = await app.do({ what: 'tcp', ip: PEER_IP, port: 7000, text: 'hello' });
  t.same(out, { error: '', text: `elsewhere greets ${POD_IP}\nhello` });
});

/** As Istio does it in dual-stack pods: IPv6 beside IPv4, on the same ports. */
function dualStack(config: SidecarConfig): void {
  for (const [name, port_value] of [
    ['virtualInbound', 15006],
    ['virtualOutbound', 15001],
  ] as const) {
    const address = { socket_address: { address: '::', port_value } };
    listenerOf(config, name).additional_addresses = [{ address }];
  }
}

const DUAL_STACK: MeshOptions = {
  flags: ['--dual-stack'],
  change: dualStack,
  skip: whyNoRule('ip6tables-nft', '-t nat -A OUTPUT -p tcp -j REDIRECT --to-ports 1'),
};

inMesh('IPv6 beside IPv4', DUAL_STACK, async (t, { app, client }) => {
  await client.serve({ what: 'serve-tcp', ip: PEER_IP6, port: 7000, name: 'elsewhere' });
  const hello = { what: 'tcp', port: 7000, text: 'hello' } as const;
  const there = await app.do({ ...hello, ip: PEER_IP6 });
  t.same(there, { error: '', text: `elsewhere greets ${POD_IP6}\nhello` });
  const here = await app.do({ ...hello, ip: PEER_IP });
  t.same(here, { error: '', text: `elsewhere greets ${POD_IP}\nhello` });
  const answer = await client.do({ what: 'http', ip: POD_IP6, port: 8080, host: 'app' });
  t.match(seen(answer.text), { name: 'app', peer: '127.0.0.6', forwardedFor: PEER_IP6 });
});
