// Where all that is not in the bootstrap comes from: each source is opened once, by whoever names
// it first.
import type { Logger } from '../../base/log.ts';
import type { ConfigSourceConfig } from '../../model/config-source.ts';
import type { DiscoverySource } from '../../xds/discovery.ts';
import { FileSource } from './file-source.ts';

/** Opens a management server. */
export type OpenServer = (
  config: Extract<ConfigSourceConfig, { readonly kind: 'ads' | 'api' }>,
) => OpenedServer;

/** A source that is a server. */
export interface OpenedServer extends DiscoverySource {
  close(): void;
}

/** One per process. */
export class DiscoverySources {
  readonly #openServer: OpenServer;
  readonly #log: Logger;
  readonly #files = new Map<string, FileSource>();
  readonly #servers = new Map<string, OpenedServer>();

  constructor(openServer: OpenServer, log: Logger) {
    this.#openServer = openServer;
    this.#log = log;
  }

  /** The source that a configuration names. */
  of(config: ConfigSourceConfig): DiscoverySource {
    return config.kind === 'path' ? this.#file(config) : this.#server(config);
  }

  /** Ends all streams. */
  close(): void {
    for (const server of this.#servers.values()) server.close();
    this.#servers.clear();
  }

  #file(config: Extract<ConfigSourceConfig, { readonly kind: 'path' }>): DiscoverySource {
    const { path, directory } = config;
    const key = `${path}\n${directory}`;
    const known = this.#files.get(key);
    if (known !== undefined) return known;
    const file = new FileSource(path, directory, this.#log);
    file.onUnused = () => this.#files.delete(key);
    this.#files.set(key, file);
    return file;
  }

  #server(config: Extract<ConfigSourceConfig, { readonly kind: 'ads' | 'api' }>): DiscoverySource {
    const server = this.#servers.get(config.key) ?? this.#openServer(config);
    this.#servers.set(config.key, server);
    return server;
  }
}

/** For a proxy without servers: whoever asks is told that nothing came, in time. */
export function noServer(): OpenedServer {
  return {
    subscribe: ({ fetchTimeoutMs }, sink) => {
      const tell = () => sink.onFailure('fetch-timeout');
      const timer = fetchTimeoutMs === 0 ? null : setTimeout(tell, fetchTimeoutMs).unref();
      const close = () => {
        if (timer !== null) clearTimeout(timer);
      };
      return { setNames: () => undefined, close };
    },
    pause: () => () => undefined,
    close: () => undefined,
  };
}
