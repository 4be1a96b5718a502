import { fromJson, type JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { GrpcService_GoogleGrpcSchema } from '../../../proxy/api/gen/envoy/config/core/v3/grpc_service_pb.js';
import { apiRegistry } from '../../../proxy/api/registry.ts';
import { compileGoogleGrpc } from '../../../proxy/config/compile/google-grpc.ts';
import { ProblemSink } from '../../../proxy/config/schema/compile-context.ts';
import { compileEnvironment } from '../../../proxy/server/compiler.ts';
import { makeAuthority } from '../../support/certificates.ts';

const FILES = 'envoy.grpc_credentials.file_based_metadata';
const root = makeAuthority();
const ssl = { ssl_credentials: { root_certs: { inline_string: root.pem } } };

function compiled(json: Record<string, unknown>) {
  const defaults = { target_uri: 'xds.test:15012', stat_prefix: 'xds' };
  const options = { registry: apiRegistry };
  const message = fromJson(
    GrpcService_GoogleGrpcSchema,
    { ...defaults, ...json } as JsonValue,
    options,
  );
  const sink = new ProblemSink(compileEnvironment(new Map(), null), 'test');
  const config = compileGoogleGrpc(message, sink.context());
  return { config, rejections: sink.rejections.map(({ path, reason }) => `${path}: ${reason}`) };
}

const filePlugin = (fields: object) => ({
  from_plugin: {
    name: FILES,
    typed_config: {
      '@type': 'type.googleapis.com/envoy.config.grpc_credential.v3.FileBasedMetadataConfig',
      ...fields,
    },
  },
});

const TARGETS: readonly (readonly [uri: string, target: unknown, authority: string])[] = [
  ['xds.test', { kind: 'tcp', host: 'xds.test', port: 443 }, 'xds.test:443'],
  ['dns:///xds.test:1', { kind: 'tcp', host: 'xds.test', port: 1 }, 'xds.test:1'],
  ['dns:xds.test:1', { kind: 'tcp', host: 'xds.test', port: 1 }, 'xds.test:1'],
  ['ipv4:10.0.0.1:1', { kind: 'tcp', host: '10.0.0.1', port: 1 }, '10.0.0.1:1'],
  ['ipv6:[::1]:1', { kind: 'tcp', host: '::1', port: 1 }, '[::1]:1'],
  ['unix:./etc/XDS', { kind: 'unix', path: './etc/XDS' }, 'localhost'],
  ['unix:///run/xds', { kind: 'unix', path: '/run/xds' }, 'localhost'],
];

for (const [uri, target, authority] of TARGETS) {
  t.test(`reaches ${uri}`, async (t) => {
    const { config } = compiled({ target_uri: uri });
    t.same([config?.target, config?.authority], [target, authority]);
  });
}

const REFUSED: readonly (readonly [title: string, json: object, rejection: RegExp])[] = [
  ['another scheme', { target_uri: 'xds:///a' }, /^target_uri: 'xds:\/\/\/a' cannot be resolved/],
  ['a name for an address', { target_uri: 'ipv4:a:1' }, /^target_uri: /],
  ['no port', { target_uri: 'a:0' }, /^target_uri: /],
  ['defaults of Google', { channel_credentials: { google_default: {} } }, /google_default: /],
  [
    'local credentials for the network',
    { channel_credentials: { local_credentials: {} } },
    /^channel_credentials\.local_credentials: are for unix: targets/,
  ],
  [
    'a token in clear text',
    { call_credentials: [{ access_token: 'x' }] },
    /^call_credentials: are sent over TLS or to a unix: target only/,
  ],
  [
    'authorities that cannot be read',
    { channel_credentials: { ssl_credentials: { root_certs: { inline_string: 'x' } } } },
    /^channel_credentials\.ssl_credentials\.root_certs/,
  ],
  ['another factory', { credentials_factory_name: 'x' }, /^credentials_factory_name: x is not/],
  [
    'a plugin without its factory',
    { channel_credentials: ssl, call_credentials: [filePlugin({})] },
    /from_plugin: has no effect unless credentials_factory_name/,
  ],
  [
    'an argument that nobody knows',
    { channel_args: { args: { 'grpc.x': { int_value: '1' } } } },
    /^channel_args\.args\["grpc\.x"\]: is not supported/,
  ],
  [
    'credentials of Google',
    { channel_credentials: ssl, call_credentials: [{ google_compute_engine: {} }] },
    /^call_credentials\[0\]\.google_compute_engine: is not supported/,
  ],
];

for (const [title, json, rejection] of REFUSED) {
  t.test(`refuses ${title}`, async (t) => {
    const { config, rejections } = compiled(json as Record<string, unknown>);
    t.equal(config, null);
    t.match(rejections[0], rejection);
  });
}

t.test('what calls carry, and what the channel is limited by', async (t) => {
  const { config } = compiled({
    channel_credentials: ssl,
    credentials_factory_name: FILES,
    call_credentials: [
      { access_token: 'x' },
      filePlugin({ secret_data: { filename: '/run/token' }, header_key: 'X-Token' }),
      { google_iam: { authorization_token: 'a', authority_selector: 'b' } },
    ],
    channel_args: {
      args: {
        'grpc.keepalive_time_ms': { int_value: '5000' },
        'grpc.default_authority': { string_value: 'istiod' },
      },
    },
  });
  t.same(config?.credentials, [
    { key: 'authorization', prefix: 'Bearer ', secret: { kind: 'text', text: 'x' } },
    { key: 'x-token', prefix: '', secret: { kind: 'file', path: '/run/token' } },
    { key: 'x-goog-iam-authorization-token', prefix: '', secret: { kind: 'text', text: 'a' } },
    { key: 'x-goog-iam-authority-selector', prefix: '', secret: { kind: 'text', text: 'b' } },
  ]);
  t.same([config?.keepaliveMs, config?.authority], [5000, 'istiod']);
  t.equal(config?.tls?.expectedName, 'xds.test');
});
