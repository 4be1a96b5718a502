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

/** The errors by the rule that was broken. */
export const H2_HEAD_ERROR = Object.freeze({
  name: badField('empty field name, or one with an upper-case or invalid character'),
  value: badField('invalid character, or a blank at an edge, in a field value'),
  connectionField: badField('connection-specific field'),
  te: badField('te other than trailers'),
  pseudoValue: badField('invalid value of a pseudo-field'),
  host: badField('invalid host'),
  contentLength: badField('content-length is no decimal number, or too large'),
  repeatedLength: badMessage('more than one content-length'),
  unknownPseudo: badField('unknown pseudo-field'),
  repeatedPseudo: badMessage('pseudo-field that came before'),
  latePseudo: badMessage('pseudo-field behind a regular one'),
  missingPseudo: badMessage('a required pseudo-field is missing, or one that must not be there is'),
  trailerPseudo: badMessage('pseudo-field in trailers'),
  connect: badMessage('CONNECT needs :authority with a port, and neither :scheme nor :path'),
  protocol: badMessage(':protocol that is not allowed here'),
  star: badMessage(':path * of a method other than OPTIONS'),
  hosts: badMessage('several host fields, or one that contradicts :authority'),
  status: badMessage(':status 101'),
  bodyless: badMessage('content-length above 0 in a 1xx or 204 response'),
  underscore: define(PROTOCOL_ERROR, 400, 'http2.unexpected_underscore', 'underscore in a name'),
  tooLarge: define(
    INTERNAL_ERROR,
    431,
    'http2.too_many_headers',
    'names and values of a message, or their number, are above their limit',
  ),
});
