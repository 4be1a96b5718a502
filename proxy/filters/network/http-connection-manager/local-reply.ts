// Replies that the proxy makes itself.
import type { FormatContext } from '../../../formatter/formatter.ts';
import { HeaderList } from '../../../http/header-list.ts';
import { HEADER_ID } from '../../../http/header-names.ts';
import { type RequestHead, ResponseHead } from '../../../http/message.ts';
import type { ProtocolError } from '../../../http/protocol-error.ts';
import { reasonPhrase } from '../../../http/status.ts';
import { finalizeResponseHead } from '../../../routing/finalize-head.ts';
import type { Route } from '../../../routing/route-table.ts';
import type { LocalReply } from '../../http-filter.ts';

const GRPC_TYPE = 'application/grpc';
/** gRPC's «HTTP to gRPC Status Code Mapping»; what is not in it is UNKNOWN. */
const UNKNOWN = 2;
const GRPC_STATUS: ReadonlyMap<number, number> = new Map([
  [400, 13],
  [401, 16],
  [403, 7],
  [404, 12],
  [429, 14],
  [502, 14],
  [503, 14],
  [504, 14],
]);

/** The stream that is answered. */
export interface AnsweredStream extends FormatContext {
  readonly route: Route | null;
  response: ResponseHead | null;
}

/** Makes the response of a reply, with what the route does to it; a `body` of '' is none. */
export function composeLocalReply(
  stream: AnsweredStream,
  reply: LocalReply,
): { readonly head: ResponseHead; readonly body: string } {
  const head = localReplyHead(reply);
  stream.response = head;
  if (stream.route !== null) finalizeResponseHead(stream.route, head, stream);
  const { request } = stream;
  const isHead = request !== null && request.method === 'HEAD';
  const body = isHead ? '' : reply.body;
  if (request === null || !isGrpcRequest(request)) return { head, body };
  tellInGrpc(head, reply.status, body);
  return { head, body: '' };
}

/** Filters hold more of a response than per_connection_buffer_limit_bytes. */
export const RESPONSE_TOO_LARGE: LocalReply = Object.freeze({
  status: 500,
  body: 'Internal Server Error',
  details: 'response_payload_too_large',
  flag: null,
  headers: null,
});

/** The answer to what is not HTTP: the status's own phrase. */
export function protocolErrorReply(error: ProtocolError): LocalReply {
  return {
    status: error.status,
    body: reasonPhrase(error.status),
    details: error.details,
    flag: null,
    headers: null,
  };
}

/** A reply without body. */
export function emptyReply(status: number, details: string): LocalReply {
  return { status, body: '', details, flag: null, headers: null };
}

/** True when the client speaks gRPC: it looks for an error in `grpc-status`, not in the status. */
export function isGrpcRequest(request: RequestHead): boolean {
  const type = request.headers.get(HEADER_ID['content-type']);
  return type !== null && (type === GRPC_TYPE || type.startsWith(`${GRPC_TYPE}+`));
}

/** The head of a reply: length and type for a body, nothing for an empty one. */
function localReplyHead(reply: LocalReply): ResponseHead {
  const headers = reply.headers ?? HeaderList.empty();
  if (reply.body !== '') {
    headers.setKnown(HEADER_ID['content-length'], String(Buffer.byteLength(reply.body)));
    if (!headers.mayHave(HEADER_ID['content-type'])) {
      headers.addKnown(HEADER_ID['content-type'], 'text/plain');
    }
  }
  return new ResponseHead(reply.status, headers);
}

function tellInGrpc(head: ResponseHead, status: number, message: string): void {
  const { headers } = head;
  head.status = 200;
  headers.removeKnown(HEADER_ID['content-length']);
  headers.setKnown(HEADER_ID['content-type'], GRPC_TYPE);
  headers.setKnown(HEADER_ID['grpc-status'], String(GRPC_STATUS.get(status) ?? UNKNOWN));
  if (message !== '') headers.setKnown(HEADER_ID['grpc-message'], percentEncoded(message));
}

/** gRPC over HTTP/2, Percent-Encoded: everything but visible ASCII and blanks, and `%`. */
function percentEncoded(text: string): string {
  let encoded = '';
  for (const byte of Buffer.from(text)) {
    const isPlain = byte >= 0x20 && byte <= 0x7e && byte !== 0x25;
    encoded += isPlain
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}
