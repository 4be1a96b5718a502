// The access log line by which tests compare what the proxies know of a gRPC call.
import type { Json } from './twin-bootstrap.ts';

const OPERATORS = [
  ...['RESPONSE_CODE', 'RESPONSE_FLAGS', 'RESPONSE_CODE_DETAILS', 'PROTOCOL', 'UPSTREAM_PROTOCOL'],
  ...['GRPC_STATUS', 'GRPC_STATUS(CAMEL_STRING)', 'GRPC_STATUS(SNAKE_STRING)'],
  ...['GRPC_STATUS(NUMBER)', 'GRPC_STATUS_NUMBER', 'TRAILER(GRPC-STATUS)', 'TRAILER(X-T)'],
  ...['RESP(GRPC-STATUS)', 'RESP(GRPC-MESSAGE)', 'REQ(CONTENT-TYPE)', 'RESP(CONTENT-TYPE)'],
  ...['BYTES_RECEIVED', 'BYTES_SENT', 'RESPONSE_TRAILERS_BYTES'],
  ...['FILTER_STATE(envoy.filters.http.grpc_stats)'],
  ...['FILTER_STATE(envoy.filters.http.grpc_stats:PLAIN)'],
  ...['FILTER_STATE(envoy.filters.http.grpc_stats:FIELD:request_message_count)'],
];

/** A log_format that begins with the client's address and the path. */
export const GRPC_LOG: Json = {
  text_format_source: {
    inline_string: `%DOWNSTREAM_REMOTE_ADDRESS% %REQ(:PATH)% ${OPERATORS.map((name) => `%${name}%`).join('|')}\n`,
  },
};
