// Asks a real Envoy what it thinks of clients' certificates: one listener for each validation
// context, a client that shows a chain, and what the listener's access log says of it.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import type { TestCertificate } from './certificates.ts';
import { eventually } from './eventually.ts';
import { withEnvoy } from './with-envoy.ts';

/** Operators that are logged of each connection, by the key of the verdict. */
const LOGGED = {
  subject: '%DOWNSTREAM_PEER_SUBJECT%',
  issuer: '%DOWNSTREAM_PEER_ISSUER%',
  serial: '%DOWNSTREAM_PEER_SERIAL%',
  fingerprint256: '%DOWNSTREAM_PEER_FINGERPRINT_256%',
  uris: '%DOWNSTREAM_PEER_URI_SAN%',
  dns: '%DOWNSTREAM_PEER_DNS_SAN%',
  emails: '%DOWNSTREAM_PEER_EMAIL_SAN%',
  ips: '%DOWNSTREAM_PEER_IP_SAN%',
  others: '%DOWNSTREAM_PEER_OTHERNAME_SAN%',
  failure: '%DOWNSTREAM_TRANSPORT_FAILURE_REASON%',
} as const;

/** What Envoy logged; null where it had nothing to say. */
export type EnvoyVerdict = Readonly<Record<keyof typeof LOGGED, string | null>>;

/** The client's half; null: it shows nothing. */
export type Shown = Pick<TestCertificate, 'chainPem' | 'keyPem'> | null;

/** Envoy with listeners. */
export interface EnvoyJudge {
  /** Shows `client` to the listener of that name. */
  judge(listener: string, client: Shown): Promise<EnvoyVerdict>;
  /** Counters whose name ends so, of that listener. */
  counter(listener: string, name: string): Promise<number>;
}

/** Starts Envoy with a listener for each CertificateValidationContext (JSON), runs `use`. */
export async function withEnvoyJudge(
  contexts: Readonly<Record<string, object>>,
  server: TestCertificate,
  use: (judge: EnvoyJudge) => Promise<void>,
): Promise<void> {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'judge-'));
  const log = path.join(directory, 'log');
  const listeners = Object.entries(contexts).map(([name, context]) =>
    listenerOf({ name, context, server, log }),
  );
  const flags = ['--file-flush-interval-msec', '10'];
  try {
    await withEnvoy(
      { static_resources: { listeners } },
      (envoy) =>
        use({
          async judge(listener, client) {
            const before = linesOf(log).length;
            await show(await envoy.listener(listener), client);
            await eventually(() => linesOf(log).length > before);
            return JSON.parse(linesOf(log).at(-1) ?? '') as EnvoyVerdict;
          },
          async counter(listener, name) {
            const url = `${envoy.admin}/stats?format=json&filter=listener.${listener}.${name}`;
            const { stats } = (await (await fetch(url)).json()) as {
              stats: { value?: number }[];
            };
            return stats[0]?.value ?? 0;
          },
        }),
      flags,
    );
  } finally {
    fs.rmSync(directory, { recursive: true });
  }
}

/** Complete lines of a file that may not be there yet. */
function linesOf(file: string): string[] {
  if (!fs.existsSync(file)) return [];
  return fs.readFileSync(file, 'utf8').split('\n').slice(0, -1);
}

/** Connects and says something, until Envoy closes or says it again: then it took the chain. */
function show(address: string, client: Shown): Promise<void> {
  const at = address.lastIndexOf(':');
  const socket = tls.connect({
    host: address.slice(0, at),
    port: Number(address.slice(at + 1)),
    rejectUnauthorized: false,
    ...(client === null ? {} : { cert: client.chainPem, key: client.keyPem }),
  });
  socket.on('error', () => {
    // A refused certificate is an alert, which Node makes an error of.
  });
  socket.once('data', () => socket.end());
  socket.write('taken?');
  return new Promise((resolve) => socket.once('close', () => resolve()));
}

interface JudgeListener {
  readonly name: string;
  readonly context: object;
  readonly server: TestCertificate;
  readonly log: string;
}

function listenerOf({ name, context, server, log }: JudgeListener): object {
  return {
    name,
    stat_prefix: name,
    address: { socket_address: { address: '127.0.0.1', port_value: 0 } },
    access_log: [
      {
        name: 'file',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog',
          path: log,
          log_format: { json_format: LOGGED },
        },
      },
    ],
    filter_chains: [
      {
        transport_socket: {
          name: 'tls',
          typed_config: {
            '@type':
              'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
            require_client_certificate: true,
            common_tls_context: {
              tls_certificates: [
                {
                  certificate_chain: { inline_string: server.chainPem },
                  private_key: { inline_string: server.keyPem },
                },
              ],
              validation_context: context,
            },
          },
        },
        filters: [
          {
            name: 'echo',
            typed_config: {
              '@type': 'type.googleapis.com/envoy.extensions.filters.network.echo.v3.Echo',
            },
          },
        ],
      },
    ],
  };
}
