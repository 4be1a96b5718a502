// The access log line by which the differential tests compare what the proxies know of an exchange.

/** A custom text format; the client's address finds the line's test again. */
export const COMPARED_LOG = {
  log_format: {
    text_format_source: {
      inline_string: [
        '%DOWNSTREAM_DIRECT_REMOTE_ADDRESS%',
        '"%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%"',
        'code=%RESPONSE_CODE% flags=%RESPONSE_FLAGS% details=%RESPONSE_CODE_DETAILS%',
        'received=%BYTES_RECEIVED% sent=%BYTES_SENT%',
        'route=%ROUTE_NAME% cluster=%UPSTREAM_CLUSTER% host=%UPSTREAM_HOST%',
        'attempts=%UPSTREAM_REQUEST_ATTEMPT_COUNT% upstream=%UPSTREAM_PROTOCOL%',
        'failure=%UPSTREAM_TRANSPORT_FAILURE_REASON%',
        'client=%DOWNSTREAM_REMOTE_ADDRESS% authority=%REQ(:AUTHORITY)%\n',
      ].join(' '),
    },
  },
};
