// A real control plane: Outrigger gets everything that it is from go-control-plane, in both variants,
// over one aggregated stream and over a stream for each type.
import tls from 'node:tls';
import t, { type Test } from 'tap';
import { makeAuthority, makeCertificate } from '../support/certificates.ts';
import { ADS, adsBootstrap, apiSource, rdsListener } from '../support/dynamic-bootstrap.ts';
import { startEchoUpstream } from '../support/echo-upstream.ts';
import { eventually } from '../support/eventually.ts';
import { GoPlane, type GoSnapshot, goProgram, readDumpInGo } from '../support/go-plane.ts';
import { assignment, edsCluster } from '../support/resource-files.ts';
import { type Message, staticCluster, virtualHost } from '../support/static-bootstrap.ts';
import { type TestProxy, withProxy } from '../support/with-proxy.ts';

const program = goProgram();
const skip = program.ok ? false : program.reason;

const EXTENSIONS = 'type.googleapis.com/envoy.extensions';
const MUTATION = `${EXTENSIONS}.filters.http.header_mutation.v3.HeaderMutation`;
const TLS_CONTEXT = `${EXTENSIONS}.transport_sockets.tls.v3.DownstreamTlsContext`;
const authority = makeAuthority();

/** What differs between the versions of a site. */
interface Site {
  /** Where all resources come from. */
  readonly source: Message;
  readonly port: number;
  /** In the certificate, in a response field, in the runtime. */
  readonly mark: string;
  readonly more?: GoSnapshot;
}

function filters(source: Message): readonly Message[] {
  const config_discovery = { config_source: source, type_urls: [MUTATION] };
  const router = { '@type': `${EXTENSIONS}.filters.http.router.v3.Router` };
  return [
    { name: 'marking', config_discovery },
    { name: 'router', typed_config: router },
  ];
}

/** HTTP on one listener, HTTPS on another, both with the same routes and filters. */
function listeners(source: Message): readonly Message[] {
  const plain = rdsListener('web', { source });
  const [chain] = plain['filter_chains'] as [{ readonly filters: readonly Message[] }];
  const [manager] = chain.filters as [{ readonly typed_config: Message }];
  const typed_config = { ...manager.typed_config, http_filters: filters(source) };
  const secrets = [{ name: 'own', sds_config: source }];
  const context = {
    '@type': TLS_CONTEXT,
    common_tls_context: { tls_certificate_sds_secret_configs: secrets },
  };
  const own = { filters: [{ ...manager, typed_config }] };
  const transport_socket = { name: 'envoy.transport_sockets.tls', typed_config: context };
  return [
    { ...plain, filter_chains: [own] },
    { ...plain, name: 'secure', filter_chains: [{ ...own, transport_socket }] },
  ];
}

function site({ mark, more, port, source }: Site): GoSnapshot {
  const append = {
    header: { key: 'x-mark', value: mark },
    append_action: 'OVERWRITE_IF_EXISTS_OR_ADD',
  };
  const typed_config = { '@type': MUTATION, mutations: { response_mutations: [{ append }] } };
  const leaf = makeCertificate({ issuer: authority, subject: mark });
  const route = { match: { prefix: '/' }, route: { cluster: 'app' } };
  return {
    cluster: [edsCluster('app', source)],
    endpoint: [assignment('app', [port])],
    listener: listeners(source),
    route: [
      {
        name: 'routes',
        virtual_hosts: [virtualHost(['*'], [route], { response_headers_to_remove: [`x-${mark}`] })],
      },
    ],
    secret: [
      {
        name: 'own',
        tls_certificate: {
          certificate_chain: { inline_string: leaf.chainPem },
          private_key: { inline_string: leaf.keyPem },
        },
      },
    ],
    runtime: [{ name: 'layer', layer: { mark } }],
    extension: [{ name: 'marking', typed_config }],
    ...more,
  };
}

/** `<upstream> <mark of the filter> <mark of the certificate> <mark of the runtime>` */
async function look(proxy: TestProxy): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${proxy.ports['web']}/`, {
    headers: { connection: 'close' },
  });
  const text = await response.text();
  const upstream = text.startsWith('{')
    ? (JSON.parse(text) as { upstream: string }).upstream
    : text;
  const runtime = await (await fetch(`http://${proxy.adminAddress}/runtime`)).json();
  const { entries } = runtime as { readonly entries: Record<string, { final_value: string }> };
  const parts = [
    upstream,
    response.headers.get('x-mark'),
    await certificateMark(proxy.ports['secure'] ?? 0),
    entries['mark']?.final_value,
  ];
  return parts.join(' ');
}

function certificateMark(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = tls.connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      resolve(String(socket.getPeerCertificate().subject.CN));
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

async function start(t: Test, { isAggregated, isIncremental }: Mode) {
  if (!program.ok) throw new Error(program.reason);
  const [a, b] = await Promise.all([startEchoUpstream('a'), startEchoUpstream('b')]);
  const plane = await GoPlane.start(program.path, isAggregated);
  const api_config_source = apiSource(isIncremental);
  const source = isAggregated ? ADS : { api_config_source, resource_api_version: 'V3' };
  plane.set(site({ source, port: a.port, mark: 'one' }));
  const rtds_layer = { name: 'layer', rtds_config: source };
  const bootstrap = {
    ...adsBootstrap(plane.port, isIncremental, { source }),
    ...{ layered_runtime: { layers: [{ name: 'layer', rtds_layer }] } },
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
  };
  const proxy = await withProxy(bootstrap);
  t.teardown(async () => {
    await proxy.stop();
    await Promise.all([plane.close(), a.close(), b.close()]);
  });
  return { plane, proxy, source, ports: { a: a.port, b: b.port } };
}

interface Mode {
  readonly isAggregated: boolean;
  readonly isIncremental: boolean;
}

async function dump(proxy: TestProxy, list: string): Promise<readonly Message[]> {
  const url = `http://${proxy.adminAddress}/config_dump?resource=${list}`;
  const { configs = [] } = (await (await fetch(url)).json()) as {
    readonly configs?: readonly Message[];
  };
  return configs;
}

const MODES: readonly (readonly [string, Mode])[] = [
  ['state of the world, aggregated', { isAggregated: true, isIncremental: false }],
  ['incremental, aggregated', { isAggregated: true, isIncremental: true }],
  ['state of the world, a stream for each type', { isAggregated: false, isIncremental: false }],
  ['incremental, a stream for each type', { isAggregated: false, isIncremental: true }],
];

for (const [name, mode] of MODES) {
  t.test(name, { skip }, async (t) => {
    const { plane, ports, proxy, source } = await start(t, mode);
    t.equal(await look(proxy), 'a one one one', 'everything is there at the start');

    const second = plane.set(site({ source, port: ports.b, mark: 'two' }));
    await eventually(async () => (await look(proxy)) === 'b two two two');
    for (const kind of ['cluster', 'endpoint', 'listener', 'route', 'secret'] as const) {
      const has = () => plane.isAccepted(kind, second) || mode.isIncremental;
      await eventually(has);
    }
    t.same(plane.refusals(), [], 'all of it was good');

    const good = edsCluster('app', source);
    const bad = { ...staticCluster('other', ports.a), connect_timeout: '0s' };
    plane.set(site({ source, port: ports.b, mark: 'two', more: { cluster: [good, bad] } }));
    await eventually(() => plane.refusals().length > 0);
    const refusal = plane.refusals()[0] ?? '';
    t.match(refusal, /^Error adding\/updating cluster\(s\) other: connect_timeout: /);
    t.equal(await look(proxy), 'b two two two', 'what served serves');

    const other = staticCluster('other', ports.a);
    const fourth = plane.set(
      site({ source, port: ports.a, mark: 'four', more: { cluster: [good, other] } }),
    );
    await eventually(() => plane.isAccepted('cluster', fourth));
    await eventually(async () => (await look(proxy)) === 'a four four four');
    t.same(
      (await dump(proxy, 'dynamic_active_clusters')).map(
        ({ cluster }) => (cluster as Message)['name'],
      ),
      ['app', 'other'],
    );

    const whole = await fetch(`http://${proxy.adminAddress}/config_dump?include_eds`);
    t.same(readDumpInGo(program.ok ? program.path : '', await whole.text()), [
      'BootstrapConfigDump',
      'ClustersConfigDump dynamic_active_clusters=2 static_clusters=1',
      'EcdsConfigDump ecds_filters=1',
      'EndpointsConfigDump dynamic_endpoint_configs=2 static_endpoint_configs=1',
      'ListenersConfigDump dynamic_listeners=2',
      'ScopedRoutesConfigDump',
      'RoutesConfigDump dynamic_route_configs=1',
      'SecretsConfigDump dynamic_active_secrets=1',
    ]);

    const [web] = listeners(source) as [Message];
    plane.set(site({ source, port: ports.a, mark: 'four', more: { listener: [web], secret: [] } }));
    await eventually(async () => (await dump(proxy, 'dynamic_listeners')).length === 1);
    await eventually(async () => (await dump(proxy, 'dynamic_active_clusters')).length === 1);
    await t.rejects(certificateMark(proxy.ports['secure'] ?? 0), { code: 'ECONNREFUSED' });
    // In the state of the world the server says again what was refused, as often as it is refused.
    t.same(new Set(plane.refusals()), new Set([refusal]), 'nothing else was refused');
  });
}
