// Makes the runtime form of a route configuration.
import type { RequestHead } from '../http/message.ts';
import type { RouteConfig, RouteTableConfig, VirtualHostConfig } from '../model/route.ts';
import type { Route, RouteLookup, RouteTable } from './route-table.ts';

const NONE: RouteLookup = { kind: 'none' };

/** Compiles a checked configuration; done once per configuration change. */
export function buildRouteTable(config: RouteTableConfig): RouteTable {
  return new CompiledRouteTable(config);
}

class CompiledRouteTable implements RouteTable {
  readonly name: string;
  readonly #exact = new Map<string, readonly RouteLookup[]>();
  #any: readonly RouteLookup[] | null = null;

  constructor(config: RouteTableConfig) {
    this.name = config.name;
    for (const host of config.virtualHosts) this.#add(host);
  }

  match(head: RequestHead): RouteLookup {
    const lookups = this.#exact.get(head.authority.toLowerCase()) ?? this.#any;
    if (lookups === null) return NONE;
    for (const lookup of lookups) {
      if (lookup.kind === 'route' && matches(lookup.route.config, head)) return lookup;
    }
    return NONE;
  }

  #add(virtualHost: VirtualHostConfig): void {
    const lookups = virtualHost.routes.map((config): RouteLookup => {
      const route: Route = { config, virtualHost };
      return { kind: 'route', route };
    });
    for (const domain of virtualHost.domains) {
      if (domain === '*') this.#any = lookups;
      else this.#exact.set(domain, lookups);
    }
  }
}

function matches(route: RouteConfig, head: RequestHead): boolean {
  const path = route.match.path;
  if (path.kind === 'prefix') return head.path.startsWith(path.text);
  return path.kind === 'path' && head.path === path.text;
}
