// What a worker does with resources that its listeners find by name.
import type { DiscoveredHub } from '../filters/discovered-configs.ts';
import type { DiscoveredRef } from '../model/config-source.ts';
import { FILTER_KINDS } from '../model/discovered-filter.ts';
import type { Resource, ResourceKind } from '../model/resource.ts';
import type { Compiler } from './compiler.ts';

/** True for kinds that are found by name. */
export function isDiscovered(kind: ResourceKind): kind is DiscoveredRef['kind'] {
  return kind === 'route' || kind === 'scopes' || kind in FILTER_KINDS;
}

/** Shows a new version to all who refer to it; other kinds are left alone. */
export function applyDiscovered(
  resource: Resource,
  compiler: Compiler,
  discovered: DiscoveredHub,
): void {
  const { kind, name } = resource;
  if (!isDiscovered(kind)) return;
  if (kind === 'route' || kind === 'scopes') {
    const { config } = kind === 'route' ? compiler.route(resource) : compiler.scopes(resource);
    if (config !== null) discovered.set(kind, name, config);
    return;
  }
  const { config, rejected } = compiler.filter(resource, kind);
  if (rejected === null) discovered.set(kind, name, config);
}
