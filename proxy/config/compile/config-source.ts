// core.v3.ConfigSource: where resources are looked for that do not stand in the configuration.
import { createHash } from 'node:crypto';
import { toBinary } from '@bufbuild/protobuf';
import {
  type ApiConfigSource,
  ApiConfigSourceSchema,
  ApiConfigSource_ApiType as ApiType,
  ApiVersion,
  type ConfigSource,
} from '../../api/gen/envoy/config/core/v3/config_source_pb.js';
import type { GrpcService } from '../../api/gen/envoy/config/core/v3/grpc_service_pb.js';
import { type ConfigSourceConfig, DEFAULT_FETCH_TIMEOUT_MS } from '../../model/config-source.ts';
import type { CompileContext } from '../../model/extension.ts';
import { FAILOVER_KEY } from './failover-guard.ts';
import { durationMs } from './field-values.ts';
import { compileGoogleGrpc } from './google-grpc.ts';

const NODE_RULE =
  "node 'id' and 'cluster' are required. Set it either in 'node' config or via --service-node and --service-cluster options.";
const NO_V2 =
  'V2 xDS transport protocol version is deprecated: every server speaks version 3 now, say V3';
const NO_NAMES =
  'names of the form xdstp:// are not supported: use plain names, or `ads` of one server';
const AGGREGATED = new Set([ApiType.AGGREGATED_GRPC, ApiType.AGGREGATED_DELTA_GRPC]);
const GRPC = 'envoy.config.core.v3.ApiConfigSource::(AGGREGATED_)(DELTA_)GRPC';

/** null and rejections: it cannot be used. `subject`: whose resources come from it, for messages. */
export function compileConfigSource(
  message: ConfigSource,
  subject: string,
  context: CompileContext,
): ConfigSourceConfig | null {
  const timeout = { path: 'initial_fetch_timeout', value: message.initialFetchTimeout };
  const fetchTimeoutMs = durationMs(context, timeout, DEFAULT_FETCH_TIMEOUT_MS);
  if (message.resourceApiVersion === ApiVersion.V2) context.reject('resource_api_version', NO_V2);
  const { configSourceSpecifier: choice } = message;
  switch (choice.case) {
    case 'path':
      return {
        kind: 'path',
        key: `path:${choice.value}`,
        path: choice.value,
        ...{ directory: '', fetchTimeoutMs },
      };
    case 'pathConfigSource': {
      const { path, watchedDirectory } = choice.value;
      const directory = watchedDirectory?.path ?? '';
      return { kind: 'path', key: `path:${path}`, path, directory, fetchTimeoutMs };
    }
    case 'ads':
    // What comes from the aggregated server names it so.
    case 'self':
      requireNode(subject, context);
      return { kind: 'ads', key: 'ads', fetchTimeoutMs };
    case 'apiConfigSource': {
      requireNode(subject, context);
      const api = checkServer(choice.value, context.at('api_config_source'));
      return api === null ? null : { kind: 'api', key: sourceKey(api), api, fetchTimeoutMs };
    }
    default: {
      const rule = 'Missing config source specifier in envoy::config::core::v3::ConfigSource';
      context.reject('', `${rule}: use ads, api_config_source or path_config_source`);
      return null;
    }
  }
}

/** dynamic_resources.ads_config; null and rejections: it cannot be used. */
export function compileAds(
  message: ApiConfigSource,
  context: CompileContext,
): ApiConfigSource | null {
  requireNode('ads', context);
  const { apiType } = message;
  const isGrpc = apiType === ApiType.GRPC || apiType === ApiType.DELTA_GRPC;
  if (!isGrpc) {
    const rule = 'envoy.config.core.v3.ApiConfigSource type must be of non-aggregated gRPC';
    context.reject('api_type', `${rule}: use GRPC or DELTA_GRPC`);
    return null;
  }
  checkVersion(message, context);
  checkGrpc(message, context);
  return context.failed ? null : message;
}

/** A server that something is reported to; null: there is none, or it was refused. */
export function compileReporting(
  message: ApiConfigSource | undefined,
  context: CompileContext,
): ApiConfigSource | null {
  if (message === undefined) return null;
  const { apiType } = message;
  if (apiType !== ApiType.GRPC && apiType !== ApiType.DELTA_GRPC) {
    const rule = 'envoy.config.core.v3.ApiConfigSource type must be gRPC';
    context.reject('api_type', `${rule}: use GRPC`);
  }
  checkVersion(message, context);
  checkGrpc(message, context);
  return context.failed ? null : message;
}

/** Refuses a name that only federated servers understand. */
export function refuseFederatedName(name: string, path: string, context: CompileContext): void {
  if (name.startsWith('xdstp://')) context.reject(path, NO_NAMES);
}

function requireNode(subject: string, context: CompileContext): void {
  if (context.environment.discovery?.hasNode === false) {
    context.reject('', `${subject}: ${NODE_RULE}`);
  }
}

/** `api:` and a hash of all that it says: equal ones are one server. */
export function sourceKey(api: ApiConfigSource): string {
  const octets = toBinary(ApiConfigSourceSchema, api, { writeUnknownFields: false });
  return `api:${createHash('sha256').update(octets).digest('hex').slice(0, 32)}`;
}

function checkServer(api: ApiConfigSource, context: CompileContext): ApiConfigSource | null {
  checkVersion(api, context);
  if (AGGREGATED.has(api.apiType)) {
    const rule = `Unsupported config source ${ApiType[api.apiType]}`;
    context.reject('api_type', `${rule}: name the aggregated server by ads`);
  } else if (api.apiType === ApiType.REST) {
    checkRest(api, context);
  } else {
    checkGrpc(api, context);
  }
  return context.failed ? null : api;
}

function checkVersion(api: ApiConfigSource, context: CompileContext): void {
  if (api.transportApiVersion === ApiVersion.V2) context.reject('transport_api_version', NO_V2);
}

function checkRest(api: ApiConfigSource, context: CompileContext): void {
  if (api.grpcServices.length > 0) {
    const rule =
      'envoy.config.core.v3.ApiConfigSource, if not a gRPC type, must not have a gRPC service specified';
    context.reject('grpc_services', rule);
  }
  if (api.clusterNames.length !== 1) {
    const rule =
      'envoy.config.core.v3.ApiConfigSource must have a singleton cluster name specified';
    context.reject('cluster_names', rule);
    return;
  }
  if (api.refreshDelay === undefined) {
    context.reject('refresh_delay', 'refresh_delay is required for REST API configuration sources');
  }
  requireCluster(api.clusterNames[0] ?? '', context.at('cluster_names[0]'));
}

function checkGrpc(api: ApiConfigSource, context: CompileContext): void {
  if (api.clusterNames.length > 0) {
    context.reject('cluster_names', `${GRPC} must not have a cluster name specified`);
  }
  const { length } = api.grpcServices;
  if (length === 0) {
    const rule = 'API configs must have either a gRPC service or a cluster name defined';
    context.reject('grpc_services', rule);
  }
  const { discovery, runtime } = context.environment;
  const hasFallback = discovery?.hasFallback ?? runtime.get(FAILOVER_KEY) === true;
  const most = hasFallback ? 2 : 1;
  if (length > most) {
    const rule = `${GRPC} must have no more than ${most} gRPC services specified`;
    const way = most === 1 ? `: a second one to fall back to wants runtime ${FAILOVER_KEY}` : '';
    context.reject('grpc_services', rule + way);
  }
  for (const [index, service] of api.grpcServices.entries()) {
    checkService(service, context.at(`grpc_services[${index}]`));
  }
}

function checkService(
  { initialMetadata, targetSpecifier: target }: GrpcService,
  context: CompileContext,
): void {
  initialMetadata.forEach(({ value }, index) => {
    if (!value.includes('%')) return;
    const rule = 'command operators (%…%) are not supported here: say the text itself';
    context.reject(`initial_metadata[${index}].value`, rule);
  });
  if (target.case === 'googleGrpc') compileGoogleGrpc(target.value, context.at('google_grpc'));
  else if (target.case === 'envoyGrpc') {
    requireCluster(target.value.clusterName, context.at('envoy_grpc.cluster_name'));
  }
}

function requireCluster(name: string, context: CompileContext): void {
  const { discovery } = context.environment;
  if (discovery === undefined || discovery.clusters.has(name)) return;
  const rule =
    'envoy.config.core.v3.ApiConfigSource must have a statically defined non-EDS cluster';
  context.reject('', `${rule}: '${name}' does not exist, was added via api, or is an EDS cluster`);
}
