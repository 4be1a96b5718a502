// One server that listens at every loopback address, so that a cluster may have any number of hosts;
// its answers say at which of them it was asked.
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { KEPT } from './kept-connections.ts';
import { rawConnect } from './raw-peer.ts';
import type { Json } from './twin-bootstrap.ts';

/** What is special about a host. */
export interface HostJson {
  /** Last two octets of 127.0.x.y: `1.7`. */
  readonly at: string;
  readonly weight?: number;
  readonly health?: 'HEALTHY' | 'DEGRADED' | 'UNHEALTHY';
  readonly hostname?: string;
  /** `envoy.lb` */
  readonly metadata?: Json;
}

/** Hosts of one locality. */
export interface LocalityJson {
  readonly hosts: readonly HostJson[];
  readonly zone?: string;
  readonly weight?: number;
  readonly priority?: number;
}

/** See the file's head. */
export class ManyHosts {
  readonly #server = createServer(KEPT, (request, response) => {
    response.setHeader('x-host', request.socket.localAddress ?? '');
    response.end();
  });

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '0.0.0.0', resolve));
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  /** A cluster of some of its addresses, `over` laid over it. */
  cluster(name: string, localities: readonly LocalityJson[], over: Json = {}): Json {
    const endpoints = localities.map(({ hosts, zone, weight, priority }) => ({
      lb_endpoints: hosts.map((host) => this.#endpoint(host)),
      ...(zone === undefined ? {} : { locality: { region: 'r', zone } }),
      ...(weight === undefined ? {} : { load_balancing_weight: weight }),
      ...(priority === undefined ? {} : { priority }),
    }));
    return {
      ...{ name, type: 'STATIC', connect_timeout: '5s' },
      load_assignment: { cluster_name: name, endpoints },
      ...over,
    };
  }

  #endpoint({ at, weight, health, hostname, metadata }: HostJson): Json {
    const { port } = this.#server.address() as AddressInfo;
    const address = { socket_address: { address: `127.0.${at}`, port_value: port } };
    return {
      endpoint: { address, ...(hostname === undefined ? {} : { hostname }) },
      ...(weight === undefined ? {} : { load_balancing_weight: weight }),
      ...(health === undefined ? {} : { health_status: health }),
      ...(metadata === undefined
        ? {}
        : { metadata: { filter_metadata: { 'envoy.lb': metadata } } }),
    };
  }
}

/** So many hosts `1.1`, `1.2` …, with what `of` says of each. */
export function hostsJson(
  count: number,
  of: (index: number) => Omit<HostJson, 'at'> = () => ({}),
): readonly HostJson[] {
  return Array.from({ length: count }, (_, index) => ({
    at: `${1 + Math.floor(index / 250)}.${1 + (index % 250)}`,
    ...of(index),
  }));
}

/**
 * Where each GET for a path, with its fields, went: an address, or the status if nowhere. One after
 * the other, on one connection.
 */
export async function pickedHosts(
  port: number,
  requests: readonly { readonly path: string; readonly fields?: readonly string[] }[],
): Promise<readonly string[]> {
  const peer = await rawConnect(`127.0.0.1:${port}`);
  const places: string[] = [];
  for (const { path, fields = [] } of requests) {
    peer.write([`GET ${path} HTTP/1.1`, 'host: h.test', ...fields, '', ''].join('\r\n'));
    const { head } = await peer.response();
    places.push(head.get('x-host') ?? head.startLine);
  }
  peer.close();
  return places;
}
