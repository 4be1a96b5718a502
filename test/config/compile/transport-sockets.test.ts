import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { ClusterSchema } from '../../../proxy/api/gen/envoy/config/cluster/v3/cluster_pb.js';
import { compileCluster } from '../../../proxy/config/compile/cluster.ts';
import { compileClusterTransport } from '../../../proxy/config/compile/cluster-transport.ts';
import { compileJson, problemLines, typed } from '../../support/compile-json.ts';

const SOCKETS = 'extensions.transport_sockets';

function socket(type: string, members: JsonObject = {}): JsonObject {
  return { name: 'x', typed_config: typed(`${SOCKETS}.${type}`, members) };
}

function compile(json: JsonObject) {
  return compileJson({ schema: ClusterSchema, json }, compileClusterTransport);
}

const RAW = socket('raw_buffer.v3.RawBuffer');
const PROXY = 'proxy_protocol.v3.ProxyProtocolUpstreamTransport';

t.test('transports stand around each other', (t) => {
  const inner = socket('internal_upstream.v3.InternalUpstreamTransport', {
    transport_socket: socket('tls.v3.UpstreamTlsContext', { sni: 'a' }),
  });
  const config = {
    version: 'V2',
    pass_through_tlvs: { match_type: 'INCLUDE', tlv_type: [5] },
    added_tlvs: [{ type: 224, value: 'AAE=' }],
  };
  const outer = socket(PROXY, { config, transport_socket: inner });
  const { value, rejections } = compile({ transport_socket: outer });
  t.same(rejections, []);
  t.match(value.transport, {
    kind: 'proxy-protocol',
    version: 2,
    passThroughTlvs: [5],
    addedTlvs: [{ type: 224 }],
    inner: { kind: 'tls', tls: { serverName: 'a' } },
  });
  t.end();
});

t.test('the PROXY protocol passes on all TLVs, some, or none', (t) => {
  const passed = (config: JsonObject) => {
    const { value } = compile({
      transport_socket: socket(PROXY, { config, transport_socket: RAW }),
    });
    return value.transport.kind === 'proxy-protocol' ? value.transport.passThroughTlvs : undefined;
  };
  t.same(passed({ version: 'V2' }), []);
  t.equal(passed({ version: 'V2', pass_through_tlvs: { match_type: 'INCLUDE_ALL' } }), null);
  const old = { config: { added_tlvs: [{ type: 1, value: 'AA==' }] }, transport_socket: RAW };
  t.match(problemLines(compile({ transport_socket: socket(PROXY, old) }).warnings), [
    /config\.added_tlvs: has no effect: only version V2/,
  ]);
  t.end();
});

t.test('starttls and a CONNECT proxy', (t) => {
  const tls_socket_config = { sni: 'a' };
  const starttls = socket('starttls.v3.UpstreamStartTlsConfig', { tls_socket_config });
  t.match(compile({ transport_socket: starttls }).value.transport, {
    kind: 'starttls',
    tls: { serverName: 'a' },
  });
  const proxy = socket('http_11_proxy.v3.Http11ProxyUpstreamTransport', { transport_socket: RAW });
  t.match(compile({ transport_socket: proxy }).value.transport, {
    kind: 'http-11-proxy',
    inner: { kind: 'raw' },
  });
  t.end();
});

t.test('endpoints choose among transports by their metadata', (t) => {
  const tls = socket('tls.v3.UpstreamTlsContext', { sni: 'a' });
  const matches = [
    { name: 'istio', match: { tlsMode: 'istio' }, transport_socket: tls },
    { name: 'others', match: {}, transport_socket: RAW },
  ];
  const { value, rejections } = compile({ transport_socket_matches: matches });
  t.same(rejections, []);
  t.match(value, {
    transport: { kind: 'raw' },
    transportMatches: [
      { name: 'istio', match: { tlsMode: 'istio' }, transport: { kind: 'tls' } },
      { name: 'others', match: {}, transport: { kind: 'raw' } },
    ],
  });
  const wrong = { name: 'w', match: {}, transport_socket: socket('tls.v3.DownstreamTlsContext') };
  t.match(problemLines(compile({ transport_socket_matches: [wrong] }).rejections), [
    /^transport_socket_matches\[0\]\.transport_socket\.typed_config: .* is for filter chains/,
  ]);
  t.end();
});

t.test('a protocol that ALPN chooses needs transports with ALPN', (t) => {
  const key = 'envoy.extensions.upstreams.http.v3.HttpProtocolOptions';
  const auto = {
    typed_extension_protocol_options: {
      [key]: typed('extensions.upstreams.http.v3.HttpProtocolOptions', { auto_config: {} }),
    },
  };
  const tls = socket('tls.v3.UpstreamTlsContext', { sni: 'a' });
  const proxied = (transport_socket: JsonValue) => socket(PROXY, { transport_socket });
  const plain = { name: 'plain', match: {}, transport_socket: RAW };
  const text = 'ALPN configured for cluster c which has a non-ALPN transport socket';
  const refused = (members: JsonObject) => {
    const json = { name: 'c', type: 'STATIC', ...auto, ...members };
    return problemLines(compileJson({ schema: ClusterSchema, json }, compileCluster).rejections);
  };
  t.same(refused({ transport_socket: tls }), []);
  t.same(refused({ transport_socket: proxied(tls) }), []);
  t.match(refused({ transport_socket: proxied(RAW) }), [`transport_socket: ${text}: auto_config`]);
  t.match(refused({}), [`transport_socket: ${text}: auto_config needs TLS`]);
  t.match(refused({ transport_socket: tls, transport_socket_matches: [plain] }), [
    `transport_socket_matches[0]: ${text} matcher: auto_config needs TLS`,
  ]);
  t.end();
});
