// A folder of resources as a control plane would send them, which a proxy follows by path.
import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Message } from './static-bootstrap.ts';

/** Type URLs by the file's name. */
const TYPES: Readonly<Record<string, string>> = {
  lds: 'envoy.config.listener.v3.Listener',
  cds: 'envoy.config.cluster.v3.Cluster',
  eds: 'envoy.config.endpoint.v3.ClusterLoadAssignment',
  rds: 'envoy.config.route.v3.RouteConfiguration',
  sds: 'envoy.extensions.transport_sockets.tls.v3.Secret',
  srds: 'envoy.config.route.v3.ScopedRouteConfiguration',
  vhds: 'envoy.config.route.v3.VirtualHost',
  ecds: 'envoy.config.core.v3.TypedExtensionConfig',
  rtds: 'envoy.service.runtime.v3.Runtime',
};

/** The files of one proxy. */
export class ResourceFiles {
  readonly #directory: string;
  #version = 0;

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** A ConfigSource of one of the files. */
  source(file: keyof typeof TYPES & string, timeout = '15s'): Message {
    return {
      path_config_source: { path: this.#path(file) },
      initial_fetch_timeout: timeout,
      resource_api_version: 'V3',
    };
  }

  /** Writes all resources of a type, by a rename as Envoy wants it; answers the version. */
  write(file: keyof typeof TYPES & string, resources: readonly Message[]): string {
    this.#version += 1;
    const version_info = `v${this.#version}`;
    const url = `type.googleapis.com/${TYPES[file]}`;
    const all = resources.map((resource) => ({ '@type': url, ...resource }));
    const path = this.#path(file);
    writeFileSync(`${path}.new`, JSON.stringify({ version_info, resources: all }));
    renameSync(`${path}.new`, path);
    return version_info;
  }

  #path(file: string): string {
    return join(this.#directory, `${file}.json`);
  }
}

/** An EDS cluster that follows `eds`. */
export function edsCluster(name: string, eds_config: Message, members: Message = {}): Message {
  return {
    ...{ name, type: 'EDS', connect_timeout: '5s', eds_cluster_config: { eds_config } },
    ...members,
  };
}

/** Endpoints on loopback. */
export function assignment(
  cluster_name: string,
  ports: readonly number[],
  members: Message = {},
): Message {
  const lb_endpoints = ports.map((port_value) => ({
    endpoint: { address: { socket_address: { address: '127.0.0.1', port_value } } },
  }));
  return { cluster_name, endpoints: [{ lb_endpoints }], ...members };
}
