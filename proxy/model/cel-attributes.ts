// What CEL expressions may ask about an exchange: Envoy's attributes by their names. Those that are
// not there (no response yet, no TLS) are missing keys, as in Envoy.
import type { SocketAddress } from '../base/address.ts';
import type { AttributeReader, Roots } from '../cel/compile-cel.ts';
import { fromJson } from '../cel/literal-map.ts';
import { CelTime, CelUint, type CelValue } from '../cel/values.ts';
import type { FormatContext } from '../formatter/formatter.ts';
import { grpcStatusOf } from '../formatter/grpc-status.ts';
import type { RequestHead } from '../http/message.ts';
import { requestField } from '../http/request-field.ts';
import { RESPONSE_FLAGS } from '../http/response-flags.ts';
import type { NamespacedMetadata, StreamInfo } from '../http/stream-info.ts';
import type { TlsInfo } from '../http/tls-info.ts';
import { peerCertificateOf } from '../http/tls-info.ts';
import { type Certificate, subjectAltNamesOf } from '../x509/certificate.ts';
import {
  celText,
  FilterStateFields,
  RequestFields,
  ResponseFields,
  TrailerFields,
} from './cel-header-map.ts';

type Reader = AttributeReader<FormatContext>;

const NANOS_PER_MS = 1_000_000;
const FLAG_BITS: ReadonlyMap<string, bigint> = new Map(
  RESPONSE_FLAGS.map(([name], index) => [name, 1n << BigInt(index)]),
);

const REQUEST: Readonly<Record<string, Reader>> = {
  path: ofRequest((head) => head.path),
  url_path: ofRequest(({ path }) => path.split('?', 1)[0] ?? ''),
  query: queryOf,
  host: ofRequest((head) => head.authority),
  scheme: ofRequest((head) => head.scheme),
  method: ofRequest((head) => head.method),
  referer: requestHeader('referer'),
  useragent: requestHeader('user-agent'),
  id: requestHeader('x-request-id'),
  headers: ({ request }) => new RequestFields(request),
  protocol: ({ info }) => info.protocol ?? undefined,
  time: ({ info }) => new CelTime('timestamp', nanosOf(info.startWallMs)),
  duration: ({ info }) => durationOf(info.endMs - info.startMs, info.endMs >= 0),
  size: requestSize,
  total_size: ({ info, request }) =>
    BigInt(info.bytesReceived + (request === null ? 0 : headSize(request))),
};

const RESPONSE: Readonly<Record<string, Reader>> = {
  code: ({ info }) => (info.responseCode === 0 ? undefined : BigInt(info.responseCode)),
  code_details: ({ info }) => text(info.responseCodeDetails),
  flags: ({ info }) => flagBits(info),
  grpc_status: (context) => {
    const status = grpcStatusOf(context);
    return status === null ? undefined : BigInt(status);
  },
  headers: ({ response }) => new ResponseFields(response),
  trailers: ({ responseTrailers }) => new TrailerFields(responseTrailers),
  size: ({ info }) => BigInt(info.bytesSent),
  total_size: ({ info, response, responseTrailers }) =>
    BigInt(
      info.bytesSent + (response?.headers.byteSize() ?? 0) + (responseTrailers?.byteSize() ?? 0),
    ),
  backend_latency: ({ info: { firstUpstreamTxByteMs, firstUpstreamRxByteMs } }) =>
    durationOf(firstUpstreamRxByteMs - firstUpstreamTxByteMs, firstUpstreamRxByteMs >= 0),
};

const CONNECTION: Readonly<Record<string, Reader>> = {
  id: ({ info }) => new CelUint(BigInt(info.downstream.id)),
  mtls: ({ info }) => peerCertificateOf(info.downstream.tls) !== null,
  requested_server_name: ({ info }) => info.downstream.requestedServerName,
  termination_details: ({ info }) => text(info.connectionTerminationDetails),
  transport_failure_reason: ({ info }) => text(info.downstream.transportFailureReason ?? ''),
  ...tlsAttributes(({ downstream }) => downstream.tls),
};

const UPSTREAM: Readonly<Record<string, Reader>> = {
  address: ({ info }) => info.upstreamHost?.address.text,
  port: ({ info }) => portOf(info.upstreamHost?.address ?? null),
  local_address: ({ info }) => info.upstreamLocalAddress?.text,
  transport_failure_reason: ({ info }) =>
    info.upstreamHost === null ? undefined : info.upstreamTransportFailureReason,
  request_attempt_count: ({ info }) => new CelUint(BigInt(info.attemptCount)),
  cx_pool_ready_duration: ({ info }) =>
    durationOf(info.upstreamPoolReadyDurationMs, info.upstreamPoolReadyDurationMs >= 0),
  ...tlsAttributes(({ upstreamTls }) => upstreamTls),
};

const XDS: Readonly<Record<string, Reader>> = {
  cluster_name: ({ info }) => text(info.clusterName),
  cluster_metadata: ({ info }) => metadataOf(info.clusterMetadata),
  route_name: ({ info }) => text(info.routeName),
  route_metadata: ({ route }) => metadataOf(route?.config.metadata ?? null),
  virtual_host_metadata: ({ route }) => metadataOf(route?.virtualHost.metadata ?? null),
  upstream_host_metadata: ({ info }) => metadataOf(info.upstreamHost?.endpoint?.metadata ?? null),
  filter_chain_name: ({ info }) => info.downstream.filterChainName,
  listener_metadata: ({ info }) => metadataOf(info.downstream.listener?.metadata ?? null),
};

/** Envoy's attributes. */
export const CEL_ATTRIBUTES: Roots<FormatContext> = {
  request: REQUEST,
  response: RESPONSE,
  connection: CONNECTION,
  upstream: UPSTREAM,
  source: peer(({ remoteAddress }) => remoteAddress),
  destination: peer(({ downstream }) => downstream.localAddress),
  xds: XDS,
  metadata: {
    filter_metadata: ({ info }) => fromJson(Object.fromEntries(info.dynamicMetadata ?? [])),
  },
  filter_state: ({ info }) => new FilterStateFields(info),
};

/** Without a request, or with an empty pseudo-field, there is none. */
function ofRequest(read: (head: RequestHead) => string | null): Reader {
  return ({ request }) => celText(request === null ? null : read(request) || null);
}

/** A path without a query has an empty one. */
function queryOf({ request }: FormatContext): CelValue | undefined {
  if (request === null || request.path === '') return undefined;
  const at = request.path.indexOf('?');
  return at < 0 ? '' : celText(request.path.slice(at + 1));
}

function requestHeader(name: string): Reader {
  return ({ request }) => (request === null ? undefined : celText(requestField(request, name)));
}

function peer(address: (info: StreamInfo) => SocketAddress): Readonly<Record<string, Reader>> {
  return {
    address: ({ info }) => address(info).text,
    port: ({ info }) => portOf(address(info)),
  };
}

function portOf(address: SocketAddress | null): CelValue | undefined {
  return address === null || address.port === 0 ? undefined : BigInt(address.port);
}

function tlsAttributes(
  tls: (info: StreamInfo) => TlsInfo | null,
): Readonly<Record<string, Reader>> {
  const local = (info: StreamInfo): Certificate | null => tls(info)?.localCertificate ?? null;
  const remote = (info: StreamInfo): Certificate | null => peerCertificateOf(tls(info));
  return {
    tls_version: ({ info }) => tls(info)?.version,
    subject_local_certificate: ({ info }) => local(info)?.subject,
    subject_peer_certificate: ({ info }) => remote(info)?.subject,
    dns_san_local_certificate: ({ info }) => firstName(local(info), 'dns'),
    dns_san_peer_certificate: ({ info }) => firstName(remote(info), 'dns'),
    uri_san_local_certificate: ({ info }) => firstName(local(info), 'uri'),
    uri_san_peer_certificate: ({ info }) => firstName(remote(info), 'uri'),
    sha256_peer_certificate_digest: ({ info }) => remote(info)?.fingerprint256,
  };
}

function firstName(certificate: Certificate | null, kind: 'dns' | 'uri'): string | undefined {
  return certificate === null ? undefined : subjectAltNamesOf(certificate, kind)[0];
}

function requestSize({ request, info }: FormatContext): CelValue | undefined {
  const length = request === null ? null : requestField(request, 'content-length');
  if (length === null) return BigInt(info.bytesReceived);
  return /^\d{1,18}$/.test(length) ? BigInt(length) : undefined;
}

/** As if it were HTTP/2's: pseudo-fields count. */
function headSize({ method, path, authority, scheme, headers }: RequestHead): number {
  const pseudo = { ':method': method, ':path': path, ':authority': authority, ':scheme': scheme };
  let sum = headers.byteSize();
  for (const [name, value] of Object.entries(pseudo))
    if (value !== '') sum += name.length + value.length;
  return sum;
}

function flagBits({ flags }: StreamInfo): bigint {
  let bits = 0n;
  for (const flag of flags ?? []) bits |= FLAG_BITS.get(flag) ?? 0n;
  return bits;
}

function text(value: string): string | undefined {
  return value === '' ? undefined : value;
}

function metadataOf(filter_metadata: NamespacedMetadata | null): CelValue | undefined {
  return filter_metadata === null ? undefined : fromJson({ filter_metadata });
}

function durationOf(ms: number, isKnown: boolean): CelTime | undefined {
  return isKnown ? new CelTime('duration', nanosOf(ms)) : undefined;
}

function nanosOf(ms: number): bigint {
  return BigInt(Math.round(ms * NANOS_PER_MS));
}
