// Where all that is not in the bootstrap comes from: each source is opened once, by whoever names
// it first.
import type { ConfigSourceConfig } from '../../model/config-source.ts';
import type { DiscoverySource, OpenSource } from '../../xds/discovery.ts';
import type { StreamReport } from '../../xds/stream-report.ts';
import { SharedFile, type SharedFileParts } from './shared-file.ts';

/** A source that is a server. */
export type ServerConfig = Extract<ConfigSourceConfig, { readonly kind: 'ads' | 'api' }>;

/** Opens a management server; null: there is none. */
export type OpenServer = (config: ServerConfig) => OpenSource | null;

/** One per process. */
export class DiscoverySources {
  readonly #openServer: OpenServer;
  readonly #parts: SharedFileParts;
  readonly #files = new Map<string, SharedFile>();
  readonly #servers = new Map<string, OpenSource>();

  constructor(openServer: OpenServer, parts: SharedFileParts) {
    this.#openServer = openServer;
    this.#parts = parts;
  }

  /** The source that a configuration names. */
  of(config: ConfigSourceConfig): DiscoverySource {
    return config.kind === 'path' ? this.#file(config) : this.#server(config);
  }

  /** What is known of all of them: servers first. */
  reports(): readonly StreamReport[] {
    const all = [...this.#servers.values(), ...this.#files.values()];
    return all.flatMap((source) => source.reports());
  }

  /** Ends all streams. */
  close(): void {
    for (const server of this.#servers.values()) server.close();
    for (const file of this.#files.values()) file.close();
    this.#servers.clear();
  }

  #file(config: Extract<ConfigSourceConfig, { readonly kind: 'path' }>): DiscoverySource {
    const key = `${config.path}\n${config.directory}`;
    const file = this.#files.get(key) ?? new SharedFile(config, this.#parts);
    this.#files.set(key, file);
    return file;
  }

  #server(config: ServerConfig): DiscoverySource {
    const server = this.#servers.get(config.key) ?? this.#openServer(config);
    if (server === null) return NO_SERVER;
    this.#servers.set(config.key, server);
    return server;
  }
}

/** Whoever asks is told that nothing came, in time. */
export const NO_SERVER: DiscoverySource = Object.freeze({
  subscribe: ({ fetchTimeoutMs }, sink) => {
    const tell = () => sink.onFailure('fetch-timeout');
    const timer = fetchTimeoutMs === 0 ? null : setTimeout(tell, fetchTimeoutMs).unref();
    const close = () => {
      if (timer !== null) clearTimeout(timer);
    };
    return { setNames: () => undefined, refuse: () => undefined, close };
  },
  pause: () => () => undefined,
} satisfies DiscoverySource);
