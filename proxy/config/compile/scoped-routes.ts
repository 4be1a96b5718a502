// http_connection_manager.v3.ScopedRoutes with its scopes written inline.
import type { ScopedRouteConfiguration } from '../../api/gen/envoy/config/route/v3/scoped_route_pb.js';
import type {
  ScopedRoutes_ScopeKeyBuilder_FragmentBuilder as FragmentBuilder,
  ScopedRoutes,
} from '../../api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import type {
  ScopeConfig,
  ScopedRoutesConfig,
  ScopeFragmentConfig,
} from '../../model/scoped-routes.ts';
import { compileEach } from './compile-each.ts';
import { compileRouteTable } from './route-table.ts';

/** The compiled scopes; null and rejections when there are none that work. */
export function compileScopedRoutes(
  message: ScopedRoutes,
  context: CompileContext,
): ScopedRoutesConfig | null {
  const builders = message.scopeKeyBuilder?.fragments ?? [];
  const keys = { path: 'scope_key_builder.fragments', items: builders };
  const fragments = compileEach(keys, context, compileFragment);
  const specifier = message.configSpecifier;
  if (specifier.case !== 'scopedRouteConfigurationsList') {
    context.reject('', 'config_specifier is required: use scoped_route_configurations_list');
    return null;
  }
  const list = {
    path: 'scoped_route_configurations_list.scoped_route_configurations',
    items: specifier.value.scopedRouteConfigurations,
  };
  const scopes = compileEach(list, context, (scope, at) =>
    compileScope(scope, builders.length, at),
  );
  warnOfEqualKeys(scopes, context.at(list.path));
  return { name: message.name, fragments, scopes };
}

function compileFragment(
  { type }: FragmentBuilder,
  context: CompileContext,
): ScopeFragmentConfig | null {
  const at = context.at('header_value_extractor');
  if (type.case !== 'headerValueExtractor') {
    context.reject('', 'type is required: use header_value_extractor');
    return null;
  }
  const { name, elementSeparator, extractType } = type.value;
  const header = name.toLowerCase();
  switch (extractType.case) {
    case 'index':
      if (extractType.value > 0 && elementSeparator === '') {
        at.reject('index', 'Index > 0 for empty string element separator.');
      }
      return { header, elementSeparator, extract: { kind: 'index', index: extractType.value } };
    case 'element': {
      const { key, separator } = extractType.value;
      return { header, elementSeparator, extract: { kind: 'element', key, separator } };
    }
    default:
      at.reject('', 'HeaderValueExtractor extract_type not set: use index or element');
      return null;
  }
}

function compileScope(
  message: ScopedRouteConfiguration,
  fragments: number,
  context: CompileContext,
): ScopeConfig | null {
  if (message.routeConfigurationName !== '') {
    const reason =
      'Fetching routes via RDS (route_configuration_name) is not supported with inline scoped routes';
    context.reject('route_configuration_name', `${reason}: use route_configuration`);
    return null;
  }
  if (message.routeConfiguration === undefined) {
    context.reject('', 'You must specify a route_configuration with inline scoped routes.');
    return null;
  }
  const key = message.key?.fragments.map(({ type }) => type.value ?? '') ?? [];
  if (key.length !== fragments) {
    const counts = `has ${key.length} fragments where scope_key_builder makes ${fragments}`;
    context.warn('key', `${counts}: no request is in this scope`);
  }
  const at = context.at('route_configuration');
  if (message.routeConfiguration.internalOnlyHeaders.length > 0) {
    const reason = 'is not supported in scoped routes: use request_headers_to_remove';
    at.reject('internal_only_headers', reason);
  }
  const table = compileRouteTable(message.routeConfiguration, at);
  return table === null ? null : { name: message.name, key, table };
}

/** Envoy takes them, and the last one counts. */
function warnOfEqualKeys(scopes: readonly ScopeConfig[], context: CompileContext): void {
  const names = new Map<string, string>();
  for (const { name, key } of scopes) {
    const text = JSON.stringify(key);
    const other = names.get(text);
    if (other !== undefined) {
      context.warn('', `scopes '${other}' and '${name}' have the same key: the last one counts`);
    }
    names.set(text, name);
  }
}
