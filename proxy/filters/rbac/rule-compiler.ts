// config.rbac.v3 permissions and principals to predicates. What both have is compiled alike.
import type { TypedExtensionConfig } from '../../api/gen/envoy/config/core/v3/extension_pb.js';
import {
  MetadataSource,
  type Permission,
  type Principal,
  type Principal_Authenticated,
  type SourcedMetadata,
} from '../../api/gen/envoy/config/rbac/v3/rbac_pb.js';
import type { HeaderMatcher } from '../../api/gen/envoy/config/route/v3/route_components_pb.js';
import {
  type Config as MtlsConfig,
  ConfigSchema as MtlsConfigSchema,
} from '../../api/gen/envoy/extensions/rbac/principals/mtls_authenticated/v3/mtls_authenticated_pb.js';
import type { FilterStateMatcher } from '../../api/gen/envoy/type/matcher/v3/filter_state_pb.js';
import type { MetadataMatcher } from '../../api/gen/envoy/type/matcher/v3/metadata_pb.js';
import type { PathMatcher } from '../../api/gen/envoy/type/matcher/v3/path_pb.js';
import type { StringMatcher } from '../../api/gen/envoy/type/matcher/v3/string_pb.js';
import { compileEach } from '../../config/compile/compile-each.ts';
import { unpack } from '../../config/compile/extension-lookup.ts';
import { compileHeaderMatcher } from '../../config/compile/header-matcher.ts';
import {
  compileFilterStateMatcher,
  compileMetadataMatcher,
} from '../../config/compile/metadata-matcher.ts';
import { compileUriTemplate } from '../../config/compile/path-match.ts';
import { compileStringMatcher } from '../../config/compile/string-matcher.ts';
import { compileSanMatcher } from '../../config/compile/tls/san-matchers.ts';
import { typeIn } from '../../config/schema/open-any.ts';
import type { CompileContext } from '../../model/extension.ts';
import { compileAddress, compilePortRange } from './compile-address.ts';
import {
  AuthenticatedPredicate,
  PortPredicate,
  ServerNamePredicate,
  ValidatedPeerPredicate,
} from './connection-predicates.ts';
import { AllOf, ANYTHING, AnyOf, NotThat } from './logic-predicates.ts';
import type { RbacPredicate } from './rbac-subject.ts';
import {
  DynamicMetadataPredicate,
  FilterStatePredicate,
  HeaderPredicate,
  PathPredicate,
  RouteMetadataPredicate,
  TemplatePredicate,
} from './request-predicates.ts';

/** What a filter decides on. */
export type RbacLayer = 'http' | 'network';

const NO_RULE =
  'rule is required: use and_rules, or_rules, any, header, url_path, destination_ip, destination_port, destination_port_range, metadata, not_rule, requested_server_name, uri_template or sourced_metadata';
const NO_IDENTIFIER =
  'identifier is required: use and_ids, or_ids, any, authenticated, source_ip, direct_remote_ip, remote_ip, header, url_path, metadata, filter_state, not_id, sourced_metadata or custom';
const NO_VALIDATION =
  'envoy.rbac.principals.mtls_authenticated did not have any configured validation. At least one configuration field must be set.';

type Rule = Permission['rule'];
type Identifier = Principal['identifier'];
type Compiled = RbacPredicate | null;

/** Compiles for one layer; null and rejections for what cannot be decided as asked. */
export class RuleCompiler {
  readonly #layer: RbacLayer;

  constructor(layer: RbacLayer) {
    this.#layer = layer;
  }

  permission({ rule }: Permission, context: CompileContext): Compiled {
    switch (rule.case) {
      case 'andRules':
        return new AllOf(this.#permissions('and_rules.rules', rule.value.rules, context));
      case 'orRules':
        return new AnyOf(this.#permissions('or_rules.rules', rule.value.rules, context));
      case 'notRule':
        return negated(this.permission(rule.value, context.at('not_rule')));
      case 'any':
        return ANYTHING;
      case 'header':
        return this.#header(rule.value, context.at('header'));
      case 'urlPath':
        return compilePath(rule.value, context.at('url_path'));
      default:
        return compilePlainPermission(rule, context);
    }
  }

  principal({ identifier: id }: Principal, context: CompileContext): Compiled {
    switch (id.case) {
      case 'andIds':
        return new AllOf(this.#principals('and_ids.ids', id.value.ids, context));
      case 'orIds':
        return new AnyOf(this.#principals('or_ids.ids', id.value.ids, context));
      case 'notId':
        return negated(this.principal(id.value, context.at('not_id')));
      case 'any':
        return ANYTHING;
      case 'header':
        return this.#header(id.value, context.at('header'));
      case 'urlPath':
        return compilePath(id.value, context.at('url_path'));
      default:
        return compilePlainPrincipal(id, context);
    }
  }

  #permissions(path: string, items: readonly Permission[], context: CompileContext) {
    return compileEach({ path, items }, context, (item, at) => this.permission(item, at));
  }

  #principals(path: string, items: readonly Principal[], context: CompileContext) {
    return compileEach({ path, items }, context, (item, at) => this.principal(item, at));
  }

  #header(matcher: HeaderMatcher, context: CompileContext): Compiled {
    if (this.#layer === 'network') {
      const reason = `Found header(${matcher.name}) rule,not supported by RBAC network filter`;
      context.reject('', `${reason}: use envoy.filters.http.rbac`);
      return null;
    }
    const match = compileHeaderMatcher(matcher, context);
    return match === null ? null : new HeaderPredicate(match);
  }
}

function compilePlainPermission(rule: Rule, context: CompileContext): Compiled {
  switch (rule.case) {
    case 'destinationIp':
      return compileAddress('destination', rule.value, context.at('destination_ip'));
    case 'destinationPort':
      return new PortPredicate(rule.value, rule.value + 1);
    case 'destinationPortRange':
      return compilePortRange(rule.value, context.at('destination_port_range'));
    case 'metadata':
      return compileDynamicMetadata(rule.value, context.at('metadata'));
    case 'sourcedMetadata':
      return compileSourcedMetadata(rule.value, context.at('sourced_metadata'));
    case 'requestedServerName':
      return compileServerName(rule.value, context.at('requested_server_name'));
    case 'uriTemplate': {
      const template = compileUriTemplate(rule.value, context.at('uri_template'));
      return template === null ? null : new TemplatePredicate(template);
    }
    default:
      context.reject('', NO_RULE);
      return null;
  }
}

function compilePlainPrincipal(id: Identifier, context: CompileContext): Compiled {
  switch (id.case) {
    case 'authenticated':
      return compileAuthenticated(id.value, context.at('authenticated'));
    case 'sourceIp':
      return compileAddress('source', id.value, context.at('source_ip'));
    case 'directRemoteIp':
      return compileAddress('direct-remote', id.value, context.at('direct_remote_ip'));
    case 'remoteIp':
      return compileAddress('remote', id.value, context.at('remote_ip'));
    case 'metadata':
      return compileDynamicMetadata(id.value, context.at('metadata'));
    case 'sourcedMetadata':
      return compileSourcedMetadata(id.value, context.at('sourced_metadata'));
    case 'filterState':
      return compileFilterState(id.value, context.at('filter_state'));
    case 'custom':
      return compileCustom(id.value, context.at('custom'));
    default:
      context.reject('', NO_IDENTIFIER);
      return null;
  }
}

function negated(part: Compiled): Compiled {
  return part === null ? null : new NotThat(part);
}

function compilePath({ rule }: PathMatcher, context: CompileContext): Compiled {
  if (rule.case !== 'path') {
    context.reject('path', 'is required');
    return null;
  }
  const match = compileStringMatcher(rule.value, context.at('path'));
  return match === null ? null : new PathPredicate(match);
}

function compileServerName(matcher: StringMatcher, context: CompileContext): Compiled {
  const match = compileStringMatcher(matcher, context);
  return match === null ? null : new ServerNamePredicate(match);
}

function compileAuthenticated(
  { principalName }: Principal_Authenticated,
  context: CompileContext,
): Compiled {
  if (principalName === undefined) return new AuthenticatedPredicate(null);
  const match = compileStringMatcher(principalName, context.at('principal_name'));
  return match === null ? null : new AuthenticatedPredicate(match);
}

function compileDynamicMetadata(matcher: MetadataMatcher, context: CompileContext): Compiled {
  const match = compileMetadataMatcher(matcher, context);
  return match === null ? null : new DynamicMetadataPredicate(match);
}

function compileSourcedMetadata(message: SourcedMetadata, context: CompileContext): Compiled {
  const { metadataMatcher: matcher, metadataSource: source } = message;
  // The message's rules demand it.
  if (matcher === undefined) return null;
  const match = compileMetadataMatcher(matcher, context.at('metadata_matcher'));
  if (match === null) return null;
  return source === MetadataSource.ROUTE
    ? new RouteMetadataPredicate(match)
    : new DynamicMetadataPredicate(match);
}

function compileFilterState(matcher: FilterStateMatcher, context: CompileContext): Compiled {
  const match = compileFilterStateMatcher(matcher, context);
  return match === null ? null : new FilterStatePredicate(match);
}

function compileCustom(
  { name, typedConfig }: TypedExtensionConfig,
  context: CompileContext,
): Compiled {
  const typeName = typeIn(typedConfig);
  if (typedConfig === undefined || typeName !== MtlsConfigSchema.typeName) {
    const missing = `Didn't find a registered implementation for '${name}' with type URL: '${typeName}'`;
    context.reject('typed_config', `${missing}: use ${MtlsConfigSchema.typeName}`);
    return null;
  }
  const message = unpack(typedConfig, context, 'typed_config');
  return message === null ? null : compileMtls(message as MtlsConfig, context.at('typed_config'));
}

function compileMtls(
  { sanMatcher, anyValidatedClientCertificate }: MtlsConfig,
  context: CompileContext,
): Compiled {
  if (sanMatcher !== undefined) {
    const names = compileSanMatcher(sanMatcher, context.at('san_matcher'));
    return names.length === 0 ? null : new ValidatedPeerPredicate(names);
  }
  if (anyValidatedClientCertificate) return new ValidatedPeerPredicate(null);
  context.reject('', NO_VALIDATION);
  return null;
}
