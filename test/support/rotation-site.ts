// A proxy that speaks mTLS to itself, with secrets that a test rotates: its listener has its
// certificate in files of a Kubernetes volume, its clusters theirs in an SDS file, and both trust
// what another SDS file says.
import { createHash } from 'node:crypto';
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { makeAuthority, type TestCertificate } from './certificates.ts';
import { closedPort } from './dead-ports.ts';
import { identityFile, rootsFile, spiffeId, workloadCertificate } from './mesh-tls.ts';
import { type Json, typed } from './rig-bootstrap.ts';
import { type SpawnedServer, spawnServer } from './spawn-server.ts';

const SERVER_ID = spiffeId('foo', 'server');
const CLIENT_ID = spiffeId('foo', 'client');
/** Requests that one upstream connection carries: few, so that there are always new ones. */
const H2_REQUESTS = 3;

/** Says what identities the proxy showed. */
export class RotationSite {
  readonly #server: SpawnedServer;
  readonly #upstream: Server;
  readonly ports: Readonly<Record<'secure' | 'h1' | 'h2', number>>;
  readonly #volume: string;
  readonly #secrets: string;
  #turn = 0;
  /** Signs everything that is issued from now on. */
  authority: TestCertificate;

  private constructor(parts: {
    readonly server: SpawnedServer;
    readonly upstream: Server;
    readonly ports: RotationSite['ports'];
    readonly authority: TestCertificate;
  }) {
    this.#server = parts.server;
    this.#upstream = parts.upstream;
    this.ports = parts.ports;
    this.authority = parts.authority;
    this.#volume = volumeIn(parts.server.directory);
    this.#secrets = secretsIn(parts.server.directory);
  }

  /** Starts the proxy with its first identities. */
  static async start(workers: number): Promise<RotationSite> {
    const authority = makeAuthority({ subject: 'root 0' });
    const upstream = createServer((request, response) => {
      const certificate = String(request.headers['x-forwarded-client-cert'] ?? '');
      response.end(/Hash=([0-9a-f]{64})/.exec(certificate)?.[1] ?? 'nobody');
    });
    upstream.keepAliveTimeout = 0;
    const upstreamPort = await listen(upstream);
    const securePort = await closedPort();
    const make = (directory: string): object => {
      for (const folder of [volumeIn(directory), secretsIn(directory)]) mkdirSync(folder);
      const server = workloadCertificate(authority, SERVER_ID);
      writeVolume(volumeIn(directory), 'first', server.chainPem, server.keyPem);
      const client = identityFile(workloadCertificate(authority, CLIENT_ID));
      writeFileSync(path.join(secretsIn(directory), 'client.json'), client);
      writeFileSync(path.join(secretsIn(directory), 'roots.json'), rootsFile(authority));
      return bootstrap(directory, { securePort, upstreamPort });
    };
    const server = await spawnServer(make, { flags: ['--concurrency', String(workers)] });
    const portOf = async (name: string): Promise<number> =>
      Number((await server.listener(name)).split(':').at(-1));
    const ports = { secure: securePort, h1: await portOf('h1'), h2: await portOf('h2') };
    return new RotationSite({ server, upstream, ports, authority });
  }

  /** A certificate of the client's identity by the present authority. */
  issueClient(): TestCertificate {
    return this.#issue(CLIENT_ID);
  }

  /** Gives the listener another certificate; the SHA-256 of what was put there. */
  rotateServer(): string {
    const next = this.#issue(SERVER_ID);
    this.putServerPair(next.chainPem, next.keyPem);
    return hashOf(next);
  }

  /** The same for the clusters. */
  rotateClient(): string {
    const next = this.#issue(CLIENT_ID);
    this.putSecret('client.json', identityFile(next));
    return hashOf(next);
  }

  /** Swaps in a directory with this pair, as kubelet does. */
  putServerPair(chainPem: string, keyPem: string): void {
    this.#turn += 1;
    writeVolume(this.#volume, `turn-${this.#turn}`, chainPem, keyPem);
    const old = path.join(this.#volume, `turn-${this.#turn - 2}`);
    rmSync(old, { recursive: true, force: true });
  }

  /** Replaces an SDS file. */
  putSecret(name: string, text: string): void {
    const file = path.join(this.#secrets, name);
    writeFileSync(`${file}.new`, text);
    renameSync(`${file}.new`, file);
  }

  /** Whom both sides trust. */
  putRoots(...roots: readonly TestCertificate[]): void {
    this.putSecret('roots.json', rootsFile(...roots));
  }

  /** A counter. */
  async counter(name: string): Promise<number> {
    const text = await this.#server.admin(`/stats?filter=${encodeURIComponent(`^${name}$`)}`);
    return Number(/: (\d+)$/m.exec(text)?.[1] ?? 0);
  }

  stderr(): string {
    return this.#server.stderr();
  }

  async stop(): Promise<void> {
    this.#upstream.close();
    this.#upstream.closeAllConnections();
    this.#server.kill('SIGKILL');
    await this.#server.exited;
  }

  #issue(id: string): TestCertificate {
    return workloadCertificate(this.authority, id);
  }
}

/** SHA-256 of a certificate in hexadecimal, as x-forwarded-client-cert has it. */
export function hashOf(certificate: { readonly der: Uint8Array }): string {
  return createHash('sha256').update(certificate.der).digest('hex');
}

function volumeIn(directory: string): string {
  return path.join(directory, 'volume');
}

function secretsIn(directory: string): string {
  return path.join(directory, 'secrets');
}

/** `..data` is a link to the directory of the present version; it is replaced by a rename. */
function writeVolume(volume: string, version: string, chainPem: string, keyPem: string): void {
  const directory = path.join(volume, version);
  mkdirSync(directory);
  writeFileSync(path.join(directory, 'tls.crt'), chainPem);
  writeFileSync(path.join(directory, 'tls.key'), keyPem, { mode: 0o600 });
  symlinkSync(version, path.join(volume, '..data_tmp'));
  renameSync(path.join(volume, '..data_tmp'), path.join(volume, '..data'));
  for (const name of ['tls.crt', 'tls.key']) {
    const link = path.join(volume, name);
    if (version === 'first') symlinkSync(`..data/${name}`, link);
  }
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)),
  );
}

interface Ports {
  readonly securePort: number;
  readonly upstreamPort: number;
}

function bootstrap(directory: string, { securePort, upstreamPort }: Ports): object {
  const toSecure = (name: string, http: Json): Json => ({
    ...cluster(name, securePort),
    transport_socket: clientTls(directory),
    typed_extension_protocol_options: {
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': typed(
        'extensions.upstreams.http.v3.HttpProtocolOptions',
        http,
      ),
    },
  });
  const few = (max_requests_per_connection: number): Json => ({
    common_http_protocol_options: { max_requests_per_connection },
  });
  const xfcc = { forward_client_cert_details: 'SANITIZE_SET' };
  const secure = {
    ...listener('secure', securePort, manager('secure', 'app', xfcc)),
  } as { filter_chains: Json[] };
  secure.filter_chains = secure.filter_chains.map((chain) => ({
    ...chain,
    transport_socket: serverTls(directory),
  }));
  return {
    static_resources: {
      listeners: [
        secure,
        listener('h1', 0, manager('h1', 'over-h1')),
        listener('h2', 0, manager('h2', 'over-h2')),
      ],
      clusters: [
        cluster('app', upstreamPort),
        toSecure('over-h1', {
          ...few(1),
          explicit_http_config: { http_protocol_options: {} },
        }),
        toSecure('over-h2', {
          ...few(H2_REQUESTS),
          explicit_http_config: { http2_protocol_options: {} },
        }),
      ],
    },
  };
}

function sds(name: string, directory: string, file: string): Json {
  const path_config_source = { path: path.join(secretsIn(directory), file) };
  return { name, sds_config: { path_config_source, resource_api_version: 'V3' } };
}

function serverTls(directory: string): Json {
  const at = (name: string): Json => ({ filename: path.join(volumeIn(directory), name) });
  const certificate = {
    certificate_chain: at('tls.crt'),
    private_key: at('tls.key'),
    watched_directory: { path: volumeIn(directory) },
  };
  return socket('DownstreamTlsContext', {
    common_tls_context: {
      alpn_protocols: ['h2', 'http/1.1'],
      tls_certificates: [certificate],
      validation_context_sds_secret_config: sds('ROOTCA', directory, 'roots.json'),
    },
    require_client_certificate: true,
  });
}

function clientTls(directory: string): Json {
  const matchers = [{ san_type: 'URI', matcher: { exact: SERVER_ID } }];
  return socket('UpstreamTlsContext', {
    common_tls_context: {
      tls_params: { tls_maximum_protocol_version: 'TLSv1_3' },
      tls_certificate_sds_secret_configs: [sds('default', directory, 'client.json')],
      combined_validation_context: {
        default_validation_context: { match_typed_subject_alt_names: matchers },
        validation_context_sds_secret_config: sds('ROOTCA', directory, 'roots.json'),
      },
    },
  });
}

function socket(type: string, value: Json): Json {
  const typed_config = typed(`extensions.transport_sockets.tls.v3.${type}`, value);
  return { name: 'envoy.transport_sockets.tls', typed_config };
}

function cluster(name: string, port_value: number): Json {
  const address = { socket_address: { address: '127.0.0.1', port_value } };
  const endpoints = [{ lb_endpoints: [{ endpoint: { address } }] }];
  return { name, type: 'STATIC', load_assignment: { cluster_name: name, endpoints } };
}

function listener(name: string, port_value: number, hcm: Json): Json {
  return {
    name,
    address: { socket_address: { address: '127.0.0.1', port_value } },
    filter_chains: [{ filters: [{ name: 'hcm', typed_config: hcm }] }],
  };
}

function manager(stat_prefix: string, to: string, members: Json = {}): Json {
  const routes = [{ match: { prefix: '/' }, route: { cluster: to } }];
  return typed('extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
    stat_prefix,
    route_config: { virtual_hosts: [{ name: 'all', domains: ['*'], routes }] },
    http_filters: [
      { name: 'router', typed_config: typed('extensions.filters.http.router.v3.Router') },
    ],
    ...members,
  });
}
