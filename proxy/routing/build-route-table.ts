// Makes the runtime form of a route configuration: virtual hosts by domain. What a match answers
// with is made once for each route, so that matching itself makes nothing.

import type { RequestHead } from '../http/message.ts';
import { requestField } from '../http/request-field.ts';
import type { RouteTableConfig } from '../model/route.ts';
import { portStart } from './authority.ts';
import { NO_ROUTE } from './compiled-route.ts';
import { CompiledVirtualHost, type RouteTableOptions } from './compiled-virtual-host.ts';
import { DomainIndex } from './domain-index.ts';
import type { RouteLookup, RouteMatchInput, RouteTable, RouteTrace } from './route-table.ts';

/** Compiles a checked configuration; done once per configuration change. */
export function buildRouteTable(config: RouteTableConfig, options: RouteTableOptions): RouteTable {
  return new CompiledRouteTable(config, options);
}

class CompiledRouteTable implements RouteTable {
  readonly name: string;
  readonly #domains = new DomainIndex<CompiledVirtualHost>();
  readonly #ignoresPort: boolean;
  readonly #vhostHeader: string;

  constructor(config: RouteTableConfig, options: RouteTableOptions) {
    this.name = config.name;
    this.#ignoresPort = config.ignorePortInHostMatching;
    this.#vhostHeader = config.vhostHeader;
    for (const host of config.virtualHosts) {
      const compiled = new CompiledVirtualHost(config, host, options);
      for (const domain of host.domains) this.#domains.add(domain, compiled);
    }
  }

  match(head: RequestHead, input: RouteMatchInput): RouteLookup {
    const host = this.#hostOf(head);
    const virtualHost = host === null ? this.#nameless() : this.#domains.find(host);
    return virtualHost === null ? NO_ROUTE : virtualHost.match(head, input);
  }

  trace(head: RequestHead, input: RouteMatchInput): RouteTrace {
    const named = this.#hostOf(head);
    const host = named ?? '';
    const entry = named === null ? this.#domains.findNameless() : this.#domains.findEntry(named);
    const lookup = this.match(head, input);
    if (entry === null) return { lookup, host, virtualHost: null, domain: '', tried: [] };
    const { domain, value } = entry;
    return { lookup, host, virtualHost: value.config, domain, tried: value.trace(head, input) };
  }

  #nameless(): CompiledVirtualHost | null {
    return this.#domains.findNameless()?.value ?? null;
  }

  /** What names the virtual host; null: the vhost_header is missing. */
  #hostOf(head: RequestHead): string | null {
    const name = this.#vhostHeader;
    const host = name === '' ? head.authority : requestField(head, name);
    return this.#ignoresPort && host !== null ? withoutPort(host) : host;
  }
}

function withoutPort(authority: string): string {
  const start = portStart(authority);
  return start === -1 ? authority : authority.slice(0, start);
}
