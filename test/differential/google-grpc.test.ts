// A server that is named by its own address, beside Envoy: what it is shown for each stream, and
// what is counted.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import grpc from '@grpc/grpc-js';
import t from 'tap';
import { TYPE_URLS } from '../../proxy/xds/resource-types.ts';
import { makeAuthority, makeCertificate } from '../support/certificates.ts';
import { playToBoth, type ServedTwin } from '../support/served-twins.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';

const root = makeAuthority();
const altNames = [{ dns: 'localhost' }, { dns: 'xds.test' }] as const;
const server = makeCertificate({ issuer: root, altNames });
const client = makeCertificate({ issuer: root, subject: 'client' });
const FILES = 'envoy.grpc_credentials.file_based_metadata';

t.test('credentials of a channel and of calls', { skip: withoutEnvoy }, async (t) => {
  const directory = t.testdir({
    ...{ 'root.pem': root.pem, 'client.pem': client.pem, 'client.key': client.keyPem },
    token: 'first',
  });
  const token = join(directory, 'token');
  const bootstrap = (port: number) => {
    const google_grpc = {
      target_uri: `dns:///localhost:${port}`,
      stat_prefix: 'xds',
      channel_credentials: {
        ssl_credentials: {
          root_certs: { filename: join(directory, 'root.pem') },
          cert_chain: { filename: join(directory, 'client.pem') },
          private_key: { inline_string: client.keyPem },
        },
      },
      credentials_factory_name: FILES,
      call_credentials: [
        {
          from_plugin: {
            name: FILES,
            typed_config: {
              '@type':
                'type.googleapis.com/envoy.config.grpc_credential.v3.FileBasedMetadataConfig',
              secret_data: { filename: token },
              header_prefix: 'Bearer ',
            },
          },
        },
      ],
      channel_args: { args: { 'grpc.ssl_target_name_override': { string_value: 'xds.test' } } },
    };
    const initial_metadata = [{ key: 'clusterid', value: 'Kubernetes' }];
    const ads = {
      ...{ api_type: 'GRPC', transport_api_version: 'V3' },
      grpc_services: [{ google_grpc, initial_metadata }],
    };
    return {
      node: { id: 'node', cluster: 'test' },
      dynamic_resources: { ads_config: ads, cds_config: { ads: {}, resource_api_version: 'V3' } },
    };
  };
  const script = async ({ plane, admin }: ServedTwin) => {
    writeFileSync(token, 'first');
    const stream = await plane.stream(0);
    const shown = ({ metadata }: typeof stream) =>
      ['authorization', 'clusterid'].map((key) => metadata.get(key));
    await stream.request(1);
    stream.send({ typeUrl: TYPE_URLS.cluster, versionInfo: '1', nonce: '1' });
    await stream.request(2);
    writeFileSync(token, 'second');
    stream.end(grpc.status.UNAUTHENTICATED, 'token is expired');
    const next = await plane.stream(1);
    await next.request(1);
    const stats = await (await fetch(`${await admin}/stats?filter=^grpc.xds.streams`)).text();
    return { seen: [shown(stream), shown(next)], stats: stats.trim().split('\n').sort() };
  };
  const pair = { cert_chain: Buffer.from(server.pem), private_key: Buffer.from(server.keyPem) };
  const credentials = grpc.ServerCredentials.createSsl(Buffer.from(root.pem), [pair], true);
  const { ours, envoy } = await playToBoth(bootstrap, script, credentials);
  t.same(ours, envoy);
  t.same(ours.seen[1]?.[0], ['Bearer second']);
});
