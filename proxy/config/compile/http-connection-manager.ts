// extensions.filters.network.http_connection_manager.v3.HttpConnectionManager.

import { create } from '@bufbuild/protobuf';
import { HttpProtocolOptions_HeadersWithUnderscoresAction as UnderscoresAction } from '../../api/gen/envoy/config/core/v3/protocol_pb.js';
import { RouteConfigurationSchema } from '../../api/gen/envoy/config/route/v3/route_pb.js';
import {
  HttpConnectionManager_CodecType as CodecType,
  type HttpConnectionManager,
  HttpConnectionManager_ServerHeaderTransformation as ServerHeader,
  HttpConnectionManager_PathWithEscapedSlashesAction as SlashesAction,
} from '../../api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import {
  allHttpFilters,
  type HttpConnectionManagerConfig,
} from '../../model/http-connection-manager.ts';
import { compileAccessLogs } from './access-log.ts';
import { compileClientCert } from './client-cert.ts';
import { refuseTrue } from './field-values.ts';
import { deepFreeze } from './freeze.ts';
import { compileTimers } from './hcm-timers.ts';
import { compileHttpFilters } from './http-filters.ts';
import { compileHttp1Options, DEFAULT_MAX_HEADERS_COUNT } from './http1-options.ts';
import { compileHttp2Options } from './http2-options.ts';
import { compileInternalCidrs } from './internal-addresses.ts';
import { compileLocalReply } from './local-reply.ts';
import { passTracing } from './passed-through.ts';
import { warnOfUnreadFilterConfigs } from './per-filter-names.ts';
import { takePrepared } from './prepared-route-tables.ts';
import { compileRds } from './rds.ts';
import { checkRequestIdExtension } from './request-id.ts';
import { compileRouteTable } from './route-table.ts';
import { runtimeInteger } from './runtime-values.ts';
import { compileScopedRoutes } from './scoped-routes.ts';
import { compileManagerUpgrades } from './upgrades.ts';

/** Envoy HttpConnectionManager.max_request_headers_kb; larger heads are a 431. */
export const DEFAULT_MAX_REQUEST_HEADERS_KIB = 60;
/** Envoy HttpConnectionManager.server_name. */
export const DEFAULT_SERVER_NAME = 'envoy';

const BYTES_PER_KIB = 1024;
const HEADERS_KB_KEY = 'envoy.reloadable_features.max_request_headers_size_kb';
const HEADERS_COUNT_KEY = 'envoy.reloadable_features.max_request_headers_count';

const CODECS: Readonly<Record<CodecType, HttpConnectionManagerConfig['codecType'] | null>> = {
  [CodecType.AUTO]: 'auto',
  [CodecType.HTTP1]: 'http1',
  [CodecType.HTTP2]: 'http2',
  [CodecType.HTTP3]: null,
};
const SERVER_HEADERS: Readonly<Record<ServerHeader, HttpConnectionManagerConfig['serverHeader']>> =
  {
    [ServerHeader.OVERWRITE]: 'overwrite',
    [ServerHeader.APPEND_IF_ABSENT]: 'append-if-absent',
    [ServerHeader.PASS_THROUGH]: 'pass-through',
  };
const ESCAPED_SLASHES: Readonly<
  Record<SlashesAction, HttpConnectionManagerConfig['escapedSlashes']>
> = {
  [SlashesAction.IMPLEMENTATION_SPECIFIC_DEFAULT]: 'keep',
  [SlashesAction.KEEP_UNCHANGED]: 'keep',
  [SlashesAction.REJECT_REQUEST]: 'reject',
  [SlashesAction.UNESCAPE_AND_REDIRECT]: 'redirect',
  [SlashesAction.UNESCAPE_AND_FORWARD]: 'forward',
};
const UNDERSCORES: Readonly<
  Record<UnderscoresAction, HttpConnectionManagerConfig['headersWithUnderscores']>
> = {
  [UnderscoresAction.ALLOW]: 'allow',
  [UnderscoresAction.REJECT_REQUEST]: 'reject',
  [UnderscoresAction.DROP_HEADER]: 'drop',
};

/** A compiled, frozen connection manager; null when anything in the resource was refused. */
export function compileHttpConnectionManager(
  message: HttpConnectionManager,
  context: CompileContext,
): HttpConnectionManagerConfig | null {
  checkRequestIdExtension(message.requestIdExtension, context.at('request_id_extension'));
  passTracing(message.tracing, context.at('tracing'));
  const routes = compileRoutes(message, context);
  const httpFilters = compileHttpFilters(message.httpFilters, context);
  const upgrades = compileManagerUpgrades(message.upgradeConfigs, context);
  if (message.routeSpecifier.case === 'routeConfig') {
    const at = context.at('route_config');
    const all = allHttpFilters({ httpFilters, upgrades });
    warnOfUnreadFilterConfigs(message.routeSpecifier.value, all, at);
  }
  const accessLogs = compileAccessLogs(message.accessLog, context);
  const config = {
    statPrefix: message.statPrefix,
    accessLogs,
    httpFilters,
    localReply: compileLocalReply(message.localReplyConfig, context.at('local_reply_config')),
    clientCert: compileClientCert(message, context),
    ...identityFields(message, context),
    ...addressFields(message, context),
    ...pathFields(message, context),
    ...limitFields(message, context),
    ...compileTimers(message, context),
    ...codecFields(message, context),
    upgrades,
  };
  if (routes === null || context.failed) return null;
  return deepFreeze({ ...config, ...routes });
}

function compileRoutes(
  { routeSpecifier: specifier, statPrefix }: HttpConnectionManager,
  context: CompileContext,
): Pick<HttpConnectionManagerConfig, 'routeTable' | 'scopedRoutes' | 'rds'> | null {
  if (specifier.case === 'rds') return compileRds(specifier.value, statPrefix, context.at('rds'));
  if (specifier.case === 'routeConfig') {
    const at = context.at('route_config');
    const ahead = takePrepared(specifier.value, at);
    const routeTable = ahead === undefined ? compileRouteTable(specifier.value, at) : ahead;
    return routeTable === null ? null : { routeTable, scopedRoutes: null };
  }
  if (specifier.case === 'scopedRoutes') {
    const empty = create(RouteConfigurationSchema, { name: specifier.value.name });
    const routeTable = compileRouteTable(empty, context);
    const at = context.at('scoped_routes');
    const scopedRoutes = compileScopedRoutes(specifier.value, statPrefix, at);
    return routeTable === null || scopedRoutes === null ? null : { routeTable, scopedRoutes };
  }
  context.reject('', 'route_specifier is required: use route_config, rds or scoped_routes');
  return null;
}

type Config = HttpConnectionManagerConfig;
type IdentityFields =
  | 'serverName'
  | 'serverHeader'
  | 'via'
  | 'generateRequestId'
  | 'preserveExternalRequestId'
  | 'alwaysSetRequestIdInResponse'
  | 'schemeOverwrite'
  | 'addUserAgent'
  | 'proxy100Continue';

function identityFields(
  message: HttpConnectionManager,
  context: CompileContext,
): Pick<Config, IdentityFields> {
  return {
    serverName: message.serverName === '' ? DEFAULT_SERVER_NAME : message.serverName,
    serverHeader: SERVER_HEADERS[message.serverHeaderTransformation],
    via: message.via,
    generateRequestId: message.generateRequestId ?? true,
    preserveExternalRequestId: message.preserveExternalRequestId,
    alwaysSetRequestIdInResponse: message.alwaysSetRequestIdInResponse,
    schemeOverwrite: schemeOverwrite(message, context),
    addUserAgent: message.addUserAgent ?? false,
    proxy100Continue: message.proxy100Continue,
  };
}

function schemeOverwrite(
  message: HttpConnectionManager,
  context: CompileContext,
): Config['schemeOverwrite'] {
  const transformation = message.schemeHeaderTransformation;
  refuseTrue(context, 'scheme_header_transformation.match_upstream', transformation?.matchUpstream);
  if (transformation?.transformation.case !== 'schemeToOverwrite') return '';
  const scheme = transformation.transformation.value;
  if (scheme === 'http' || scheme === 'https') return scheme;
  const reason = `value must be in list [http, https], is '${scheme}'`;
  context.reject('scheme_header_transformation.scheme_to_overwrite', reason);
  return '';
}

type AddressFields =
  | 'useRemoteAddress'
  | 'xffNumTrustedHops'
  | 'skipXffAppend'
  | 'appendXForwardedPort'
  | 'internalCidrs';

function addressFields(
  message: HttpConnectionManager,
  context: CompileContext,
): Pick<Config, AddressFields> {
  return {
    useRemoteAddress: message.useRemoteAddress ?? false,
    xffNumTrustedHops: message.xffNumTrustedHops,
    skipXffAppend: message.skipXffAppend,
    appendXForwardedPort: message.appendXForwardedPort,
    internalCidrs: compileInternalCidrs(
      message.internalAddressConfig,
      context.at('internal_address_config'),
    ),
  };
}

type PathFields =
  | 'normalizePath'
  | 'mergeSlashes'
  | 'escapedSlashes'
  | 'stripHostPort'
  | 'stripTrailingHostDot';

function pathFields(
  message: HttpConnectionManager,
  context: CompileContext,
): Pick<Config, PathFields> {
  const any = message.stripPortMode.case === 'stripAnyHostPort' && message.stripPortMode.value;
  if (any && message.stripMatchingHostPort) {
    const rule = 'Only one of `strip_matching_host_port` or `strip_any_host_port` can be set.';
    context.reject('strip_any_host_port', `Error: ${rule}`);
  }
  const matching = message.stripMatchingHostPort ? 'matching' : 'no';
  return {
    normalizePath: message.normalizePath ?? false,
    mergeSlashes: message.mergeSlashes,
    escapedSlashes: ESCAPED_SLASHES[message.pathWithEscapedSlashesAction],
    stripHostPort: any ? 'any' : matching,
    stripTrailingHostDot: message.stripTrailingHostDot,
  };
}

function codecFields(
  message: HttpConnectionManager,
  context: CompileContext,
): Pick<Config, 'codecType' | 'http1' | 'http2'> {
  const codecType = CODECS[message.codecType];
  if (codecType === null) {
    const advice = 'HTTP/3 needs UDP with QUIC, which is not supported: use AUTO, HTTP1 or HTTP2';
    context.reject('codec_type', `HTTP/3 codec configured on non-QUIC listener. ${advice}`);
  }
  const streamError = message.streamErrorOnInvalidHttpMessage;
  const maxHeadKib = {
    field: 'max_request_headers_kb',
    value: maxRequestHeadersKib(message, context),
  };
  const http2At = context.at('http2_protocol_options');
  return {
    codecType: codecType ?? 'auto',
    http1: compileHttp1Options(message.httpProtocolOptions, streamError),
    http2: compileHttp2Options(message.http2ProtocolOptions, { streamError, maxHeadKib }, http2At),
  };
}

type LimitFields =
  | 'maxRequestHeaderBytes'
  | 'maxHeadersCount'
  | 'headersWithUnderscores'
  | 'maxRequestsPerConnection';

function limitFields(
  message: HttpConnectionManager,
  context: CompileContext,
): Pick<Config, LimitFields> {
  const { runtime } = context.environment;
  const common = message.commonHttpProtocolOptions;
  if (common?.maxResponseHeadersKb !== undefined) {
    context.reject(
      'common_http_protocol_options.max_response_headers_kb',
      'Error: max_response_headers_kb cannot be set on http_connection_manager.',
    );
  }
  return {
    maxRequestHeaderBytes: maxRequestHeadersKib(message, context) * BYTES_PER_KIB,
    maxHeadersCount:
      common?.maxHeadersCount ??
      runtimeInteger(runtime, HEADERS_COUNT_KEY, DEFAULT_MAX_HEADERS_COUNT),
    headersWithUnderscores:
      UNDERSCORES[common?.headersWithUnderscoresAction ?? UnderscoresAction.ALLOW],
    maxRequestsPerConnection: common?.maxRequestsPerConnection ?? 0,
  };
}

function maxRequestHeadersKib(message: HttpConnectionManager, context: CompileContext): number {
  const { runtime } = context.environment;
  const absent = runtimeInteger(runtime, HEADERS_KB_KEY, DEFAULT_MAX_REQUEST_HEADERS_KIB);
  return message.maxRequestHeadersKb ?? absent;
}
