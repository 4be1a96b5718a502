// Every way in which an HTTP/1.1 peer can be wrong, as frozen values: reporting one allocates
// nothing. Statuses are what a server answers; on a response the router turns all into 502.
import type { ProtocolError } from '../protocol-error.ts';

function define(status: number, details: string, reason: string): ProtocolError {
  return Object.freeze({
    scope: 'connection',
    status,
    h2Code: 0,
    details,
    reason,
  } as const);
}

function codecError(reason: string): ProtocolError {
  return define(400, 'http1.codec_error', reason);
}

/** The errors by the rule that was broken. */
export const H1_ERROR = Object.freeze({
  emptyLines: codecError('too many empty lines before the request line'),
  requestLine: codecError('malformed request line'),
  method: codecError('method is not a known one'),
  methodTooLong: define(501, 'http1.codec_error', 'method is longer than 64 octets'),
  target: codecError('invalid character or form in the request target'),
  url: define(400, 'http1.invalid_url', 'invalid absolute-form or authority-form target'),
  scheme: define(400, 'http1.invalid_scheme', 'the target has a scheme other than http and https'),
  httpsTarget: define(
    403,
    'http1.https_url_on_plaintext_connection',
    'a target with scheme https on a connection without TLS',
  ),
  majorVersion: define(505, 'http1.codec_error', 'HTTP major version is not 1'),
  lowVersion: define(426, 'low_version', 'HTTP/1.0 is not accepted'),
  statusLine: codecError('malformed status line'),
  name: codecError('invalid field name, or no colon behind it'),
  value: define(400, 'http1.invalid_characters', 'invalid character in a field value'),
  lineEnd: codecError('a line that does not end with CRLF'),
  fold: codecError('obsolete line folding'),
  underscore: define(400, 'http1.unexpected_underscore', 'underscore in a field name'),
  headTooLarge: define(431, 'http1.headers_too_large', 'head is larger than its limit'),
  tooManyFields: define(431, 'http1.too_many_headers', 'more fields than their limit'),
  trailersTooLarge: define(431, 'http1.trailers_too_large', 'trailers are larger than their limit'),
  tooManyTrailers: define(431, 'http1.too_many_trailers', 'more trailer fields than their limit'),
  host: define(
    400,
    'http.invalid_authority',
    'invalid, repeated or empty Host, or none beside an absolute-form target',
  ),
  contentLength: codecError('content-length is no decimal number, too large, or repeated'),
  lengthAndChunked: define(
    400,
    'http1.content_length_and_chunked_not_allowed',
    'both content-length and transfer-encoding',
  ),
  transferEncoding: define(
    501,
    'http1.invalid_transfer_encoding',
    'transfer-encoding is not exactly one «chunked»',
  ),
  transferEncodingVersion: codecError('transfer-encoding in an HTTP/1.0 message'),
  transferEncodingNotAllowed: define(
    400,
    'http1.transfer_encoding_not_allowed',
    'transfer-encoding in a 1xx or 204 response',
  ),
  contentLengthNotAllowed: define(
    400,
    'http1.content_length_not_allowed',
    'content-length above 0 in a 1xx or 204 response',
  ),
  bodyDisallowed: define(400, 'http1.body_disallowed', 'content-length above 0 on CONNECT'),
  expectation: define(417, 'http1.codec_error', 'an expectation other than 100-continue'),
  chunkSize: codecError('invalid chunk size'),
  chunkExtension: codecError('invalid chunk extension'),
  chunkOverhead: codecError('chunk lines longer than their limit'),
  chunkEnd: codecError('no CRLF behind chunk data'),
  pipelineOverflow: codecError('too much data behind a request that is not answered yet'),
  switchingProtocols: codecError('status 101 that nobody asked for'),
  websocketAccept: codecError('sec-websocket-accept that does not fit the key'),
  tooManyInformational: codecError('too many 1xx responses'),
  onlyInformational: codecError('connection closed behind a 1xx response'),
  premature: codecError('bytes from the upstream without a request'),
  surplus: codecError('bytes behind a complete response'),
  truncated: codecError('connection closed inside a response'),
});
