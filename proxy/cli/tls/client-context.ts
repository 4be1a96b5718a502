// The TLS context that a server is judged by: that of a cluster in a configuration, or one that
// flags describe, which goes the same way through loading.
import { isIP } from 'node:net';
import type { Message } from '@bufbuild/protobuf';
import type { Bootstrap } from '../../api/gen/envoy/config/bootstrap/v3/bootstrap_pb.js';
import { SILENT_LOG } from '../../base/log.ts';
import type { ClusterConfig } from '../../model/cluster.ts';
import type { UpstreamTlsConfig, UpstreamTransportConfig } from '../../model/transport-socket.ts';
import { compilerFor, type GoodBootstrap } from '../../server/configuration.ts';
import { NO_SERVER } from '../../server/discovery/discovery-sources.ts';
import { secretsOfCluster } from '../../server/secrets/secret-refs.ts';
import { SecretSupplies } from '../../server/secrets/secret-supplies.ts';
import { StatsStore } from '../../stats/store.ts';
import { SecretHub } from '../../tls/secret-hub.ts';
import { loadFor } from '../explain-command.ts';

/** Flags that describe a context. */
export interface ContextFlags {
  readonly configPath?: string;
  readonly cluster?: string;
  readonly ca?: string;
  readonly san?: readonly string[];
  readonly cert?: string;
  readonly key?: string;
  readonly sni?: string;
  readonly allowUnknownStaticFields?: boolean;
}

/** A context with its secrets. */
export interface ClientContext {
  readonly tls: UpstreamTlsConfig;
  readonly secrets: SecretHub;
  /** Secrets that nobody here can supply. */
  readonly missing: readonly string[];
}

const TLS = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext';
const CLUSTER = 'peer';

/** An error that is not printed yet, or `null`: it is. */
export function clientContext(
  flags: ContextFlags,
): ClientContext | { readonly error: string | null } {
  const { configPath = '', cluster = CLUSTER } = flags;
  const configYaml = configPath === '' ? contextYaml(flags) : '';
  const allowUnknownStaticFields = flags.allowUnknownStaticFields === true;
  const loaded = loadFor({ configPath, configYaml, allowUnknownStaticFields });
  if (loaded === null) return { error: null };
  const compiler = compilerFor(loaded, loaded.bootstrap.runtime);
  const resources = loaded.resources.filter(({ kind }) => kind === 'cluster');
  const resource = resources.find(({ name }) => name === cluster);
  if (resource === undefined) {
    const names = resources.map(({ name }) => name).join(', ');
    return { error: `${configPath} has no cluster '${cluster}': ${names || 'it has none'}` };
  }
  const config = compiler.cluster(resource).config as ClusterConfig;
  const tls = tlsOf(config.transport) ?? firstMatchOf(config);
  if (tls === null) return { error: `cluster '${cluster}' speaks without TLS` };
  return { tls, ...suppliedSecrets(config, loaded) };
}

function firstMatchOf({ transportMatches }: ClusterConfig): UpstreamTlsConfig | null {
  for (const { transport } of transportMatches) {
    const tls = tlsOf(transport);
    if (tls !== null) return tls;
  }
  return null;
}

function tlsOf(transport: UpstreamTransportConfig): UpstreamTlsConfig | null {
  if (transport.kind === 'raw') return null;
  return transport.kind === 'tls' || transport.kind === 'starttls'
    ? transport.tls
    : tlsOf(transport.inner);
}

/** Secrets as the proxy would have them; those of servers are not asked for. */
function suppliedSecrets(
  config: ClusterConfig,
  loaded: GoodBootstrap,
): Pick<ClientContext, 'secrets' | 'missing'> {
  const secrets = new SecretHub();
  const missing: string[] = [];
  const compiler = compilerFor(loaded, loaded.bootstrap.runtime);
  const supplies = new SecretSupplies({
    findStatic: (name) => staticSecrets(loaded).find((secret) => secret.name === name) ?? null,
    stats: new StatsStore(null),
    log: SILENT_LOG.logger('tls'),
    sourceOf: () => NO_SERVER,
  });
  const use = (key: string, message: Message): string => {
    const compiled = compiler.secret({ kind: 'secret', name: key, version: '', message });
    if (compiled.config === null) return 'refused';
    secrets.set(key, compiled.config);
    return '';
  };
  for (const ref of secretsOfCluster(config)) {
    if (ref.source.kind === 'inline') continue;
    const sink = {
      onValue: (secret: Message) => use(ref.key, secret),
      onGivenUp: () => undefined,
    };
    supplies.open(ref, sink)?.close();
    if (secrets.get(ref.key) === null && ref.initial === null) missing.push(ref.name);
  }
  return { secrets, missing };
}

function staticSecrets({ resources }: GoodBootstrap) {
  const found = resources.find(({ kind }) => kind === 'bootstrap');
  return (found?.message as Bootstrap | undefined)?.staticResources?.secrets ?? [];
}

/** JSON is YAML. */
function contextYaml({ ca, san = [], cert, key, sni }: ContextFlags): string {
  const validation = {
    ...(ca === undefined ? {} : { trusted_ca: { filename: ca } }),
    ...(san.length === 0 ? {} : { match_typed_subject_alt_names: san.map(sanMatcher) }),
  };
  const own = {
    certificate_chain: { filename: cert },
    private_key: { filename: key },
  };
  const context = {
    '@type': TLS,
    ...(sni === undefined ? {} : { sni }),
    common_tls_context: {
      ...(cert === undefined ? {} : { tls_certificates: [own] }),
      ...(ca === undefined ? {} : { validation_context: validation }),
    },
  };
  const cluster = {
    name: CLUSTER,
    load_assignment: { cluster_name: CLUSTER, endpoints: [] },
    transport_socket: { name: 'envoy.transport_sockets.tls', typed_config: context },
  };
  return JSON.stringify({ static_resources: { clusters: [cluster] } });
}

/** `spiffe://domain/*` is a prefix; what has a scheme is a URI, what is an address is one. */
function sanMatcher(text: string) {
  const matcher = text.endsWith('/*') ? { prefix: text.slice(0, -1) } : { exact: text };
  if (text.includes('://')) return { san_type: 'URI', matcher };
  return { san_type: isIP(text) === 0 ? 'DNS' : 'IP_ADDRESS', matcher };
}
