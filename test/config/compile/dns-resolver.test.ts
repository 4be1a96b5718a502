// Who resolves names, in each of the three ways to say it.
import { fromJson, type JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { ClusterSchema } from '../../../proxy/api/gen/envoy/config/cluster/v3/cluster_pb.js';
import { apiRegistry } from '../../../proxy/api/registry.ts';
import { compileCluster } from '../../../proxy/config/compile/cluster.ts';
import { checkMessage } from '../../../proxy/server/check-message.ts';
import { compileJson, problemLines } from '../../support/compile-json.ts';

type Json = { [key: string]: JsonValue };

const CARES =
  'type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig';
const GETADDRINFO =
  'type.googleapis.com/envoy.extensions.network.dns_resolver.getaddrinfo.v3.GetAddrInfoDnsResolverConfig';
const SERVER = { socket_address: { address: '10.0.0.10', port_value: 5353 } };
const V6 = { socket_address: { address: 'fd00::a', port_value: 0 } };
const PLAIN = {
  ...{
    kind: 'servers',
    isFallback: false,
    rotates: false,
    noSearch: false,
    timeoutMs: 5000,
    tries: 4,
  },
  filtersUnroutable: false,
};

function compile(members: Json) {
  const endpoint = {
    endpoint: { address: { socket_address: { address: 'a.test', port_value: 1 } } },
  };
  const load_assignment = { cluster_name: 'c', endpoints: [{ lb_endpoints: [endpoint] }] };
  const json = { name: 'c', type: 'STRICT_DNS', load_assignment, ...members };
  return compileJson({ schema: ClusterSchema, json }, compileCluster);
}

function typed(type: string, members: Json = {}): Json {
  return { typed_dns_resolver_config: { name: 'x', typed_config: { '@type': type, ...members } } };
}

t.test('each way leads to servers, with the defaults of Envoy', (t) => {
  const dns = (members: Json) => compile(members).value?.dns;
  t.same(dns({})?.resolver, { kind: 'system' });
  t.same(dns(typed(GETADDRINFO, { num_retries: 3 }))?.resolver, { kind: 'getaddrinfo' });
  t.same(dns({ dns_resolvers: [SERVER] })?.resolver, { ...PLAIN, servers: ['10.0.0.10:5353'] });
  t.same(
    dns({
      dns_resolvers: [SERVER],
      dns_resolution_config: {
        resolvers: [V6],
        dns_resolver_options: { no_default_search_domain: true },
      },
    })?.resolver,
    { ...PLAIN, servers: ['[fd00::a]:53'], noSearch: true },
  );
  t.same(dns(typed(CARES))?.resolver, { ...PLAIN, servers: [] });
  t.same(
    dns(
      typed(CARES, {
        ...{ resolvers: [SERVER, V6], use_resolvers_as_fallback: true },
        ...{ filter_unroutable_families: true, query_timeout_seconds: 2, query_tries: 1 },
      }),
    )?.resolver,
    {
      ...{ kind: 'servers', servers: ['10.0.0.10:5353', '[fd00::a]:53'], isFallback: true },
      rotates: false,
      ...{ noSearch: false, timeoutMs: 2000, tries: 1, filtersUnroutable: true },
    },
  );
  t.equal(dns({ dns_jitter: '1.5s' })?.jitterMs, 1500);
  t.end();
});

t.test('what is no server, and no resolver, is refused', (t) => {
  const refused = (members: Json) => problemLines(compile(members).rejections).join('\n');
  t.match(refused({ dns_resolvers: [{ pipe: { path: '/x' } }] }), 'a DNS server has an IP address');
  t.match(
    refused(
      typed(
        'type.googleapis.com/envoy.extensions.network.dns_resolver.apple.v3.AppleDnsResolverConfig',
      ),
    ),
    'AppleDnsResolverConfig',
  );
  t.end();
});

t.test('c-ares without servers asks those of the system', (t) => {
  const members = typed(CARES, { udp_max_queries: 100 });
  const endpoint = { endpoint: { address: { socket_address: { address: 'a', port_value: 1 } } } };
  const load_assignment = { cluster_name: 'c', endpoints: [{ lb_endpoints: [endpoint] }] };
  const json = { name: 'c', type: 'STRICT_DNS', load_assignment, ...members };
  const message = fromJson(ClusterSchema, json, { registry: apiRegistry });
  t.equal(checkMessage(message), '');
  t.same(compile(members).value?.dns?.resolver, { ...PLAIN, servers: [] });
  t.end();
});
