// How a whole proxy trusts its management server: by the TLS context of the server's cluster, with
// or without an authority, and with secrets that change in their files.
import { createHash } from 'node:crypto';
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import grpc from '@grpc/grpc-js';
import t, { type Test } from 'tap';
import { TYPE_URLS } from '../../proxy/xds/resource-types.ts';
import { makeAuthority, makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { ControlPlane, packed } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { serverCluster } from '../support/served-twins.ts';
import { bootstrapOf, type Message } from '../support/static-bootstrap.ts';
import { type TestProxy, withProxy } from '../support/with-proxy.ts';

const NAME = 'xds.test';
const root = makeAuthority();
const other = makeAuthority({ subject: 'other', keyLabel: 'other' });
const altNames = [{ dns: NAME }] as const;
const server = makeCertificate({ issuer: root, altNames });
const selfSigned = makeCertificate({ altNames });
const pin = (of: TestCertificate) => createHash('sha256').update(of.der).digest('hex');

const RAW = {
  name: 'envoy.transport_sockets.raw_buffer',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer',
  },
};

function bootstrap(port: number, common: object, more: object = {}): Message {
  const services = [{ envoy_grpc: { cluster_name: 'xds' } }];
  const ads_config = { api_type: 'GRPC', transport_api_version: 'V3', grpc_services: services };
  const transport_socket = {
    name: 'envoy.transport_sockets.tls',
    typed_config: {
      '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
      ...{ sni: NAME, common_tls_context: common },
    },
  };
  return {
    ...bootstrapOf([], [{ ...serverCluster('xds', port), transport_socket, ...more }]),
    node: { id: 'node', cluster: 'test' },
    dynamic_resources: { ads_config, cds_config: { ads: {}, initial_fetch_timeout: '0.05s' } },
  };
}

async function planeOf(t: Test, shown: TestCertificate, clients: TestCertificate | null = null) {
  const pair = { cert_chain: Buffer.from(shown.pem), private_key: Buffer.from(shown.keyPem) };
  const ca = clients === null ? null : Buffer.from(clients.pem);
  const credentials = grpc.ServerCredentials.createSsl(ca, [pair], clients !== null);
  const plane = await ControlPlane.listen({ credentials });
  t.teardown(() => plane.close());
  return plane;
}

async function started(t: Test, config: Message): Promise<TestProxy> {
  const proxy = await withProxy(config);
  t.teardown(() => proxy.stop());
  return proxy;
}

const refusals = (proxy: TestProxy) => proxy.log.filter((line) => line.includes('closed: 14'));

t.test('a pin without an authority lets in one server only', async (t) => {
  const plane = await planeOf(t, selfSigned);
  const pinned = (of: TestCertificate) =>
    bootstrap(plane.port, { validation_context: { verify_certificate_hash: [pin(of)] } });
  const deceived = await started(t, pinned(server));
  await eventually(() => refusals(deceived).length > 0);
  t.match(refusals(deceived)[0], /verify cert failed: cert hash and spki/);
  t.equal(plane.streams.length, 0, 'it was asked nothing');
  await started(t, pinned(selfSigned));
  await (await plane.stream(0)).request(1);
});

t.test('a cluster that servers are not spoken to by is never fallen back from', async (t) => {
  const plane = await ControlPlane.listen();
  t.teardown(() => plane.close());
  const match = {
    name: 'x',
    match: {},
    transport_socket: RAW,
  };
  const proxy = await started(
    t,
    bootstrap(plane.port, {}, { transport_socket: undefined, transport_socket_matches: [match] }),
  );
  await eventually(() => refusals(proxy).length > 0);
  t.match(refusals(proxy)[0], /transport_socket_matches of a management server are not supported/);
  t.equal(plane.streams.length, 0);
});

t.test('secrets that change in their files count with the next connection', async (t) => {
  const plane = await planeOf(t, server, root);
  const directory = t.testdir({});
  const write = (name: string, content: string) => {
    writeFileSync(join(directory, `${name}.new`), content);
    renameSync(join(directory, `${name}.new`), join(directory, name));
  };
  const file = (name: string) => ({ filename: join(directory, name) });
  const own = (subject: string, issuer: TestCertificate) =>
    makeCertificate({ issuer, subject, keyLabel: 'client' });
  write('root.pem', root.pem);
  write('client.pem', own('stranger', other).pem);
  write('client.key', own('stranger', other).keyPem);
  const watched_directory = { path: directory };
  const proxy = await started(
    t,
    bootstrap(plane.port, {
      tls_certificates: [
        {
          certificate_chain: file('client.pem'),
          private_key: file('client.key'),
          watched_directory,
        },
      ],
      validation_context: { trusted_ca: file('root.pem'), watched_directory },
    }),
  );
  await eventually(() => refusals(proxy).length > 0);
  t.equal(plane.streams.length, 0, 'the server does not know it');
  write('client.pem', own('friend', root).pem);
  const stream = await plane.stream(0);
  await stream.request(1);
  write('root.pem', other.pem);
  stream.send({ typeUrl: TYPE_URLS.cluster, versionInfo: '1', nonce: '1' });
  await stream.request(2);
  const before = refusals(proxy).length;
  await eventually(async () => {
    plane.streams.at(-1)?.end(grpc.status.UNAVAILABLE, 'bye');
    return refusals(proxy)
      .slice(before)
      .some((line) => /certificate verification error/.test(line));
  });
  t.ok(true, 'it does not know the server any more');
});

t.test('a server that is told by CDS cannot be a source, as in Envoy', async (t) => {
  const plane = await planeOf(t, server);
  const trusted_ca = { inline_string: root.pem };
  const proxy = await started(t, bootstrap(plane.port, { validation_context: { trusted_ca } }));
  const stream = await plane.stream(0);
  await stream.request(1);
  const eds = (name: string, from: string) =>
    packed('envoy.config.cluster.v3.Cluster', {
      name,
      clusterDiscoveryType: { case: 'type', value: 3 },
      edsClusterConfig: {
        edsConfig: {
          resourceApiVersion: 2,
          configSourceSpecifier: {
            case: 'apiConfigSource',
            value: {
              apiType: 2,
              transportApiVersion: 2,
              grpcServices: [
                { targetSpecifier: { case: 'envoyGrpc', value: { clusterName: from } } },
              ],
            },
          },
        },
      },
    });
  const resources = [packed('envoy.config.cluster.v3.Cluster', { name: 'told' }), eds('a', 'told')];
  stream.send({ typeUrl: TYPE_URLS.cluster, versionInfo: '1', nonce: '1', resources });
  const refusal = (await stream.request(2)).errorDetail?.message;
  t.match(refusal, /cluster\(s\) a: .*must have a statically defined non-EDS cluster: 'told'/);
  await proxy.stop();
});
