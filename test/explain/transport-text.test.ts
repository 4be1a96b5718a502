// What an explanation says on TLS: of the filter chain that ends it, and of a cluster's connections.
import t from 'tap';
import { loadBootstrap } from '../../proxy/config/load.ts';
import { readRequest } from '../../proxy/explain/dry-request.ts';
import { offlineExplainer, offlineMoment } from '../../proxy/server/explained-configuration.ts';
import { makeAuthority, makeCertificate } from '../support/certificates.ts';
import { loadOptions } from '../support/load-options.ts';
import {
  bootstrapOf,
  httpListener,
  type Message,
  virtualHost,
} from '../support/static-bootstrap.ts';

const authority = makeAuthority();
const leaf = makeCertificate({ issuer: authority, altNames: [{ dns: 'a.test' }] });
const TLS = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3';
const OWN = {
  certificate_chain: { inline_string: leaf.pem },
  private_key: { inline_string: leaf.keyPem },
};
const VALIDATION = {
  trusted_ca: { inline_string: authority.pem },
  match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { prefix: 'spiffe://a/' } }],
};

function socket(side: string, members: Message): Message {
  return { name: 'tls', typed_config: { '@type': `${TLS}.${side}TlsContext`, ...members } };
}

function explain(url: string) {
  const route = { match: { prefix: '/' }, route: { cluster: 'c' } };
  const base = httpListener('l', { virtual_hosts: [virtualHost(['*'], [route])] });
  const [chain] = base['filter_chains'] as readonly Message[];
  const common_tls_context = {
    tls_certificates: [OWN],
    validation_context: VALIDATION,
    alpn_protocols: ['h2', 'http/1.1'],
  };
  const members = { common_tls_context, require_client_certificate: true };
  const filter_chains = [{ ...chain, transport_socket: socket('Downstream', members) }];
  const cluster = {
    name: 'c',
    connect_timeout: '1s',
    load_assignment: {
      cluster_name: 'c',
      endpoints: [{ lb_endpoints: [{ endpoint: { address: ADDRESS } }] }],
    },
    transport_socket: socket('Upstream', {
      sni: 'b.test',
      common_tls_context: { tls_certificates: [OWN], validation_context: VALIDATION },
    }),
    transport_socket_matches: [{ name: 'clear', match: { tls: 'off' }, transport_socket: RAW }],
  };
  const content = JSON.stringify(bootstrapOf([{ ...base, filter_chains }], [cluster]));
  const loaded = loadBootstrap([{ name: 'x.json', content }], loadOptions());
  const read = readRequest({ method: 'GET', url });
  if (!loaded.ok || !read.ok) throw new Error(JSON.stringify([loaded.problems, read]));
  return offlineExplainer(loaded).explain(read.request, offlineMoment());
}

const ADDRESS = { socket_address: { address: '127.0.0.1', port_value: 1 } };
const RAW = {
  name: 'raw',
  typed_config: {
    '@type': 'type.googleapis.com/envoy.extensions.transport_sockets.raw_buffer.v3.RawBuffer',
  },
};

t.test('tells which TLS ends at the filter chain, and whom it believes', (t) => {
  const told = explain('https://a.test/');
  t.match(
    told.notes.join('\n'),
    [
      'TLS ends here: TLSv1.2 to TLSv1.3; certificate of a.test; ALPN h2, http/1.1; clients must show a certificate that is issued below CN=test root',
    ].join(),
  );
  t.end();
});

t.test('a client in clear text is turned away by a filter chain with TLS', (t) => {
  const told = explain('http://a.test/');
  t.equal(told.outcome.kind, 'not-http');
  t.match(told.outcome.summary, /speaks TLS and the client does not/);
  t.end();
});

t.test('tells what connections of a cluster are made with, and no key', (t) => {
  const told = explain('https://a.test/');
  const settings = told.http?.cluster?.settings.filter(({ name }) => /^transport/.test(name));
  t.match(settings, [
    { name: 'transport clear', value: /^for endpoints with .*off.*: none, clear text$/ },
    {
      name: 'transport',
      value:
        "TLSv1.2; SNI b.test; certificate of a.test; the upstream must be issued below CN=test root, for uri prefix 'spiffe://a/'",
    },
  ]);
  t.notMatch(JSON.stringify(told), /PRIVATE KEY/);
  t.end();
});
