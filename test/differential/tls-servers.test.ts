// TLS of listeners beside Envoy's, seen by clients of OpenSSL: versions, ciphers, certificates by
// SNI, ALPN, certificates of clients, resumption, and what is no TLS at all; with the log's and the
// statistics' view of each.
import net from 'node:net';
import tls from 'node:tls';
import t from 'tap';
import { makeAuthority, makeCertificate, type TestCertificate } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import {
  type ServedTwin,
  tlsCertificate,
  tlsSocket,
  withServedTwins,
} from '../support/tls-twins.ts';
import type { Json, TwinConfig, TwinListener } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';

const authority = makeAuthority();
const server = (name: string, key: 'ec256' | 'rsa2048' = 'ec256'): TestCertificate =>
  makeCertificate({ issuer: authority, subject: name, key, altNames: [{ dns: name }] });
const certificates = {
  first: server('first.test'),
  exact: server('www.exact.test'),
  wild: server('*.wild.test'),
  rsa: server('first.test', 'rsa2048'),
};
const client = makeCertificate({ issuer: authority, altNames: [{ uri: 'spiffe://td/ns/a/sa/b' }] });
const stranger = makeCertificate({ issuer: makeAuthority({ subject: 'another root' }) });

const LOG =
  '%RESPONSE_CODE% v=%DOWNSTREAM_TLS_VERSION% c=%DOWNSTREAM_TLS_CIPHER% ' +
  'peer=%DOWNSTREAM_PEER_URI_SAN% alpn=%PROTOCOL%';
function secured(context: Json, more: Partial<TwinListener> = {}): TwinListener {
  const { common = {}, ...rest } = context as { readonly common?: Json };
  const transport = tlsSocket('Downstream', {
    common_tls_context: {
      tls_certificates: [tlsCertificate(certificates.first)],
      alpn_protocols: ['h2', 'http/1.1'],
      ...common,
    },
    ...rest,
  });
  return { ...more, chain: { transport_socket: transport, ...more.chain } };
}

const trusts = { validation_context: { trusted_ca: { inline_string: authority.pem } } };
const LISTENERS: Readonly<Record<string, TwinListener>> = {
  plain: secured({}),
  twelve: secured({ common: { tls_params: { tls_maximum_protocol_version: 'TLSv1_2' } } }),
  thirteen: secured({
    common: {
      tls_params: {
        tls_minimum_protocol_version: 'TLSv1_3',
        tls_maximum_protocol_version: 'TLSv1_3',
      },
    },
  }),
  ciphers: secured({
    common: {
      tls_certificates: [tlsCertificate(certificates.rsa)],
      tls_params: {
        tls_maximum_protocol_version: 'TLSv1_2',
        cipher_suites: ['ECDHE-RSA-AES256-GCM-SHA384', 'ECDHE-RSA-CHACHA20-POLY1305'],
      },
    },
  }),
  several: secured({
    common: {
      tls_certificates: ['first', 'exact', 'wild', 'rsa'].map((name) =>
        tlsCertificate(certificates[name as keyof typeof certificates]),
      ),
    },
  }),
  named: secured({ require_sni: true }),
  one_protocol: secured({ common: { alpn_protocols: ['http/1.1'] } }),
  no_protocol: secured({ common: { alpn_protocols: [] } }),
  required: secured({ require_client_certificate: true, common: trusts }),
  optional: secured({ common: trusts }),
  no_stateless: secured({ disable_stateless_session_resumption: true }),
  no_sessions: secured({
    disable_stateless_session_resumption: true,
    disable_stateful_session_resumption: true,
  }),
  hasty: secured({}, { chain: { transport_socket_connect_timeout: '0.3s' } }),
};

/** Of TLS 1.3 BoringSSL takes the client's first, where OpenSSL has one order for all versions. */
const OURS_FIRST = `TLS_AES_128_GCM_SHA256:${tls.DEFAULT_CIPHERS}`;

/** What a client does; its first member names the listener. */
interface Attempt {
  readonly to: string;
  readonly options?: tls.ConnectionOptions;
  /** Instead of TLS. */
  readonly raw?: string;
  readonly isSilent?: boolean;
  /** By an alert or without one: OpenSSL and BoringSSL have different words. */
  readonly isRefused?: boolean;
}

const only = (version: tls.SecureVersion): tls.ConnectionOptions => ({
  minVersion: version,
  maxVersion: version,
});
const shown = (own: TestCertificate): tls.ConnectionOptions => ({
  cert: own.chainPem,
  key: own.keyPem,
});
const named = (servername: string): tls.ConnectionOptions => ({ servername });

const ATTEMPTS: Readonly<Record<string, Attempt>> = {
  'no wishes': { to: 'plain' },
  'TLS 1.3 where both would': { to: 'plain', options: only('TLSv1.3') },
  'TLS 1.2': { to: 'plain', options: only('TLSv1.2') },
  'TLS 1.1': { to: 'plain', options: { ...only('TLSv1.1'), ciphers: 'DEFAULT@SECLEVEL=0' } },
  'TLS 1.3 to 1.2': { to: 'twelve', options: only('TLSv1.3') },
  'TLS 1.2 to 1.3': { to: 'thirteen', options: only('TLSv1.2') },
  'TLS 1.3 to 1.3': { to: 'thirteen' },
  'the first cipher': { to: 'ciphers' },
  'the second cipher': { to: 'ciphers', options: { ciphers: 'ECDHE-RSA-CHACHA20-POLY1305' } },
  'a cipher that is not there': {
    to: 'ciphers',
    options: { ciphers: 'ECDHE-RSA-AES128-GCM-SHA256' },
  },
  'an exact name': { to: 'several', options: named('www.exact.test') },
  'a wildcard': { to: 'several', options: named('a.wild.test') },
  'two labels for a wildcard': { to: 'several', options: named('a.b.wild.test') },
  'an unknown name': { to: 'several', options: named('other.test') },
  'no name': { to: 'several' },
  'a client of RSA only': {
    to: 'several',
    options: {
      ...only('TLSv1.2'),
      ciphers: 'ECDHE-RSA-AES128-GCM-SHA256',
      servername: 'first.test',
    },
  },
  'a name where one is required': { to: 'named', options: named('any.test') },
  'h2 and http/1.1': { to: 'plain', options: { ALPNProtocols: ['http/1.1', 'h2'] } },
  'http/1.1': { to: 'plain', options: { ALPNProtocols: ['http/1.1'] } },
  'no overlap': { to: 'one_protocol', options: { ALPNProtocols: ['spdy/3'] } },
  'h2 to http/1.1': { to: 'one_protocol', options: { ALPNProtocols: ['h2', 'http/1.1'] } },
  'ALPN to nobody who asks': { to: 'no_protocol', options: { ALPNProtocols: ['http/1.1'] } },
  'a certificate that is required': { to: 'required', options: shown(client) },
  'no certificate where one is required, TLS 1.2': { to: 'required', options: only('TLSv1.2') },
  'a stranger where one is required': {
    to: 'required',
    options: { ...shown(stranger), ...only('TLSv1.2') },
    isRefused: true,
  },
  'a certificate that is optional': { to: 'optional', options: shown(client) },
  'no certificate where it is optional': { to: 'optional' },
  'a stranger where it is optional': {
    to: 'optional',
    options: { ...shown(stranger), ...only('TLSv1.2') },
    isRefused: true,
  },
  'plain HTTP': { to: 'plain', raw: 'GET / HTTP/1.1\r\nhost: a\r\n\r\n' },
  'HTTP/2 in the clear': { to: 'plain', raw: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', isRefused: true },
  rubbish: { to: 'plain', raw: '\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a', isRefused: true },
  'a handshake record of rubbish': {
    to: 'plain',
    raw: '\x16\x03\x01\x00\x08rubbish!',
    isRefused: true,
  },
  'nothing, and an end': { to: 'plain', raw: '' },
  'nothing at all': { to: 'hasty', isSilent: true },
};

/** Everything a client can see. */
async function attempt(port: number, each: Attempt): Promise<string> {
  const { options = {}, raw, isSilent, isRefused } = each;
  const seen =
    raw === undefined && isSilent !== true
      ? await tlsAttempt(port, options)
      : await rawAttempt(port, isSilent === true ? null : (raw ?? ''));
  // Fatal alerts, errors, and nothing at all.
  const refusal = /^(?:15030[13]000202..)?(?: ECONNRESET)?$|^error \S+$/;
  return isRefused === true && refusal.test(seen) ? 'refused' : seen;
}

function tlsAttempt(port: number, options: tls.ConnectionOptions): Promise<string> {
  return new Promise((resolve) => {
    const socket = tls.connect({
      ...{ host: '127.0.0.1', port, rejectUnauthorized: false, ciphers: OURS_FIRST },
      ...options,
    });
    const seen: string[] = [];
    let answer = '';
    socket.once('secureConnect', () => {
      const { subject } = socket.getPeerCertificate();
      const { standardName } = socket.getCipher();
      seen.push(
        `${socket.getProtocol()} ${standardName} ${subject?.CN} alpn=${socket.alpnProtocol}`,
      );
      if (socket.alpnProtocol === 'h2') socket.end();
      else socket.write('GET /direct HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n');
    });
    socket.on('data', (data) => {
      answer += data.toString('latin1');
    });
    socket.on('error', (error: NodeJS.ErrnoException) => seen.push(`error ${error.code}`));
    socket.once('close', () => {
      if (answer !== '' && socket.alpnProtocol !== 'h2') seen.push(answer.split('\r\n')[0] ?? '');
      resolve(seen.join('; '));
    });
  });
}

function rawAttempt(port: number, text: string | null): Promise<string> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => {
      if (text === '') socket.end();
      else if (text !== null) socket.write(text, 'latin1');
    });
    const chunks: Buffer[] = [];
    let ending = '';
    socket.on('data', (data) => chunks.push(data));
    socket.on('error', (error: NodeJS.ErrnoException) => {
      ending = ` ${error.code}`;
    });
    socket.once('close', () => resolve(`${Buffer.concat(chunks).toString('hex')}${ending}`));
  });
}

/** Statistics of TLS that are not 0, of all listeners together. */
async function statsOf(twin: ServedTwin): Promise<readonly string[]> {
  const text = await (await fetch(`${twin.admin}/stats?usedonly`)).text();
  const found: string[] = [];
  const counted =
    /^listener\.127\.0\.0\.1_0\.((?:ssl\.|downstream_cx_(?:total|destroy|transport))\S*): ([1-9]\d*)$/gm;
  for (const [, name = '', value] of text.matchAll(counted)) {
    // Node does not tell by which algorithm a client has signed; when a certificate ends is no count.
    if (!/expiration|sigalgs/.test(name)) found.push(`${name} ${value}`);
  }
  return found.sort();
}

const CONFIG: TwinConfig = {
  listeners: Object.fromEntries(
    Object.entries(LISTENERS).map(([name, listener]) => [name, withLog(name, listener)]),
  ),
  log: { log_format: { text_format_source: { inline_string: `${LOG}\n` } } },
};

function withLog(name: string, listener: TwinListener): TwinListener {
  const inspector = {
    name: 'envoy.filters.listener.tls_inspector',
    typed_config: {
      '@type':
        'type.googleapis.com/envoy.extensions.filters.listener.tls_inspector.v3.TlsInspector',
    },
  };
  return { ...listener, listener: { listener_filters: name === 'hasty' ? [] : [inspector] } };
}

t.test('clients of a listener with TLS', { skip: withoutEnvoy }, async (t) => {
  await withServedTwins(CONFIG, async ({ ours, envoy }) => {
    for (const [title, each] of Object.entries(ATTEMPTS)) {
      const seen = await Promise.all(
        [ours, envoy].map((twin) => attempt(twin.ports[each.to] ?? 0, each)),
      );
      t.equal(seen[0], seen[1], title);
    }
    await eventually(async () => {
      const [left, right] = [await statsOf(ours), await statsOf(envoy)];
      return JSON.stringify(left) === JSON.stringify(right);
    }, 3000).catch(() => undefined);
    t.strictSame(await statsOf(ours), await statsOf(envoy), 'statistics');
  });
});

t.test('limits of connections act before the handshake', { skip: withoutEnvoy }, async (t) => {
  const none = {
    max_tokens: 1,
    tokens_per_fill: 1,
    fill_interval: '3600s',
  };
  const filter = {
    name: 'envoy.filters.network.local_ratelimit',
    typed_config: {
      '@type':
        'type.googleapis.com/envoy.extensions.filters.network.local_ratelimit.v3.LocalRateLimit',
      stat_prefix: 'one',
      token_bucket: none,
    },
  };
  const { chain, ...rest } = secured({});
  const routes = { virtual_hosts: [] };
  const manager = {
    name: 'envoy.filters.network.http_connection_manager',
    typed_config: {
      '@type':
        'type.googleapis.com/envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
      ...{ stat_prefix: 'limited', route_config: routes },
      http_filters: [
        {
          name: 'envoy.filters.http.router',
          typed_config: {
            '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router',
          },
        },
      ],
    },
  };
  const limited = { ...rest, chain: { ...chain, filters: [filter, manager] } };
  const listeners = { limited };
  await withServedTwins({ ...CONFIG, listeners }, async ({ ours, envoy }) => {
    for (const twin of [ours, envoy]) {
      const port = twin.ports['limited'] ?? 0;
      t.match(await attempt(port, { to: 'limited' }), /HTTP\/1.1 404/, `${twin.side}: the first`);
      t.match(await attempt(port, { to: 'limited' }), /^error ECONNRESET$/, `${twin.side}: more`);
      t.equal(await attempt(port, { to: 'limited', isSilent: true }), '', `${twin.side}: silent`);
      t.equal(await twin.stat('local_rate_limit.one.rate_limited'), 2);
    }
    t.strictSame(await statsOf(ours), await statsOf(envoy), 'statistics');
  });
});
