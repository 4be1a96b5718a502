// The parts of a connection manager's configuration by their field paths, with what their author
// wrote there.
import type { HttpConnectionManagerConfig } from '../model/http-connection-manager.ts';
import type { VirtualHostConfig } from '../model/route.ts';
import type { RouteTrace } from '../routing/route-table.ts';
import { type ExplainedConfiguration, type Origin, valueAt } from './configuration.ts';
import type { Json } from './flow-text.ts';

/** What a look-up found, as paths; '' for what it did not find. */
export interface MatchedPaths {
  readonly table: string;
  readonly virtualHost: string;
  readonly route: string;
  /** The drawn entry of weighted_clusters. */
  readonly weighted: string;
}

/** Reads one connection manager. */
export class ManagerView {
  readonly config: HttpConnectionManagerConfig;
  /** Of its message. */
  readonly path: string;
  readonly #configuration: ExplainedConfiguration;
  readonly #json: () => Json;
  readonly #rootPath: string;

  /** `root`: the listener; `path` leads from there to the connection manager's message. */
  constructor(
    configuration: ExplainedConfiguration,
    root: { readonly path: string; readonly json: () => Json },
    at: { readonly path: string; readonly config: HttpConnectionManagerConfig },
  ) {
    this.config = at.config;
    this.path = `${root.path}.${at.path}`;
    this.#configuration = configuration;
    this.#json = root.json;
    this.#rootPath = root.path;
  }

  origin(path: string): Origin {
    return this.#configuration.origin(path);
  }

  /** What stands at a full path. */
  json(path: string): Json | undefined {
    return valueAt(this.#json(), path.slice(this.#rootPath.length + 1));
  }

  get tablePath(): string {
    return `${this.path}.route_config`;
  }

  virtualHostPath(trace: RouteTrace): string {
    const { virtualHosts } = this.config.routeTable;
    const index = virtualHosts.indexOf(trace.virtualHost as VirtualHostConfig);
    return index < 0 ? '' : `${this.tablePath}.virtual_hosts[${index}]`;
  }

  /** Of a tried route, by its index in the virtual host. */
  routePath(trace: RouteTrace, index: number): string {
    const host = this.virtualHostPath(trace);
    if (host === '') return '';
    return index < 0 ? `${host}.matcher` : `${host}.routes[${index}]`;
  }
}
