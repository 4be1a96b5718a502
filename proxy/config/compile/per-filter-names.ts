// What routes say to filters that are not there: accepted as by Envoy, which never tells.
import type { Any } from '@bufbuild/protobuf/wkt';
import {
  type FilterConfig,
  FilterConfigSchema,
} from '../../api/gen/envoy/config/route/v3/route_components_pb.js';
import type { RouteConfiguration } from '../../api/gen/envoy/config/route/v3/route_pb.js';
import { apiRegistry } from '../../api/registry.ts';
import type { CompileContext, ExtensionInstance, FilterDefinition } from '../../model/extension.ts';
import { joinPath } from '../schema/compile-context.ts';
import { openAny, typeIn } from '../schema/open-any.ts';
import { perFilterPath } from './per-filter-config.ts';

/** One level with its path. */
interface Level {
  readonly path: string;
  readonly configs: Readonly<Record<string, Any>>;
}

/** Warns of each typed_per_filter_config in `table` that no filter of the chain is going to read. */
export function warnOfUnreadFilterConfigs(
  table: RouteConfiguration,
  filters: readonly ExtensionInstance[],
  context: CompileContext,
): void {
  for (const { path, configs } of levelsOf(table)) {
    for (const [name, any] of Object.entries(configs)) {
      const reason = whyNobodyReads(
        any,
        filters.filter((filter) => filter.name === name),
      );
      if (reason !== null) context.warn(joinPath(path, perFilterPath(name)), reason);
    }
  }
}

function* levelsOf(table: RouteConfiguration): Generator<Level> {
  yield { path: '', configs: table.typedPerFilterConfig };
  for (const [hostIndex, host] of table.virtualHosts.entries()) {
    const hostPath = `virtual_hosts[${hostIndex}]`;
    yield { path: hostPath, configs: host.typedPerFilterConfig };
    for (const [routeIndex, { typedPerFilterConfig, action }] of host.routes.entries()) {
      const path = `${hostPath}.routes[${routeIndex}]`;
      yield { path, configs: typedPerFilterConfig };
      const specifier = action.case === 'route' ? action.value.clusterSpecifier : null;
      if (specifier?.case !== 'weightedClusters') continue;
      for (const [index, entry] of specifier.value.clusters.entries()) {
        const entryPath = `${path}.route.weighted_clusters.clusters[${index}]`;
        yield { path: entryPath, configs: entry.typedPerFilterConfig };
      }
    }
  }
}

/** One name may stand in the chains of upgrades as well. */
function whyNobodyReads(any: Any, named: readonly ExtensionInstance[]): string | null {
  const reasons = (named.length === 0 ? [undefined] : named).map((each) => whyUnread(any, each));
  return reasons.includes(null) ? null : (reasons[0] ?? null);
}

/** null: somebody reads it, or its author does not mind. */
function whyUnread(any: Any, filter: ExtensionInstance | undefined): string | null {
  const wrapper =
    typeIn(any) === FilterConfigSchema.typeName
      ? (openAny(any, apiRegistry)?.message as FilterConfig | undefined)
      : undefined;
  if (wrapper?.isOptional === true) return null;
  if (filter === undefined) return 'has no effect: no filter of http_filters has this name';
  // Nobody knows yet what it is going to be.
  if (filter.discovery !== undefined) return null;
  const config = wrapper === undefined ? any : wrapper.config;
  const { perRoute } = filter.definition as FilterDefinition;
  const isSwitch = config === undefined || config.typeUrl === '';
  if (isSwitch || typeIn(config) === perRoute?.schema.typeName) return null;
  return `has no effect: the filter of this name is a ${filter.definition.name}, which takes other types`;
}
