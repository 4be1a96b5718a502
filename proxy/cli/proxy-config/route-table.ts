// `proxy-config routes`: what is matched in each virtual host.
import {
  type Dump,
  type DumpedResource,
  type Result,
  sectionOf,
  servingResources,
} from './dump.ts';
import { istioOrigin } from './istio-origin.ts';
import { type JsonRecord, record, records, text, texts } from './json-fields.ts';
import { filterChains, servingListeners } from './listener-table.ts';
import { domainsText, isPassthrough, matchText } from './route-text.ts';
import { compareNames, type TextTable } from './text-table.ts';

/** Which of them are wanted; '' for any. */
export interface RouteFilter {
  readonly name: string;
}

/** Route configurations that serve, by name, numbers first. */
export function selectRoutes(dump: Dump, filter: RouteFilter): Result<readonly DumpedResource[]> {
  const section = sectionOf(dump, 'RoutesConfigDump');
  if (!section.ok) return section;
  const listed = servingResources(section.value, {
    ...{ fixed: 'static_route_configs', dynamic: 'dynamic_route_configs' },
    ...{ resource: 'route_config', state: '' },
  });
  const hasInline = records(section.value, 'static_route_configs').length > 0;
  const routes = hasInline ? listed : [...listed, ...inlineRoutes(dump)];
  const value = routes
    .filter(({ name }) => filter.name === '' || name === filter.name)
    .sort((left, right) => compareNames(left.name, right.name));
  return { ok: true, value };
}

/** A line for each route, or for each configuration when that is enough. */
export function routeTable(routes: readonly DumpedResource[], isVerbose: boolean): TextTable {
  if (!isVerbose) {
    const rows = routes.map(({ name, json }) => [
      name,
      String(records(json, 'virtual_hosts').length),
    ]);
    return { titles: ['NAME', 'VIRTUAL HOSTS'], rows };
  }
  const rows = routes.flatMap(({ name, json }) =>
    records(json, 'virtual_hosts').flatMap((host) => hostRows(name, host)),
  );
  return { titles: ['NAME', 'VHOST NAME', 'DOMAINS', 'MATCH', 'VIRTUAL SERVICE'], rows };
}

/** Routes inside of listeners, for dumps that do not list them once more. */
function inlineRoutes(dump: Dump): readonly DumpedResource[] {
  const listeners = servingListeners(dump);
  if (!listeners.ok) return [];
  return listeners.value
    .flatMap((listener) => filterChains(listener.json))
    .flatMap((chain) => records(chain, 'filters'))
    .map((filter) => record(filter, 'typed_config', 'route_config'))
    .filter((config) => Object.keys(config).length > 0)
    .map((json) => ({ name: text(json, 'name'), json }));
}

function hostRows(name: string, host: JsonRecord): readonly (readonly string[])[] {
  const start = [name, text(host, 'name'), domainsText(texts(host, 'domains'))];
  const routes = records(host, 'routes');
  // Nothing matches, whatever is asked for.
  if (routes.length === 0) return [[...start, '/*', '404']];
  return routes
    .filter((route) => !isPassthrough(route))
    .map((route) => [...start, matchText(record(route, 'match')), istioOrigin(route)]);
}
