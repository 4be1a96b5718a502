// Secrets of the aggregated server, beside Envoy: who waits for them, what a refused one leaves in
// use, and with which certificate clients are met.
import { connect } from 'node:tls';
import t from 'tap';
import { makeAuthority, makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { ADS, adsBootstrap } from '../support/dynamic-bootstrap.ts';
import { type DynamicSide, withDynamicTwins } from '../support/dynamic-twins.ts';
import { eventually } from '../support/eventually.ts';
import { alike } from '../support/played-plane.ts';
import { httpListener, type Message, virtualHost } from '../support/static-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';

const TLS = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext';
const BODY = { inline_string: 'reply' };
const REPLY = { match: { prefix: '/' }, direct_response: { status: 200, body: BODY } };

/** A listener with a certificate by SDS. */
function tlsListener(name: string): Message {
  const tables = { virtual_hosts: [virtualHost(['*'], [REPLY])] };
  const listener = httpListener(name, tables) as { readonly filter_chains?: readonly Message[] };
  const sds = { name: 'own', sds_config: ADS };
  const common_tls_context = { tls_certificate_sds_secret_configs: [sds] };
  const transport_socket = {
    name: 'envoy.transport_sockets.tls',
    typed_config: { '@type': TLS, common_tls_context },
  };
  return { ...listener, filter_chains: [{ ...listener.filter_chains?.[0], transport_socket }] };
}

function secret({ pem, keyPem }: Pick<TestCertificate, 'pem' | 'keyPem'>): Message {
  const certificate_chain = { inline_string: pem };
  return {
    name: 'own',
    tls_certificate: { certificate_chain, private_key: { inline_string: keyPem } },
  };
}

/** The serial of the certificate that a client is met with; '' : it is met with none. */
function serial(address: string): Promise<string> {
  const port = Number(address.split(':')[1] ?? 0);
  return new Promise((resolve) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.on('error', () => resolve(''));
  });
}

const authority = makeAuthority();
const made = (number: number) => makeCertificate({ issuer: authority, serial: number });

async function script(side: DynamicSide): Promise<unknown> {
  const { plane } = side;
  const seen: unknown[] = [];
  await plane.asked('cluster');
  await plane.set('cluster', []);
  await plane.asked('listener');
  await plane.set('listener', []);
  await side.serving();
  await plane.set('listener', [tlsListener('in')]);
  await plane.asked('secret', 'own');
  seen.push(await side.address());
  seen.push(await plane.set('secret', [secret(made(0x11))]));
  await eventually(async () => (await serial(await side.address())) === '11');
  seen.push(await plane.set('secret', [secret(made(0x12))]));
  await eventually(async () => (await serial(await side.address())) === '12');
  seen.push(await plane.set('secret', [secret({ pem: 'none', keyPem: 'none' })]));
  seen.push(await serial(await side.address()));
  seen.push(await plane.set('secret', [{ ...secret(made(0x13)), name: 'other' }]));
  seen.push(await serial(await side.address()));
  seen.push(await plane.set('secret', []));
  seen.push(await serial(await side.address()));
  seen.push(await plane.set('secret', [secret(made(0x14))]));
  await eventually(async () => (await serial(await side.address())) === '14');
  await plane.set('listener', []);
  await plane.dropped('secret', 'own');
  return [seen, plane.requests()];
}

for (const isIncremental of [false, true]) {
  const variant = isIncremental ? 'incremental' : 'state of the world';
  t.test(`secrets of a server, ${variant}`, { skip: withoutEnvoy }, async (t) => {
    const { ours, envoy } = await withDynamicTwins({
      isIncremental,
      bootstrap: (port) => adsBootstrap(port, isIncremental),
      script,
    });
    t.same(alike(ours), alike(envoy));
  });
}
