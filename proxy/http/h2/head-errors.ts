// Every way in which a message of HTTP/2 can be malformed (RFC 9113 §8.1.1), as frozen values. They
// end a stream; whether they end the connection too is for the codec's options to say.
import type { ProtocolError } from '../protocol-error.ts';

const PROTOCOL_ERROR = 0x1;
const INTERNAL_ERROR = 0x2;

function define(h2Code: number, status: number, details: string, reason: string): ProtocolError {
  return Object.freeze({ scope: 'stream', status, h2Code, details, reason } as const);
}

function badField(reason: string): ProtocolError {
  return define(PROTOCOL_ERROR, 400, 'http2.invalid.header.field', reason);
}

function badMessage(reason: string): ProtocolError {
  return define(PROTOCOL_ERROR, 400, 'http2.violation.of.messaging.rule', reason);
}

/**
 * The errors by the rule that was broken. What one field shows is an invalid field, what takes a
 * look at several of them is a violation, as with Envoy.
 */
export const H2_HEAD_ERROR = Object.freeze({
  name: badField('empty field name, or one with an upper-case or invalid character'),
  value: badField('invalid character, or a blank at an edge, in a field value'),
  connectionField: badField('connection-specific field'),
  te: badField('te other than trailers'),
  pseudoValue: badField('invalid value of a pseudo-field'),
  unknownPseudo: badField('unknown pseudo-field, or one of the other kind of message'),
  repeatedPseudo: badField('pseudo-field that came before'),
  latePseudo: badField('pseudo-field behind a regular one'),
  trailerPseudo: badField('pseudo-field in trailers'),
  host: badField('invalid or repeated host'),
  contentLength: badField('content-length is no decimal number, too large, or repeated'),
  missingPseudo: badMessage('a required pseudo-field is missing, or one that must not be there is'),
  missingAuthority: badMessage('neither :authority nor host'),
  connect: badMessage('CONNECT needs :authority with a port, and neither :scheme nor :path'),
  protocol: badMessage(':protocol that is not allowed here'),
  path: badMessage(':path is neither origin-form nor the * of OPTIONS'),
  hostContradicts: badMessage('host contradicts :authority'),
  status: badMessage(':status 101'),
  bodyless: badMessage('content-length above 0 in a 1xx or 204 response'),
  underscore: define(INTERNAL_ERROR, 400, 'http2.unexpected_underscore', 'underscore in a name'),
  tooLarge: define(
    INTERNAL_ERROR,
    431,
    'http2.header_list_size_too_large',
    'names and values of a message are larger than their limit',
  ),
  tooMany: define(
    INTERNAL_ERROR,
    431,
    'http2.too_many_headers',
    'a message has more fields than their limit',
  ),
});
