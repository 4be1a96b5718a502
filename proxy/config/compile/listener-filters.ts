// config.listener.v3.ListenerFilter: what looks at a connection before its chain is chosen.

import type {
  ListenerFilter,
  ListenerFilterChainMatchPredicate as Predicate,
} from '../../api/gen/envoy/config/listener/v3/listener_components_pb.js';
import type { Listener } from '../../api/gen/envoy/config/listener/v3/listener_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import type { ListenerFilterInstance, ListenerFilterPredicate } from '../../model/listener.ts';
import { compileEach } from './compile-each.ts';
import { placeDiscovered } from './config-discovery.ts';
import { compileExtension, typedConfigOf } from './extension-lookup.ts';
import { filterSlot } from './filter-slots.ts';

const ORIGINAL_DST = 'envoy.filters.listener.original_dst';

/** In order; those refused are left out, with rejections. use_original_dst adds one. */
export function compileListenerFilters(
  message: Listener,
  context: CompileContext,
): readonly ListenerFilterInstance[] {
  const field = { path: 'listener_filters', items: message.listenerFilters };
  const filters = compileEach(field, context, compileListenerFilter);
  if (message.useOriginalDst !== true) return filters;
  const { listenerFilters } = context.environment.extensions;
  const definition = listenerFilters.find(({ name }) => name === ORIGINAL_DST);
  if (definition === undefined) {
    context.reject('use_original_dst', `there is no ${ORIGINAL_DST}`);
    return filters;
  }
  const implicit = { name: ORIGINAL_DST, definition, config: {}, disabled: false };
  return [...filters, { ...implicit, disabledWhen: null }];
}

function compileListenerFilter(
  { name, configType, filterDisabled }: ListenerFilter,
  context: CompileContext,
): ListenerFilterInstance | null {
  const kind = 'listener-filter';
  const disabledWhen = filterDisabled === undefined ? null : compilePredicate(filterDisabled);
  if (configType.case === 'configDiscovery') {
    const place = { name, kind, isLast: null, disabled: false } as const;
    const { instance } = placeDiscovered(configType.value, place, context);
    return instance === null ? null : { ...instance, disabledWhen };
  }
  const slot = filterSlot(kind, name, context.environment);
  const found = compileExtension({ ...slot, typedConfig: typedConfigOf(configType) }, context);
  return found === null ? null : { name, ...found, disabled: false, disabledWhen };
}

function compilePredicate({ rule }: Predicate): ListenerFilterPredicate {
  switch (rule.case) {
    case 'orMatch':
      return { kind: 'or', rules: rule.value.rules.map(compilePredicate) };
    case 'andMatch':
      return { kind: 'and', rules: rule.value.rules.map(compilePredicate) };
    case 'notMatch':
      return { kind: 'not', rule: compilePredicate(rule.value) };
    case 'destinationPortRange':
      return { kind: 'port', start: rule.value.start, end: rule.value.end };
    default:
      // The proto's own rules let neither «none» nor `any_match: false` through.
      return { kind: 'any' };
  }
}
