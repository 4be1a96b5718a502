// Route tables by scope: a key made of fields of the request says which one serves it.
import type { RequestHead } from '../http/message.ts';
import { requestField } from '../http/request-field.ts';
import type { ScopedRoutesConfig, ScopeFragmentConfig } from '../model/scoped-routes.ts';
import { buildRouteTable } from './build-route-table.ts';
import { NO_ROUTE } from './compiled-route.ts';
import type { RouteTableOptions } from './compiled-virtual-host.ts';
import type { RouteLookup, RouteMatchInput, RouteTable, RouteTrace } from './route-table.ts';

/** Between the fragments of a key; no field value holds one. */
const END_OF_FRAGMENT = '\n';

/** Compiles checked scopes; done once per configuration change. */
export function buildScopedRouteTable(
  config: ScopedRoutesConfig,
  options: RouteTableOptions,
): RouteTable {
  const scopes = config.scopes.map(({ name, key, table }) => ({
    ...{ name, key },
    table: buildRouteTable(table, options),
  }));
  return joinScopes(config, scopes);
}

/** One table of those of all scopes; where two have the same key, the last one counts. */
export function joinScopes(
  config: Pick<ScopedRoutesConfig, 'name' | 'fragments'>,
  scopes: readonly Scope[],
): RouteTable {
  return new ScopedRouteTable(config, scopes);
}

/** A scope and its table. */
export interface Scope {
  readonly name: string;
  /** As many as there are fragments; otherwise no request is in it. */
  readonly key: readonly string[];
  readonly table: RouteTable;
}

class ScopedRouteTable implements RouteTable {
  readonly name: string;
  readonly #fragments: readonly ScopeFragmentConfig[];
  readonly #scopes = new Map<string, Scope>();

  constructor(
    { name, fragments }: Pick<ScopedRoutesConfig, 'name' | 'fragments'>,
    scopes: readonly Scope[],
  ) {
    this.name = name;
    this.#fragments = fragments;
    for (const scope of scopes) {
      if (scope.key.length !== fragments.length) continue;
      this.#scopes.set(scope.key.join(END_OF_FRAGMENT), scope);
    }
  }

  match(head: RequestHead, input: RouteMatchInput): RouteLookup {
    const scope = this.#scopeOf(head);
    return scope === null ? NO_ROUTE : scope.table.match(head, input);
  }

  trace(head: RequestHead, input: RouteMatchInput): RouteTrace {
    const scope = this.#scopeOf(head);
    if (scope !== null) return { ...scope.table.trace(head, input), scope: scope.name };
    const nothing = { lookup: NO_ROUTE, virtualHost: null, domain: '', tried: [] };
    return { ...nothing, host: head.authority, scope: '' };
  }

  #scopeOf(head: RequestHead): Scope | null {
    let key = '';
    for (let index = 0; index < this.#fragments.length; index += 1) {
      const fragment = fragmentOf(this.#fragments[index]!, head);
      if (fragment === null) return null;
      key = index === 0 ? fragment : key + END_OF_FRAGMENT + fragment;
    }
    return this.#scopes.get(key) ?? null;
  }
}

/** null: the request has none. */
function fragmentOf(config: ScopeFragmentConfig, head: RequestHead): string | null {
  const value = requestField(head, config.header);
  if (value === null) return null;
  const { elementSeparator, extract } = config;
  const elements = elementSeparator === '' ? [value] : value.split(elementSeparator);
  if (extract.kind === 'index') return elements[extract.index] ?? null;
  for (const element of elements) {
    const found = textBehind(element, extract.key, extract.separator);
    if (found !== null) return found;
  }
  return null;
}

/** What stands behind `key=`; '' for the key alone. */
function textBehind(element: string, key: string, separator: string): string | null {
  if (element === key) return '';
  const start = key.length + separator.length;
  return element.startsWith(key + separator) ? element.slice(start) : null;
}
