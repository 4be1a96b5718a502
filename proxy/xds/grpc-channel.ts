// From what a configuration says of a management server to what @grpc/grpc-js connects with.
import type { Socket } from 'node:net';
import type * as grpc from '@grpc/grpc-js';
import { grpcLibrary } from './libraries.ts';
import { type ServerTls, secure } from './server-tls.ts';

/** Where a server listens. */
export type ServerTarget =
  | { readonly kind: 'tcp'; readonly host: string; readonly port: number }
  | { readonly kind: 'unix'; readonly path: string };

/** What does not change from connection to connection. */
export interface ChannelSettings {
  /** `:authority`; Envoy sends the cluster's name. */
  readonly authority: string;
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
  readonly maxResponseBytes: number;
}

/** Flow control window: larger responses need fewer round trips. */
const WINDOW_BYTES = 1_048_576;

/** As the URI that grpc-js wants; addresses are never asked of a resolver. */
export function targetUri(target: ServerTarget): string {
  if (target.kind === 'unix') return `unix:${target.path}`;
  const { host, port } = target;
  if (host.includes(':')) return `ipv6:[${host}]:${port}`;
  return /^[\d.]+$/.test(host) ? `ipv4:${host}:${port}` : `dns:${host}:${port}`;
}

/** One client, with a connection of its own. */
export function makeClient(
  target: ServerTarget,
  serverTls: ServerTls | null,
  settings: ChannelSettings,
): grpc.Client {
  const options: grpc.ChannelOptions = {
    'grpc.default_authority': settings.authority,
    'grpc.keepalive_time_ms': settings.keepaliveMs,
    'grpc.keepalive_timeout_ms': settings.keepaliveTimeoutMs,
    'grpc.max_receive_message_length': settings.maxResponseBytes,
    'grpc-node.flow_control_window': WINDOW_BYTES,
    // Who shares a connection, when it is made anew and how often is decided elsewhere.
    'grpc.use_local_subchannel_pool': 1,
    'grpc.enable_retries': 0,
    'grpc.service_config_disable_resolution': 1,
    // The environment's proxy is not in the configuration.
    'grpc.enable_http_proxy': 0,
    'grpc.enable_channelz': 0,
  };
  return new (grpcLibrary().Client)(targetUri(target), credentialsOf(serverTls), options);
}

/**
 * grpc-js would judge servers by OpenSSL's verdict and their names alone. Should it ever make its
 * connections otherwise, its own judgement applies, which is stricter: it wants a public authority.
 */
function credentialsOf(serverTls: ServerTls | null): grpc.ChannelCredentials {
  const library = grpcLibrary();
  if (serverTls === null) return library.credentials.createInsecure();
  const credentials = library.credentials.createFromSecureContext(serverTls.context);
  credentials._createSecureConnector = (_target, _options, given) => {
    const pending = new Set<Socket>();
    const callCredentials = given ?? library.CallCredentials.createEmpty();
    return {
      connect: async (raw) => {
        pending.add(raw);
        try {
          return { socket: await secure(raw, serverTls, ['h2']), secure: true };
        } finally {
          pending.delete(raw);
        }
      },
      waitForReady: () => Promise.resolve(),
      getCallCredentials: () => callCredentials,
      // Handshakes that nobody waits for any more.
      destroy: () => {
        for (const raw of pending) raw.destroy();
      },
    };
  };
  return credentials;
}
