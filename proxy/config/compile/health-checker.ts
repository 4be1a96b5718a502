// config.core.v3.HealthCheck.health_checker: what hosts are asked, and which answer is a good one.
import {
  type HeaderValueOption,
  RequestMethod,
} from '../../api/gen/envoy/config/core/v3/base_pb.js';
import type {
  HealthCheck_GrpcHealthCheck as GrpcHealthCheck,
  HealthCheck,
  HealthCheck_HttpHealthCheck as HttpHealthCheck,
  HealthCheck_Payload as Payload,
  HealthCheck_TcpHealthCheck as TcpHealthCheck,
} from '../../api/gen/envoy/config/core/v3/health_check_pb.js';
import { CodecClientType } from '../../api/gen/envoy/type/v3/http_pb.js';
import type { Int64Range } from '../../api/gen/envoy/type/v3/range_pb.js';
import type { UpstreamHttpConfig } from '../../model/cluster.ts';
import type { CompileContext } from '../../model/extension.ts';
import type { HeaderMutations } from '../../model/header-mutations.ts';
import type { CheckerConfig, HttpCheckConfig, StatusRange } from '../../model/health-check.ts';
import { compileEach } from './compile-each.ts';
import { enumMember } from './field-values.ts';
import { compileHeaderMutations, compileHeaderOptions } from './header-mutations.ts';
import { withLive } from './live-value.ts';
import { runtimeInteger } from './runtime-values.ts';
import { compileStringMatcher } from './string-matcher.ts';

/** Envoy core.v3.HealthCheck.HttpHealthCheck.response_buffer_size. */
export const DEFAULT_RESPONSE_BUFFER_BYTES = 1024;

const NO_BYTES = new Uint8Array(0);
const ONLY_200: readonly StatusRange[] = [{ start: 200, end: 201 }];
const MIN_STATUS = 100;
const MAX_STATUS = 600;
const PROTOCOLS: Readonly<Partial<Record<CodecClientType, HttpCheckConfig['protocol']>>> = {
  [CodecClientType.HTTP1]: 'http1',
  [CodecClientType.HTTP2]: 'http2',
};
/** Requests with these have no content. */
const BARE_METHODS: ReadonlySet<RequestMethod> = new Set([
  RequestMethod.GET,
  RequestMethod.HEAD,
  RequestMethod.DELETE,
  RequestMethod.TRACE,
]);

/** The cluster that is checked. */
export interface CheckedCluster {
  readonly name: string;
  readonly http: UpstreamHttpConfig;
}

/** The compiled checker; null when there is none, or it was refused. */
export function compileChecker(
  message: HealthCheck,
  cluster: CheckedCluster,
  context: CompileContext,
): CheckerConfig | null {
  const { healthChecker: choice } = message;
  switch (choice.case) {
    case 'httpHealthCheck':
      return compileHttp(choice.value, context.at('http_health_check'));
    case 'tcpHealthCheck':
      return compileTcp(choice.value, context.at('tcp_health_check'));
    case 'grpcHealthCheck':
      return compileGrpc(choice.value, cluster, context);
    default:
      // Missing ones are refused by the message's rules, custom ones by the table of fields.
      return null;
  }
}

function compileHttp(message: HttpHealthCheck, context: CompileContext): CheckerConfig | null {
  const method =
    message.method === RequestMethod.METHOD_UNSPECIFIED ? RequestMethod.GET : message.method;
  const protocol = enumMember(context, 'codec_client_type', {
    value: message.codecClientType,
    names: CodecClientType,
    table: PROTOCOLS,
  });
  const headers = compileHeaders(message, context);
  const matcher = message.serviceNameMatcher;
  const serviceName =
    matcher === undefined
      ? null
      : compileStringMatcher(matcher, context.at('service_name_matcher'));
  const expected = compileRanges('expected', message.expectedStatuses, context);
  if (protocol === null) return null;
  const checker = {
    kind: 'http' as const,
    host: message.host,
    path: message.path,
    method: RequestMethod[method] as string,
    protocol,
    ...compilePayloads(message, method, context),
    addHeaders: headers?.set ?? [],
    removeHeaders: headers?.remove ?? [],
    expectedStatuses: expected.length === 0 ? ONLY_200 : expected,
    retriableStatuses: compileRanges('retriable', message.retriableStatuses, context),
  };
  const verified = () => (isVerified(context) ? serviceName : null);
  return withLive(checker, context.environment.runtime, ['serviceName', verified]);
}

function isVerified({ environment }: CompileContext): boolean {
  return runtimeInteger(environment.runtime, 'health_check.verify_cluster', 100) > 0;
}

function compileHeaders(
  message: HttpHealthCheck,
  context: CompileContext,
): HeaderMutations['request'] {
  const { requestHeadersToAdd, requestHeadersToRemove } = message;
  const none = { responseHeadersToAdd: [], responseHeadersToRemove: [] };
  const fields = { requestHeadersToAdd, requestHeadersToRemove, ...none };
  return compileHeaderMutations(fields, context).request;
}

function compilePayloads(
  message: HttpHealthCheck,
  method: RequestMethod,
  context: CompileContext,
): Pick<HttpCheckConfig, 'send' | 'receive' | 'responseBufferBytes'> {
  if (message.send !== undefined && BARE_METHODS.has(method)) {
    const name = RequestMethod[method];
    const advice = 'Only methods that support a request body (POST, PUT, PATCH, OPTIONS)';
    const reason = `HTTP health check cannot specify a request payload with method '${name}'`;
    context.reject('send', `${reason}. ${advice} can be used with payload.`);
  }
  const receive = compileEach({ path: 'receive', items: message.receive }, context, payloadBytes);
  const size = message.responseBufferSize;
  const responseBufferBytes = size === undefined ? DEFAULT_RESPONSE_BUFFER_BYTES : Number(size);
  const total = receive.reduce((sum, { length }) => sum + length, 0);
  if (responseBufferBytes !== 0 && total > responseBufferBytes) {
    const subject = `The expected response length '${total}'`;
    const rule = `is over than http health response buffer size '${responseBufferBytes}'`;
    context.reject('receive', `${subject} ${rule}`);
  }
  return { send: sentBytes(message.send, context), receive, responseBufferBytes };
}

function compileTcp(message: TcpHealthCheck, context: CompileContext): CheckerConfig {
  return {
    kind: 'tcp',
    send: sentBytes(message.send, context),
    receive: compileEach({ path: 'receive', items: message.receive }, context, payloadBytes),
  };
}

function compileGrpc(
  message: GrpcHealthCheck,
  { name, http }: CheckedCluster,
  context: CompileContext,
): CheckerConfig {
  if (http.protocol === 'http1') {
    const rule = `${name} cluster must support HTTP/2 for gRPC healthchecking`;
    context.reject('grpc_health_check', `${rule}: give it http2_protocol_options`);
  }
  const options: readonly HeaderValueOption[] = message.initialMetadata;
  const at = context.at('grpc_health_check');
  return {
    kind: 'grpc',
    serviceName: message.serviceName,
    authority: message.authority,
    addHeaders: compileHeaderOptions({ path: 'initial_metadata', options }, at),
  };
}

function sentBytes(payload: Payload | undefined, context: CompileContext): Uint8Array {
  if (payload === undefined) return NO_BYTES;
  return payloadBytes(payload, context.at('send')) ?? NO_BYTES;
}

/** Text is in hexadecimal. */
function payloadBytes({ payload }: Payload, context: CompileContext): Uint8Array | null {
  if (payload.case !== 'text') return payload.value ?? NO_BYTES;
  const { value } = payload;
  if (value.length % 2 === 0 && /^[0-9a-fA-F]*$/.test(value)) return Buffer.from(value, 'hex');
  const advice = 'write octets as two hexadecimal digits each';
  context.reject('text', `invalid hex string '${value}': ${advice}`);
  return null;
}

function compileRanges(
  what: 'expected' | 'retriable',
  ranges: readonly Int64Range[],
  context: CompileContext,
): readonly StatusRange[] {
  const subject = `Invalid http ${what} status range: expecting`;
  return compileEach({ path: `${what}_statuses`, items: ranges }, context, (range, at) => {
    const [start, end] = [Number(range.start), Number(range.end)];
    if (start >= end) {
      at.reject('', `${subject} start < end, but found start=${start} and end=${end}`);
    } else if (start < MIN_STATUS) {
      at.reject('', `${subject} start >= ${MIN_STATUS}, but found start=${start}`);
    } else if (end > MAX_STATUS) {
      at.reject('', `${subject} end <= ${MAX_STATUS}, but found end=${end}`);
    }
    return { start, end };
  });
}
