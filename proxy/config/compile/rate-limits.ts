// config.route.v3.RateLimit: how requests are described to rate limits.
import {
  type RateLimit_Action_MetaData as MetaData,
  RateLimit_Action_MetaData_Source as MetaDataSource,
  type RateLimit,
  type RateLimit_Action as RateLimitAction,
} from '../../api/gen/envoy/config/route/v3/route_components_pb.js';
import type { MetadataKey } from '../../api/gen/envoy/type/metadata/v3/metadata_pb.js';
import { RateLimitUnit } from '../../api/gen/envoy/type/v3/ratelimit_unit_pb.js';
import { parseTextFormat } from '../../formatter/parse.ts';
import type { CompileContext } from '../../model/extension.ts';
import type {
  DescriptorValueConfig,
  HitsAddendConfig,
  RateLimitActionConfig,
  RateLimitConfig,
  RateLimitOverrideConfig,
  RateLimitUnitName,
} from '../../model/route-policies.ts';
import { compileEach } from './compile-each.ts';
import { acceptFormat, formatOptions } from './format-string.ts';
import { compileHeaderMatcher, compileQueryParameterMatcher } from './header-matcher.ts';
import { compileNetworks } from './metadata-matcher.ts';

/** Envoy RateLimit.Action.MaskedRemoteAddress: the whole address. */
const WHOLE_V4_BITS = 32;
const WHOLE_V6_BITS = 128;

/** Compiled rate limits; those that were refused are left out. */
export function compileRateLimits(
  limits: readonly RateLimit[],
  context: CompileContext,
): readonly RateLimitConfig[] {
  return compileEach({ path: 'rate_limits', items: limits }, context, compileRateLimit);
}

function compileRateLimit(message: RateLimit, context: CompileContext): RateLimitConfig {
  const actions = { path: 'actions', items: message.actions };
  return {
    stage: message.stage ?? 0,
    disableKey: message.disableKey,
    actions: compileEach(actions, context, compileAction),
    applyOnStreamDone: message.applyOnStreamDone,
    hitsAddend: compileHitsAddend(message.hitsAddend, context.at('hits_addend')),
    override: compileOverride(message.limit),
  };
}

function compileAction(
  { actionSpecifier: action }: RateLimitAction,
  context: CompileContext,
): RateLimitActionConfig | null {
  switch (action.case) {
    case 'sourceCluster':
      return { kind: 'source-cluster' };
    case 'destinationCluster':
      return { kind: 'destination-cluster' };
    case 'remoteAddress':
      return { kind: 'remote-address' };
    case 'requestHeaders': {
      const { headerName, descriptorKey: key, skipIfAbsent } = action.value;
      return { kind: 'request-header', name: headerName.toLowerCase(), key, skipIfAbsent };
    }
    case 'queryParameters': {
      const { queryParameterName: name, descriptorKey: key, skipIfAbsent } = action.value;
      return { kind: 'query-parameter', name, key, skipIfAbsent };
    }
    case 'maskedRemoteAddress': {
      const { v4PrefixMaskLen = WHOLE_V4_BITS, v6PrefixMaskLen = WHOLE_V6_BITS } = action.value;
      return { kind: 'masked-remote-address', v4Bits: v4PrefixMaskLen, v6Bits: v6PrefixMaskLen };
    }
    case 'metadata':
      return compileMetadata(action.value, context.at('metadata'));
    case 'dynamicMetadata': {
      const { descriptorKey: key, metadataKey, defaultValue } = action.value;
      const place = { source: 'dynamic', ...placeOf(metadataKey) } as const;
      return { kind: 'metadata', key, ...place, defaultValue, skipIfAbsent: false };
    }
    default:
      return compileValueAction(action, context);
  }
}

/** The actions whose value stands in the configuration. */
function compileValueAction(
  action: RateLimitAction['actionSpecifier'],
  context: CompileContext,
): RateLimitActionConfig | null {
  switch (action.case) {
    case 'genericKey': {
      const value = compileValue(action.value, context.at('generic_key'));
      return value === null
        ? null
        : { kind: 'generic-key', key: orDefault(action.value, 'generic_key'), value };
    }
    case 'headerValueMatch': {
      const at = context.at('header_value_match');
      const value = compileValue(action.value, at);
      const field = { path: 'headers', items: action.value.headers };
      const headers = compileEach(field, at, compileHeaderMatcher);
      const expects = action.value.expectMatch ?? true;
      const key = orDefault(action.value, 'header_match');
      return value === null ? null : { kind: 'header-match', key, value, expects, headers };
    }
    case 'queryParameterValueMatch': {
      const at = context.at('query_parameter_value_match');
      const value = compileValue(action.value, at);
      const field = { path: 'query_parameters', items: action.value.queryParameters };
      const parameters = compileEach(field, at, compileQueryParameterMatcher);
      const expects = action.value.expectMatch ?? true;
      const key = orDefault(action.value, 'query_match');
      return value === null ? null : { kind: 'query-match', key, value, expects, parameters };
    }
    case 'remoteAddressMatch': {
      const at = context.at('remote_address_match');
      const value = compileValue(action.value, at);
      const { ranges = [], invertMatch: inverts = false } = action.value.addressMatcher ?? {};
      const networks = compileNetworks(ranges, at.at('address_matcher'));
      const key = orDefault(action.value, 'remote_address');
      if (value === null) return null;
      return { kind: 'remote-address-match', key, value, ranges: networks, inverts };
    }
    default:
      return null;
  }
}

function orDefault({ descriptorKey }: { readonly descriptorKey: string }, key: string): string {
  return descriptorKey === '' ? key : descriptorKey;
}

function compileValue(
  message: { readonly descriptorValue: string; readonly defaultValue: string },
  context: CompileContext,
): DescriptorValueConfig | null {
  const options = formatOptions(context.environment, {
    ...{ forHeader: false, forBody: true },
    omitEmptyValues: true,
  });
  const parsed = parseTextFormat(message.descriptorValue, options);
  const format = acceptFormat(parsed, context, 'descriptor_value');
  return format === null ? null : { format, fallback: message.defaultValue };
}

function compileMetadata(message: MetaData, context: CompileContext): RateLimitActionConfig | null {
  const { descriptorKey: key, metadataKey, defaultValue, skipIfAbsent, source } = message;
  if (source !== MetaDataSource.DYNAMIC && source !== MetaDataSource.ROUTE_ENTRY) {
    const advice = 'use DYNAMIC or ROUTE_ENTRY';
    context.reject('source', `${MetaDataSource[source]} is not supported yet: ${advice}`);
    return null;
  }
  const from = source === MetaDataSource.DYNAMIC ? 'dynamic' : 'route';
  const place = placeOf(metadataKey);
  return { kind: 'metadata', key, source: from, ...place, defaultValue, skipIfAbsent };
}

function placeOf(key: MetadataKey | undefined): {
  readonly namespace: string;
  readonly path: readonly string[];
} {
  const path = key?.path.map(({ segment }) => segment.value ?? '') ?? [];
  return { namespace: key?.key ?? '', path };
}

function compileHitsAddend(
  message: RateLimit['hitsAddend'],
  context: CompileContext,
): HitsAddendConfig | null {
  if (message === undefined) return null;
  const { number, format: text, isNegativeHits: isNegative } = message;
  if (number !== undefined && text !== '') {
    context.reject('', "hits_addend can only be one of 'format' or 'number'");
    return null;
  }
  if (text === '') {
    return { number: number === undefined ? null : Number(number), format: null, isNegative };
  }
  const purpose = { forHeader: false, omitEmptyValues: true };
  const parsed = parseTextFormat(text, formatOptions(context.environment, purpose));
  return { number: null, format: acceptFormat(parsed, context, 'format'), isNegative };
}

function compileOverride(message: RateLimit['limit']): RateLimitOverrideConfig | null {
  const override = message?.overrideSpecifier;
  switch (override?.case) {
    case 'rateLimit': {
      const { requestsPerUnit, unit } = override.value;
      return { kind: 'fixed', requestsPerUnit, unit: RateLimitUnit[unit] as RateLimitUnitName };
    }
    case 'dynamicMetadata':
      return { kind: 'metadata', ...placeOf(override.value.metadataKey) };
    default:
      return null;
  }
}
