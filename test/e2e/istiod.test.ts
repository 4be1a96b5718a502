// Two pods whose sidecars are configured by something like istiod: one by the state of the world, the
// other incrementally. Nothing that it sends is refused, and traffic flows in, out, and with mTLS
// between the two.
import { chmodSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t, { type Test } from 'tap';
import { makeAuthority } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { agentBootstrap } from '../support/istiod-bootstrap.ts';
import { IstiodPlane, type NodeConfig, serveSecrets } from '../support/istiod-plane.ts';
import {
  httpListener,
  otherClusters,
  outboundRoutes,
  serviceCluster,
  serviceEndpoints,
  standardClusters,
  tcpListener,
  virtualInbound,
  virtualOutbound,
} from '../support/istiod-shapes.ts';
import { spiffeId, workloadCertificate } from '../support/mesh-tls.ts';
import {
  APP_USER,
  joinedPods,
  PEER_IP,
  POD_IP,
  type Pod,
  type PodUser,
  whyNoPods,
} from '../support/pod.ts';
import { runSidecar, type Sidecar } from '../support/sidecar.ts';
import type { Message } from '../support/static-bootstrap.ts';
import { TestDirectory } from '../support/with-process.ts';

const MAIN = fileURLToPath(new URL('../../proxy/cli/main.js', import.meta.url));
const RULES = ['-p', '15001', '-z', '15006', '-u', '1337', '-g', '1337', '-i', '*', '-x', ''];
const INBOUND = ['-b', '*', '-d', '15090,15021,15020'];
const ORDERS = 'orders.store.svc.cluster.local';
const LEDGER = 'ledger.store.svc.cluster.local';
const LEDGER_IP = '10.96.0.20';
const SHOP_ID = `sidecar~${POD_IP}~shop-0.store~store.svc.cluster.local`;
const ORDERS_ID = `sidecar~${PEER_IP}~orders-0.store~store.svc.cluster.local`;
const HTTP = `outbound|8080||${ORDERS}`;
const TCP = `outbound|7306||${LEDGER}`;

function service(host: string, port: number, account: string) {
  return { sni: `outbound_.${port}_._.${host}`, accounts: [spiffeId('store', account)] };
}

/** What both are told about services. */
const OUTBOUND: NodeConfig = {
  cluster: [
    serviceCluster(HTTP, service(ORDERS, 8080, 'orders')),
    serviceCluster(TCP, service(LEDGER, 7306, 'orders')),
    ...otherClusters(),
  ],
  endpoint: [
    serviceEndpoints(HTTP, [{ ip: PEER_IP, port: 8080, hasSidecar: true }]),
    serviceEndpoints(TCP, [{ ip: PEER_IP, port: 7306, hasSidecar: true }]),
  ],
  listener: [httpListener(8080), tcpListener(LEDGER_IP, 7306, TCP), virtualOutbound()],
  route: [outboundRoutes(8080, [{ host: ORDERS, cluster: HTTP }])],
};

function node(listener: Message, ports: readonly number[]): NodeConfig {
  return {
    ...OUTBOUND,
    cluster: [...OUTBOUND.cluster, ...standardClusters(ports)],
    listener: [...OUTBOUND.listener, listener],
  };
}

const SHOP = node(virtualInbound([{ port: 8000, mode: 'PERMISSIVE', protocol: 'auto' }]), [8000]);
const ORDERS_NODE = node(
  virtualInbound([
    { port: 8080, mode: 'PERMISSIVE', protocol: 'auto' },
    { port: 7306, mode: 'STRICT', protocol: 'tcp' },
  ]),
  [8080, 7306],
);

interface Mesh {
  readonly plane: IstiodPlane;
  readonly shop: PodUser;
  readonly orders: PodUser;
  readonly sidecars: readonly Sidecar[];
  /** GET on the admin interface of the first sidecar, or of the other. */
  admin(path: string, pod?: 'shop' | 'orders'): Promise<string>;
}

const root = makeAuthority({ subject: 'mesh' });

function secretsOf(account: string): Readonly<Record<string, Message>> {
  const { chainPem, keyPem } = workloadCertificate(root, spiffeId('store', account));
  return {
    default: {
      tls_certificate: {
        certificate_chain: { inline_string: chainPem },
        private_key: { inline_string: keyPem },
      },
    },
    ROOTCA: { validation_context: { trusted_ca: { inline_string: root.pem } } },
  };
}

async function withMesh(t: Test): Promise<Mesh> {
  const sockets = new TestDirectory();
  chmodSync(sockets.path, 0o755);
  const { pod, peer, remove } = joinedPods();
  t.teardown(remove);
  const xdsPath = join(sockets.path, 'XDS');
  const plane = await IstiodPlane.listen(xdsPath, { [SHOP_ID]: SHOP, [ORDERS_ID]: ORDERS_NODE });
  t.teardown(() => plane.close());
  for (const each of [pod, peer]) each.run(MAIN, 'istio-iptables', ...RULES, ...INBOUND);
  const [shop, orders] = [pod.user(APP_USER), peer.user(APP_USER)];
  await shop.serve({ what: 'serve-http', ip: '0.0.0.0', port: 8000, name: 'shop' });
  await orders.serve(
    { what: 'serve-http', ip: '0.0.0.0', port: 8080, name: 'orders' },
    { what: 'serve-tcp', ip: '0.0.0.0', port: 7306, name: 'ledger' },
    { what: 'serve-http', ip: '0.0.0.0', port: 9090, name: 'stranger' },
  );
  const start = async (place: Parameters<typeof runSidecar>[0], id: string, account: string) => {
    const sdsPath = join(sockets.path, account);
    const secrets = await serveSecrets(sdsPath, secretsOf(account));
    t.teardown(() => secrets.close());
    for (const path of [xdsPath, sdsPath]) chmodSync(path, 0o777);
    const variant = id === SHOP_ID ? 'GRPC' : 'DELTA_GRPC';
    const options = { id, variant, xdsPath, sdsPath } as const;
    const sidecar = await runSidecar(place, () => agentBootstrap(options));
    t.teardown(() => sidecar.stop());
    return sidecar;
  };
  const sidecars = await Promise.all([
    start({ pod, watcher: peer }, SHOP_ID, 'shop'),
    start({ pod: peer, watcher: pod, ip: PEER_IP }, ORDERS_ID, 'orders'),
  ]);
  const admin = async (path: string, where: 'shop' | 'orders' = 'shop'): Promise<string> => {
    const order = { what: 'http', ip: '127.0.0.1', port: 15000, path } as const;
    const of: Pod = where === 'shop' ? pod : peer;
    return (await of.user(1337).do(order)).text ?? '';
  };
  return { plane, shop, orders, sidecars, admin };
}

function seen(text = '{}'): Record<string, unknown> {
  return JSON.parse(text === '' ? '{}' : text) as Record<string, unknown>;
}

t.test('sidecars under istiod', { skip: whyNoPods() }, async (t) => {
  const { plane, shop, orders, sidecars, admin } = await withMesh(t);
  const call = (path: string, host = ORDERS) =>
    shop.do({ what: 'http', ip: '10.96.0.10', port: 8080, host, path });

  await t.test('a request goes to the other sidecar with mTLS, as HTTP', async (t) => {
    await eventually(async () => (await call('/')).status === 200);
    const { text } = await call('/items/7/parts');
    t.match(seen(text), { name: 'orders', url: '/items/7/parts', host: ORDERS });
    t.match(seen(text)['certificate'], /By=spiffe:.*\/sa\/orders;.*URI=spiffe:.*\/sa\/shop$/);
    t.equal((await call('/missing')).status, 404);
    await eventually(() => /^line GET 404 /m.test(sidecars[0]?.output ?? ''));
    t.notMatch(sidecars[0]?.output, /^line GET 200 /m);
  });

  await t.test('TCP too', async (t) => {
    const answer = await shop.do({ what: 'tcp', ip: LEDGER_IP, port: 7306, text: 'sum' });
    t.match(answer, { error: '', text: /^ledger greets 127\.0\.0\.6\nsum$/ });
  });

  await t.test('what is no service of the mesh passes through', async (t) => {
    const order = { what: 'http', ip: PEER_IP, port: 9090, host: 'x', path: '/' } as const;
    t.match(seen((await shop.do(order)).text), { name: 'stranger' });
  });

  await t.test('a client without a sidecar is let in where that is permitted', async (t) => {
    const order = { what: 'http', ip: POD_IP, port: 8000, host: 'shop', path: '/' } as const;
    const { status, text } = await orders.do(order);
    t.equal(status, 200);
    t.match(seen(text), { name: 'shop', peer: '127.0.0.6' });
  });

  await t.test(
    'nothing was refused, and nothing asked for that istiod does not know',
    async (t) => {
      t.same(plane.refusals, []);
      t.same(plane.strangers, []);
      for (const id of [SHOP_ID, ORDERS_ID]) {
        for (const kind of ['cluster', 'endpoint', 'listener', 'route']) {
          t.ok(plane.accepted.includes(`${id} ${kind}`), `${id} ${kind}`);
        }
      }
    },
  );

  await t.test('the same again changes nothing', async (t) => {
    const state = async (pod: 'shop' | 'orders'): Promise<string> => {
      const filter = 'listener_(added|modified|in_place)|cluster_(added|modified|updated)';
      return admin(`/stats?filter=${encodeURIComponent(filter)}`, pod);
    };
    const before = [await state('shop'), await state('orders')];
    const count = plane.accepted.length;
    plane.push();
    // Two sidecars, four types.
    await eventually(() => plane.accepted.length >= count + 8);
    t.same([await state('shop'), await state('orders')], before);
    t.match(before[0], /listener_added: 5/);
    t.match(before[0], /cluster_modified: 0/);
    t.equal((await call('/')).status, 200);
    t.same(plane.refusals, []);
  });

  await t.test('what has no effect is named', async (t) => {
    const dump = JSON.parse(await admin('/config_dump')) as { configs: { bootstrap?: Message }[] };
    const found = dump.configs[0]?.bootstrap?.['node'] as { extensions: Message[] };
    const names = found.extensions.map(({ category, name }) => `${category} ${name}`);
    t.same(names.sort(), [
      'envoy.bootstrap envoy.bootstrap.workload_discovery',
      'envoy.filters.http envoy.filters.http.peer_metadata',
      'envoy.filters.http istio.stats',
      'envoy.filters.network envoy.filters.network.metadata_exchange',
      'envoy.filters.network envoy.filters.network.mongo_proxy',
      'envoy.filters.network istio.stats',
      'envoy.filters.upstream_network envoy.filters.network.metadata_exchange',
      'envoy.tracers envoy.tracers.zipkin',
    ]);
  });
});
