// Operators over what is known of an exchange besides its messages, addresses and durations.
import type { RequestHead, ResponseHead } from '../../http/message.ts';
import { longFlagName } from '../../http/response-flags.ts';
import type { StreamInfo } from '../../http/stream-info.ts';
import {
  bare,
  type Operator,
  type OperatorArguments,
  type OperatorDefinition,
  type OperatorTable,
  orMissing,
} from '../operator.ts';

/** Operators over StreamInfo and the process. */
export const STREAM_OPERATORS: OperatorTable = {
  PROTOCOL: fact((info) => info.protocol),
  UPSTREAM_PROTOCOL: fact((info) => info.upstreamProtocol),
  RESPONSE_CODE: fact((info) => info.responseCode),
  RESPONSE_CODE_DETAILS: { syntax: 'optional', takesLength: false, make: makeDetails },
  CONNECTION_TERMINATION_DETAILS: fact((info) => orMissing(info.connectionTerminationDetails)),
  RESPONSE_FLAGS: fact((info) => (info.flags === null ? '-' : info.flags.join(','))),
  RESPONSE_FLAGS_LONG: fact((info) =>
    info.flags === null ? '-' : info.flags.map(longFlagName).join(','),
  ),
  BYTES_RECEIVED: fact((info) => info.bytesReceived),
  BYTES_SENT: fact((info) => info.bytesSent),
  REQUEST_HEADERS_BYTES: bare(({ request }) => (request === null ? 0 : requestBytes(request))),
  RESPONSE_HEADERS_BYTES: bare(({ response }) => (response === null ? 0 : responseBytes(response))),
  RESPONSE_TRAILERS_BYTES: bare(({ responseTrailers }) => responseTrailers?.byteSize() ?? 0),
  DOWNSTREAM_WIRE_BYTES_RECEIVED: fact((info) => info.downstreamMeter?.wireBytesReceived ?? 0),
  DOWNSTREAM_WIRE_BYTES_SENT: fact((info) => info.downstreamMeter?.wireBytesSent ?? 0),
  UPSTREAM_WIRE_BYTES_RECEIVED: fact((info) => info.upstreamMeter?.wireBytesReceived ?? 0),
  UPSTREAM_WIRE_BYTES_SENT: fact((info) => info.upstreamMeter?.wireBytesSent ?? 0),
  ...headerBytes(
    'DOWNSTREAM',
    'RECEIVED',
    (info) => info.downstreamMeter?.headerBytesReceived ?? 0,
  ),
  ...headerBytes('DOWNSTREAM', 'SENT', (info) => info.downstreamMeter?.headerBytesSent ?? 0),
  ...headerBytes('UPSTREAM', 'RECEIVED', (info) => info.upstreamMeter?.headerBytesReceived ?? 0),
  ...headerBytes('UPSTREAM', 'SENT', (info) => info.upstreamMeter?.headerBytesSent ?? 0),
  // Node does not tell the kernel's estimate.
  DOWNSTREAM_CX_RTT: bare(() => null),
  // Counted on QUIC only.
  BYTES_RETRANSMITTED: bare(() => 0),
  PACKETS_RETRANSMITTED: bare(() => 0),
  ROUTE_NAME: fact((info) => orMissing(info.routeName)),
  ROUTE_RESOLUTION_COUNT: fact((info) => info.routeResolutions),
  // All of one turn of the event loop happens at one instant, looking for routes included.
  ROUTE_RESOLUTION_TIME_US: fact((info) => (info.routeResolutions === 0 ? null : 0)),
  VIRTUAL_CLUSTER_NAME: fact((info) => orMissing(info.virtualClusterName)),
  UPSTREAM_CLUSTER: fact((info) =>
    orMissing(
      info.clusterObservabilityName || (info.upstreamHost?.observabilityName ?? info.clusterName),
    ),
  ),
  UPSTREAM_CLUSTER_RAW: fact((info) =>
    orMissing(info.clusterName || info.upstreamHost?.clusterName || ''),
  ),
  UPSTREAM_REQUEST_ATTEMPT_COUNT: fact((info) => info.attemptCount),
  UPSTREAM_CONNECTION_ID: fact((info) => info.upstreamConnectionId),
  // As Envoy: one word, so that lines can be split at blanks.
  UPSTREAM_TRANSPORT_FAILURE_REASON: fact((info) =>
    orMissing(info.upstreamTransportFailureReason.replaceAll(' ', '_')),
  ),
  CONNECTION_ID: fact((info) => info.downstream.id),
  FILTER_CHAIN_NAME: fact((info) => orMissing(info.downstream.filterChainName)),
  LISTENER_NAME: fact((info) => orMissing(info.downstream.listener?.name ?? '')),
  // Known only to the formatter of a local reply, as in Envoy.
  LOCAL_REPLY_BODY: bare(({ localReplyBody }) => localReplyBody),
  ACCESS_LOG_TYPE: bare(({ logType }) => logType),
  HOSTNAME: { syntax: 'bare', takesLength: false, make: makeHostname },
  ENVIRONMENT: { syntax: 'required', takesLength: true, make: makeEnvironment },
  UNIQUE_ID: { syntax: 'bare', takesLength: false, make: makeUniqueId },
  // No filter of ours sets any, and no tracer exists yet.
  CUSTOM_FLAGS: bare(() => ''),
  TRACE_ID: bare(() => null),
  SPAN_ID: bare(() => null),
};

/** Envoy's fields of a request's start line: `:method`, `:path`, `:authority`, `:scheme`. */
function requestBytes({ method, path, authority, scheme, headers }: RequestHead): number {
  const pseudo = [':method', method, ':path', path, ':authority', authority, ':scheme', scheme];
  return headers.byteSize() + pseudo.join('').length;
}

function responseBytes({ status, headers }: ResponseHead): number {
  return headers.byteSize() + `:status${status}`.length;
}

function fact(read: (info: StreamInfo) => string | number | null): OperatorDefinition {
  return bare(({ info }) => read(info));
}

/** HTTP/1.1 compresses no heads, so both names mean the same octets. */
function headerBytes(
  side: string,
  direction: string,
  read: (info: StreamInfo) => number,
): OperatorTable {
  return {
    [`${side}_HEADER_BYTES_${direction}`]: fact(read),
    [`${side}_DECOMPRESSED_HEADER_BYTES_${direction}`]: fact(read),
  };
}

function makeDetails({ argument }: OperatorArguments): Operator {
  if (argument === 'ALLOW_WHITESPACES') return ({ info }) => orMissing(info.responseCodeDetails);
  return ({ info }) => {
    const details = info.responseCodeDetails;
    if (details === '') return null;
    return details.includes(' ') ? details.replaceAll(' ', '_') : details;
  };
}

function makeHostname({ options }: OperatorArguments): Operator {
  const hostname = orMissing(options.environment?.hostname ?? '');
  return () => hostname;
}

/** Read once: the environment of a process does not change. Unset is the text `-`, never empty. */
function makeEnvironment({ argument, options }: OperatorArguments): Operator {
  const value = options.environment?.variable(argument) ?? '-';
  return () => value;
}

function makeUniqueId({ options }: OperatorArguments): Operator {
  const { environment } = options;
  return environment === undefined ? () => null : () => environment.uuid();
}
