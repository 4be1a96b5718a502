// HTTP towards a cluster: typed_extension_protocol_options, or the older fields of the cluster.

import {
  type Cluster,
  Cluster_ClusterProtocolSelection as ProtocolSelection,
} from '../../api/gen/envoy/config/cluster/v3/cluster_pb.js';
import type {
  HttpProtocolOptions as CommonOptions,
  Http1ProtocolOptions,
  Http2ProtocolOptions,
  UpstreamHttpProtocolOptions,
} from '../../api/gen/envoy/config/core/v3/protocol_pb.js';
import {
  type HttpProtocolOptions,
  type HttpProtocolOptions_ExplicitHttpConfig,
  HttpProtocolOptionsSchema,
} from '../../api/gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js';
import type { RequestNamesConfig, UpstreamHttpConfig } from '../../model/cluster.ts';
import type { CompileContext } from '../../model/extension.ts';
import { typeIn } from '../schema/open-any.ts';
import { compileClusterPolicies } from './cluster-policies.ts';
import { unpack } from './extension-lookup.ts';
import { durationMs } from './field-values.ts';
import {
  compileHttp1Options,
  DEFAULT_IDLE_TIMEOUT_MS,
  DEFAULT_MAX_HEADERS_COUNT,
} from './http1-options.ts';
import { compileHttp2Options } from './http2-options.ts';
import { runtimeInteger } from './runtime-values.ts';

/** Envoy core.v3.HttpProtocolOptions.max_response_headers_kb, HTTP/1.1; longer heads are a 502. */
export const DEFAULT_MAX_RESPONSE_HEADERS_KIB = 80;
/** The same for HTTP/2, where Envoy takes the default of requests; longer heads are a 503. */
export const DEFAULT_MAX_HTTP2_RESPONSE_HEADERS_KIB = 60;

const BYTES_PER_KIB = 1024;
const HEADERS_KB_KEY = 'envoy.reloadable_features.max_response_headers_size_kb';
const HEADERS_COUNT_KEY = 'envoy.reloadable_features.max_response_headers_count';

/** The key under which Envoy looks for the options. */
const OPTIONS_KEY = HttpProtocolOptionsSchema.typeName;
const CHOICES = 'explicit_http_config, use_downstream_protocol_config, auto_config';

/** A cluster and where it stands. */
interface ClusterPlace {
  readonly message: Cluster;
  readonly context: CompileContext;
}

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
  if (typeIn(any) !== OPTIONS_KEY) at.reject('', `must have the @type ${OPTIONS_KEY}`);
  const typed = typeIn(any) === OPTIONS_KEY ? unpack(any, at, '') : null;
  if (typed === null) return fromOldFields(message, context);
  return fromTyped(typed as HttpProtocolOptions, at, { message, context });
}

/** Where the messages of options stand, and what they lead to. */
interface OptionSources {
  readonly protocol: UpstreamHttpConfig['protocol'];
  readonly common: CommonOptions | undefined;
  readonly commonAt: CompileContext;
  readonly http1: Http1ProtocolOptions | undefined;
  readonly http2: Http2ProtocolOptions | undefined;
  readonly http2At: CompileContext;
  readonly upstream: UpstreamHttpProtocolOptions | undefined;
}

/** Options beside typed ones are not looked at: these take the place of all of them. */
function fromOldFields(message: Cluster, context: CompileContext): UpstreamHttpConfig {
  return compile(
    {
      protocol: oldProtocol(message, context),
      common: message.commonHttpProtocolOptions,
      commonAt: context.at('common_http_protocol_options'),
      http1: message.httpProtocolOptions,
      http2: message.http2ProtocolOptions,
      http2At: context.at('http2_protocol_options'),
      upstream: message.upstreamHttpProtocolOptions,
    },
    { message, context },
  );
}

function oldProtocol(message: Cluster, context: CompileContext): UpstreamHttpConfig['protocol'] {
  const { httpProtocolOptions: http1, http2ProtocolOptions: http2, protocolSelection } = message;
  if (protocolSelection === ProtocolSelection.USE_DOWNSTREAM_PROTOCOL) return 'downstream';
  if (http1 !== undefined && http2 !== undefined) {
    const rule = "may only be configured with non-default 'protocol_selection' values";
    context.reject('http2_protocol_options', `cluster: Both HTTP1 and HTTP2 options ${rule}`);
  }
  return http2 === undefined ? 'http1' : 'http2';
}

function fromTyped(
  options: HttpProtocolOptions,
  at: CompileContext,
  cluster: ClusterPlace,
): UpstreamHttpConfig {
  const common = options.commonHttpProtocolOptions;
  const commonAt = at.at('common_http_protocol_options');
  const choice = chooseTyped(options, at);
  const policies = compileClusterPolicies(options, at);
  const upstream = options.upstreamHttpProtocolOptions;
  const config = compile({ ...choice, common, commonAt, upstream }, cluster);
  return policies === null ? config : { ...config, policies };
}

/** What upstream_protocol_options asks for. */
type TypedChoice = Pick<OptionSources, 'protocol' | 'http1' | 'http2' | 'http2At'>;

function chooseTyped(options: HttpProtocolOptions, context: CompileContext): TypedChoice {
  const { case: kind, value } = options.upstreamProtocolOptions;
  const none = { protocol: 'http1', http1: undefined, http2: undefined, http2At: context } as const;
  switch (kind) {
    case 'explicitHttpConfig':
      return chooseExplicit(value.protocolConfig, context.at('explicit_http_config'));
    case 'useDownstreamProtocolConfig': {
      const at = context.at('use_downstream_protocol_config');
      return {
        protocol: 'downstream',
        http1: value.httpProtocolOptions,
        http2: value.http2ProtocolOptions,
        http2At: at.at('http2_protocol_options'),
      };
    }
    case 'autoConfig': {
      const at = context.at('auto_config');
      return {
        protocol: 'auto',
        http1: value.httpProtocolOptions,
        http2: value.http2ProtocolOptions,
        http2At: at.at('http2_protocol_options'),
      };
    }
    default:
      context.reject('', `'upstream_protocol_options' is required: one of ${CHOICES}`);
      return none;
  }
}

function chooseExplicit(
  { case: kind, value }: HttpProtocolOptions_ExplicitHttpConfig['protocolConfig'],
  context: CompileContext,
): TypedChoice {
  const http2At = context.at('http2_protocol_options');
  if (kind === 'http2ProtocolOptions') {
    return { protocol: 'http2', http1: undefined, http2: value, http2At };
  }
  if (kind === undefined) {
    const names = 'http_protocol_options or http2_protocol_options';
    context.reject('', `'protocol_config' is required: use ${names}`);
  }
  const http1 = kind === 'httpProtocolOptions' ? value : undefined;
  return { protocol: 'http1', http1, http2: undefined, http2At };
}

function compile(sources: OptionSources, { message, context }: ClusterPlace): UpstreamHttpConfig {
  const { common, commonAt } = sources;
  const idle = { path: 'idle_timeout', value: common?.idleTimeout };
  const longest = { path: 'max_connection_duration', value: common?.maxConnectionDuration };
  const stream = { path: 'max_stream_duration', value: common?.maxStreamDuration };
  const kib = common?.maxResponseHeadersKb;
  const maxHeadKib = kib === undefined ? null : { field: 'max_response_headers_kb', value: kib };
  const place = { streamError: undefined, maxHeadKib };
  return {
    protocol: sources.protocol,
    http1: compileHttp1Options(sources.http1, undefined),
    http2: compileHttp2Options(sources.http2, place, sources.http2At),
    idleTimeoutMs: durationMs(commonAt, idle, DEFAULT_IDLE_TIMEOUT_MS),
    maxConnectionDurationMs: durationMs(commonAt, longest, 0),
    maxStreamDurationMs: durationMs(commonAt, stream, 0),
    maxRequestsPerConnection: maxRequests(common, { message, context }),
    ...responseLimits(common, context),
    ...requestNames(sources.upstream),
  };
}

function requestNames(options: UpstreamHttpProtocolOptions | undefined): {
  readonly requestNames?: RequestNamesConfig;
} {
  if (options === undefined || !(options.autoSni || options.autoSanValidation)) return {};
  const { autoSni: setsServerName, autoSanValidation: verifiesName } = options;
  const header = options.overrideAutoSniHeader.toLowerCase();
  return { requestNames: { setsServerName, verifiesName, header } };
}

function maxRequests(
  common: CommonOptions | undefined,
  { message, context }: ClusterPlace,
): number {
  const old = message.maxRequestsPerConnection;
  const typed = common?.maxRequestsPerConnection;
  if (old !== undefined && typed !== undefined) {
    const rule =
      'Only one of max_requests_per_connection from Cluster or HttpProtocolOptions can be specified';
    context.reject('max_requests_per_connection', rule);
  }
  return old ?? typed ?? 0;
}

type ResponseLimits = 'maxResponseHeaderBytes' | 'maxHttp2ResponseHeaderBytes' | 'maxHeadersCount';

function responseLimits(
  common: CommonOptions | undefined,
  context: CompileContext,
): Pick<UpstreamHttpConfig, ResponseLimits> {
  const { runtime } = context.environment;
  const limit = (defaultKib: number): number =>
    BYTES_PER_KIB *
    (common?.maxResponseHeadersKb ?? runtimeInteger(runtime, HEADERS_KB_KEY, defaultKib));
  return {
    maxResponseHeaderBytes: limit(DEFAULT_MAX_RESPONSE_HEADERS_KIB),
    maxHttp2ResponseHeaderBytes: limit(DEFAULT_MAX_HTTP2_RESPONSE_HEADERS_KIB),
    maxHeadersCount:
      common?.maxHeadersCount ??
      runtimeInteger(runtime, HEADERS_COUNT_KEY, DEFAULT_MAX_HEADERS_COUNT),
  };
}
