// HTTP towards a cluster: typed_extension_protocol_options, or the older fields of the cluster.

import type { Cluster } from '../../api/gen/envoy/config/cluster/v3/cluster_pb.js';
import {
  type HttpProtocolOptions as CommonOptions,
  type Http1ProtocolOptions,
  HttpProtocolOptions_HeadersWithUnderscoresAction as UnderscoresAction,
} from '../../api/gen/envoy/config/core/v3/protocol_pb.js';
import {
  type HttpProtocolOptions,
  HttpProtocolOptionsSchema,
} from '../../api/gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js';
import { DEFAULT_H2_PROTOCOL_OPTIONS } from '../../http/h2/options.ts';
import type { UpstreamHttpConfig } from '../../model/cluster.ts';
import type { CompileContext } from '../../model/extension.ts';
import { typeNameOf } from '../schema/any.ts';
import { unpack } from './extension-lookup.ts';
import { durationMs } from './field-values.ts';
import {
  compileHttp1Options,
  DEFAULT_IDLE_TIMEOUT_MS,
  DEFAULT_MAX_HEADERS_COUNT,
} from './http1-options.ts';

/** Envoy core.v3.HttpProtocolOptions.max_response_headers_kb; longer heads are a 502. */
export const DEFAULT_MAX_RESPONSE_HEADER_BYTES = 81_920;

/** The key under which Envoy looks for the options. */
const OPTIONS_KEY = HttpProtocolOptionsSchema.typeName;

/** Compiles what the cluster says about HTTP. */
export function compileUpstreamHttp(message: Cluster, context: CompileContext): UpstreamHttpConfig {
  const options = message.typedExtensionProtocolOptions;
  for (const key of Object.keys(options)) {
    if (key === OPTIONS_KEY) continue;
    const rule =
      "Didn't find a registered network or http filter or protocol options implementation";
    context.reject(`typed_extension_protocol_options["${key}"]`, `${rule} for name: '${key}'`);
  }
  const any = options[OPTIONS_KEY];
  if (any === undefined) return fromOldFields(message, context);
  const at = context.at(`typed_extension_protocol_options["${OPTIONS_KEY}"]`);
  if (typeNameOf(any.typeUrl) !== OPTIONS_KEY) at.reject('', `must have the @type ${OPTIONS_KEY}`);
  const typed = typeNameOf(any.typeUrl) === OPTIONS_KEY ? unpack(any, at, '') : null;
  return typed === null ? compile({}, at) : fromTyped(typed as HttpProtocolOptions, at);
}

function fromOldFields(message: Cluster, context: CompileContext): UpstreamHttpConfig {
  const common = message.commonHttpProtocolOptions;
  if (
    message.maxRequestsPerConnection !== undefined &&
    common?.maxRequestsPerConnection !== undefined
  ) {
    const rule =
      'Only one of max_requests_per_connection from Cluster or HttpProtocolOptions can be specified';
    context.reject('max_requests_per_connection', rule);
  }
  const http = compile(
    {
      common,
      commonAt: context.at('common_http_protocol_options'),
      http1: message.httpProtocolOptions,
      http1At: context.at('http_protocol_options'),
    },
    context,
  );
  return {
    ...http,
    maxRequestsPerConnection: message.maxRequestsPerConnection ?? http.maxRequestsPerConnection,
  };
}

function fromTyped(message: HttpProtocolOptions, context: CompileContext): UpstreamHttpConfig {
  const common = message.commonHttpProtocolOptions;
  const commonAt = context.at('common_http_protocol_options');
  const choice = message.upstreamProtocolOptions;
  const explicit = choice.case === 'explicitHttpConfig' ? choice.value.protocolConfig : null;
  if (explicit?.case === 'httpProtocolOptions') {
    const http1At = context.at('explicit_http_config.http_protocol_options');
    return compile({ common, commonAt, http1: explicit.value, http1At }, context);
  }
  context.reject('', 'explicit_http_config with http_protocol_options is required');
  return compile({ common, commonAt }, context);
}

/** Where the two messages of options stand, if they do. */
interface OptionSources {
  readonly common?: CommonOptions | undefined;
  readonly commonAt?: CompileContext;
  readonly http1?: Http1ProtocolOptions | undefined;
  readonly http1At?: CompileContext;
}

function compile(sources: OptionSources, context: CompileContext): UpstreamHttpConfig {
  const { common, commonAt = context } = sources;
  refuseUnsupported(common, commonAt);
  const idle = { path: 'idle_timeout', value: common?.idleTimeout };
  const longest = { path: 'max_connection_duration', value: common?.maxConnectionDuration };
  return {
    protocol: 'http1',
    http2: DEFAULT_H2_PROTOCOL_OPTIONS,
    maxStreamDurationMs: 0,
    http1: compileHttp1Options(sources.http1, sources.http1At ?? context),
    idleTimeoutMs: durationMs(commonAt, idle, DEFAULT_IDLE_TIMEOUT_MS),
    maxConnectionDurationMs: durationMs(commonAt, longest, 0),
    maxRequestsPerConnection: common?.maxRequestsPerConnection ?? 0,
    maxResponseHeaderBytes: DEFAULT_MAX_RESPONSE_HEADER_BYTES,
    maxHeadersCount: common?.maxHeadersCount ?? DEFAULT_MAX_HEADERS_COUNT,
  };
}

function refuseUnsupported(common: CommonOptions | undefined, context: CompileContext): void {
  if (common?.maxStreamDuration !== undefined) {
    context.reject('max_stream_duration', 'is not supported yet for clusters: use a route timeout');
  }
  if (common !== undefined && common.headersWithUnderscoresAction !== UnderscoresAction.ALLOW) {
    context.reject('headers_with_underscores_action', 'is not supported yet for clusters');
  }
}
