// http_connection_manager.v3.ScopedRoutes, with its scopes written inline or told.
import { RouteConfigurationSchema } from '../../api/gen/envoy/config/route/v3/route_pb.js';
import {
  type ScopedRouteConfiguration,
  ScopedRouteConfigurationSchema,
} from '../../api/gen/envoy/config/route/v3/scoped_route_pb.js';
import type {
  ScopedRoutes_ScopeKeyBuilder_FragmentBuilder as FragmentBuilder,
  ScopedRouteConfigurationsList,
  ScopedRoutes,
} from '../../api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import type { ScopesRef } from '../../model/config-source.ts';
import type { CompileContext } from '../../model/extension.ts';
import type {
  ScopeConfig,
  ScopedRoutesConfig,
  ScopeFragmentConfig,
  ScopeSetConfig,
  ToldScopeConfig,
} from '../../model/scoped-routes.ts';
import { compileEach } from './compile-each.ts';
import { compileConfigSource } from './config-source.ts';
import { deepFreeze } from './freeze.ts';
import { compileRouteTable } from './route-table.ts';
import { refuseVhds } from './vhds.ts';

const SCOPES_URL = `type.googleapis.com/${ScopedRouteConfigurationSchema.typeName}`;
const ROUTES_URL = `type.googleapis.com/${RouteConfigurationSchema.typeName}`;

/** The compiled scopes; null and rejections when there are none that work. */
export function compileScopedRoutes(
  message: ScopedRoutes,
  statPrefix: string,
  context: CompileContext,
): ScopedRoutesConfig | null {
  const builders = message.scopeKeyBuilder?.fragments ?? [];
  const keys = { path: 'scope_key_builder.fragments', items: builders };
  const fragments = compileEach(keys, context, compileFragment);
  const specifier = message.configSpecifier;
  if (specifier.case === 'scopedRds') {
    const discovery = compileScopesRef(message, statPrefix, context);
    return discovery === null ? null : { name: message.name, fragments, scopes: [], discovery };
  }
  if (specifier.case !== 'scopedRouteConfigurationsList') {
    const choice = 'use scoped_route_configurations_list or scoped_rds';
    context.reject('', `config_specifier is required: ${choice}`);
    return null;
  }
  if (message.rdsConfigSource !== undefined) {
    context.warn('rds_config_source', 'has no effect: tables stand in the scopes, none is fetched');
  }
  const list = {
    path: 'scoped_route_configurations_list.scoped_route_configurations',
    items: specifier.value.scopedRouteConfigurations,
  };
  const scopes = compileEach(list, context, (scope, at) =>
    compileScope(scope, builders.length, at),
  );
  warnOfEqualKeys(scopes, context.at(list.path));
  return { name: message.name, fragments, scopes, discovery: null };
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
  const key = keyOf(message);
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

function keyOf({ key }: ScopedRouteConfiguration): readonly string[] {
  return key?.fragments.map(({ type }) => type.value ?? '') ?? [];
}

function compileScopesRef(
  { name, configSpecifier, rdsConfigSource }: ScopedRoutes,
  statPrefix: string,
  context: CompileContext,
): ScopesRef | null {
  if (configSpecifier.case !== 'scopedRds') return null;
  const { scopedRdsConfigSource: from } = configSpecifier.value;
  const at = context.at('scoped_rds.scoped_rds_config_source');
  const source = from === undefined ? null : compileConfigSource(from, SCOPES_URL, at);
  const routes =
    rdsConfigSource === undefined
      ? null
      : compileConfigSource(rdsConfigSource, ROUTES_URL, context.at('rds_config_source'));
  if (source === null) return null;
  // Envoy counts, and so subscribes, below each connection manager.
  const key = `scopes ${source.key}/${statPrefix}/${name}/${routes?.key ?? ''}`;
  return { kind: 'scopes', key, name, source, routes, statPrefix };
}

/** Scopes that were told. */
export function compileScopeSet(
  message: ScopedRouteConfigurationsList,
  context: CompileContext,
): ScopeSetConfig | null {
  const told = message.scopedRouteConfigurations.flatMap((scope) => {
    // Their order says nothing: what is counted for a scope goes on when another one comes or goes.
    const at = context.at(`scopes[${JSON.stringify(scope.name)}]`);
    return compileToldScope(scope, at) ?? [];
  });
  return context.failed ? null : deepFreeze({ told });
}

function compileToldScope(
  message: ScopedRouteConfiguration,
  context: CompileContext,
): ToldScopeConfig | null {
  const { name, routeConfiguration, routeConfigurationName: routeName } = message;
  const shared = { name, key: keyOf(message) };
  if (routeConfiguration === undefined) return { ...shared, table: null, routeName };
  const at = context.at('route_configuration');
  refuseVhds(routeConfiguration, at);
  const table = compileRouteTable(routeConfiguration, at, 'discovered');
  return table === null ? null : { ...shared, table, routeName: '' };
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
