// What route tables and filters of a connection manager are made with where servers tell them: a hub
// that the test sets, and statistics that show what is still held.
import { privateCells } from '../../proxy/base/cells/shared-cells.ts';
import { DiscoveredHub } from '../../proxy/filters/discovered-configs.ts';
import type { HttpFilterDefinition, HttpFilterServices } from '../../proxy/filters/http-filter.ts';
import type { WorkerServices } from '../../proxy/filters/network-filter.ts';
import type { ConfigSourceConfig, FilterKind, FilterRef } from '../../proxy/model/config-source.ts';
import type { ExtensionInstance, ToldFilter } from '../../proxy/model/extension.ts';
import type { RouteTableConfig } from '../../proxy/model/route.ts';
import { UNWATCHED } from '../../proxy/model/watched-file.ts';
import { StatsStore } from '../../proxy/stats/store.ts';
import { routeTableConfig, routeTo } from './route-fixtures.ts';

const SOURCE: ConfigSourceConfig = { kind: 'ads', key: 'ads', fetchTimeoutMs: 0 };

/** See the file's head. */
export class ToldParts {
  readonly hub = new DiscoveredHub();
  readonly stats = new StatsStore(null);
  readonly services = {
    stats: this.stats,
    cells: privateCells(() => 0),
    files: UNWATCHED,
    discovered: this.hub,
  } as unknown as WorkerServices;

  filterServices(services: WorkerServices): HttpFilterServices {
    return { root: services.stats } as HttpFilterServices;
  }

  /** What somebody still holds: `table a`, `filter b`; without the one that is called `router`. */
  get held(): readonly string[] {
    const names = Object.keys(this.stats.snapshot().counters);
    const found = (pattern: RegExp) => names.flatMap((name) => pattern.exec(name)?.[1] ?? []);
    const tables = found(/vcluster\.(\w+)\.upstream_rq_total/).filter((name) => name !== 'other');
    const filters = found(/^filter\.(\w+)$/).filter((name) => name !== 'router');
    return [
      ...tables.sort().map((name) => `table ${name}`),
      ...filters.sort().map((name) => `filter ${name}`),
    ];
  }
}

/** A table that sends everything to `label`, and counts as `table <label>` as long as it is held. */
export function labelledTable(label: string, internalOnly: readonly string[] = []) {
  return routeTableConfig({
    internal_only_headers: [...internalOnly],
    virtual_hosts: [
      {
        name: 'v',
        domains: ['*'],
        routes: [routeTo(label, { prefix: '/' })],
        virtual_clusters: [{ name: label, headers: [{ name: 'x-none', exact_match: '1' }] }],
      },
    ],
  }) as RouteTableConfig;
}

/** Filters made of it say `<type>=<configuration>`, and count as long as they are held. */
export function labelledDefinition(type: string, isTerminal = false): HttpFilterDefinition {
  const factory = (config: string, services: HttpFilterServices) => {
    services.root.counter(`filter.${config}`);
    return { create: () => ({ label: `${type}=${config}` }) };
  };
  const schema = { typeName: type };
  return { name: type, schema, isTerminal, factory } as unknown as HttpFilterDefinition;
}

/** A place in a chain whose filter is told, of these types. */
export function toldPlace(
  name: string,
  typeNames: readonly string[],
  fallback: ToldFilter | null = null,
  kind: FilterKind = 'http-filter',
): ExtensionInstance {
  const rules = { typeNames, isLast: typeNames.includes('last') };
  const ref: FilterRef = { kind, key: name, name, source: SOURCE, rules, isAwaited: true };
  const untold = { name: 'config_discovery', schema: { typeName: '' } };
  const discovery = { ref, fallback };
  return { name, definition: untold as never, config: null, disabled: false, discovery };
}
