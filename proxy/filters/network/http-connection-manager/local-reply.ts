// Replies that the proxy makes itself.
import { utf8Bytes } from '../../../formatter/byte-text.ts';
import { encodeGrpcMessage, GRPC_TYPE, grpcStatusOfHttp } from '../../../http/grpc.ts';
import { HeaderList } from '../../../http/header-list.ts';
import { HEADER_ID, headerMask } from '../../../http/header-names.ts';
import { ResponseHead } from '../../../http/message.ts';
import type { ProtocolError } from '../../../http/protocol-error.ts';
import { reasonPhrase } from '../../../http/status.ts';
import type { ResetReason } from '../../../http/stream.ts';
import { finalizeResponseHead } from '../../../routing/finalize-head.ts';
import { clusterOfRoute, type RoutedStream } from '../../http/route-cluster.ts';
import type { LocalReply } from '../../http-filter.ts';
import type { LocalReplyRewriter, RewrittenStream } from './local-reply-rewriter.ts';

const JSON_TYPE = 'application/json';
const NEWLINE = 0x0a;
const CONTENT_FIELDS = headerMask('content-length', 'content-type');

/** The stream that is answered. */
export interface AnsweredStream extends RewrittenStream, RoutedStream {
  readonly route: RoutedStream['route'];
  readonly runtime: { readonly localReplies: LocalReplyRewriter | null };
  response: ResponseHead | null;
  /** The client speaks gRPC: it looks for an error in `grpc-status`, not in the status. */
  isGrpc(): boolean;
}

/** A reply as it is sent. */
export interface ComposedReply {
  readonly head: ResponseHead;
  /** null: the head is all. */
  readonly content: Buffer | null;
}

/** The stream that a reply is sent on. */
export interface ReplyingStream extends AnsweredStream {
  readonly runtime: {
    readonly localReplies: LocalReplyRewriter | null;
    readonly outlivesBadRequests: boolean;
  };
  readonly client: { readonly hasStarted: boolean };
  readonly isOver: boolean;
  isAnswered: boolean;
  closeAfterResponse(): void;
  sendResponseHead(head: ResponseHead, endStream: boolean): void;
  sendResponseData(data: Buffer, endStream: boolean): boolean;
  resetStream(reason: ResetReason, details: string): void;
}

/** Answers, or resets the stream if a response has begun. */
export function answerLocally(stream: ReplyingStream, reply: LocalReply): void {
  const { info } = stream;
  if (stream.client.hasStarted) {
    if (reply.flag !== null) info.addFlag(reply.flag);
    stream.resetStream('local-reset', reply.details);
    return;
  }
  info.responseCodeDetails = reply.details;
  stream.isAnswered = true;
  const { head, content } = composeLocalReply(stream, reply);
  // As Envoy: who is told that nothing of this is understood had better begin anew.
  if (reply.status === 400 && !stream.runtime.outlivesBadRequests) stream.closeAfterResponse();
  stream.sendResponseHead(head, content === null);
  if (content !== null && !stream.isOver) stream.sendResponseData(content, true);
}

/** Makes the response of a reply, with what the route and local_reply_config do to it. */
export function composeLocalReply(stream: AnsweredStream, reply: LocalReply): ComposedReply {
  const { flag } = reply;
  // As Envoy: an error of the codec is flagged for the log, where rewriting does not see it.
  const isCodecError = flag === 'DPE';
  if (flag !== null && !isCodecError) stream.info.addFlag(flag);
  const body = bodyOf(stream, reply);
  const head = new ResponseHead(reply.status, reply.headers ?? HeaderList.empty());
  stream.response = head;
  noteCluster(stream);
  if (reply.isFinal === true) return { head, content: null };
  if (stream.route !== null) finalizeResponseHead(stream.route, head, stream);
  const type = reply.bodyFormat?.contentType ?? '';
  if (type !== '') head.headers.setKnown(HEADER_ID['content-type'], type);
  const { localReplies } = stream.runtime;
  const content =
    localReplies === null ? plainContent(head, body) : rewrittenContent(localReplies, stream, body);
  if (isCodecError) stream.info.addFlag(flag);
  const { request } = stream;
  const shown = request === null || request.method !== 'HEAD' ? content : null;
  if (!stream.isGrpc()) return { head, content: shown };
  if (reply.grpcStatus !== undefined) {
    head.headers.setKnown(HEADER_ID['grpc-status'], String(reply.grpcStatus));
  }
  tellInGrpc(head, shown);
  return { head, content: null };
}

/** As Envoy: a cluster that a filter kept the request from is in the log nevertheless. */
function noteCluster(stream: AnsweredStream): void {
  const { request, info } = stream;
  if (request === null || info.clusterName !== '') return;
  const cluster = clusterOfRoute(stream, request);
  if (cluster !== null) info.clusterName = cluster.config.name;
}

/** The reply's own body, as a byte string. */
function bodyOf(stream: AnsweredStream, { body, bodyFormat }: LocalReply): string {
  if (bodyFormat === undefined) return body === '' ? '' : utf8Bytes(body);
  stream.localReplyBody = utf8Bytes(body);
  const bytes = bodyFormat.formatter.format(stream);
  stream.localReplyBody = '';
  return bytes;
}

/** The body as it is; its length and type go into the head. */
function plainContent(head: ResponseHead, body: string): Buffer | null {
  if (body === '') return withoutContent(head);
  const content = withLength(head, Buffer.from(body, 'latin1'));
  if (!head.headers.mayHave(HEADER_ID['content-type'])) {
    head.headers.addKnown(HEADER_ID['content-type'], 'text/plain');
  }
  return content;
}

/** The body as local_reply_config wants it. */
function rewrittenContent(
  localReplies: LocalReplyRewriter,
  stream: AnsweredStream,
  body: string,
): Buffer | null {
  const head = stream.response as ResponseHead;
  const { headers } = head;
  const typeId = HEADER_ID['content-type'];
  const type = headers.get(typeId);
  const before = body;
  const { bytes, contentType } = localReplies.rewrite(stream, head, before);
  if (bytes === '') return withoutContent(head);
  // A type that a mapper set stays; any other is that of the body as it was.
  const isOwnType = headers.get(typeId) !== type;
  const content = withLength(head, Buffer.from(bytes, 'latin1'));
  if (!isOwnType && (bytes !== before || type === null)) headers.setKnown(typeId, contentType);
  return content;
}

function withLength({ headers }: ResponseHead, content: Buffer): Buffer {
  headers.setKnown(HEADER_ID['content-length'], String(content.length));
  return content;
}

/** Whatever route or mapper said about a body: there is none. */
function withoutContent({ headers }: ResponseHead): null {
  headers.removeAny(CONTENT_FIELDS);
  return null;
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
    flag: 'DPE',
    headers: null,
  };
}

/** A reply without body. */
export function emptyReply(status: number, details: string): LocalReply {
  return { status, body: '', details, flag: null, headers: null };
}

function tellInGrpc(head: ResponseHead, message: Buffer | null): void {
  const { headers } = head;
  const statusId = HEADER_ID['grpc-status'];
  const isJson = headers.get(HEADER_ID['content-type']) === JSON_TYPE;
  headers.removeKnown(HEADER_ID['content-length']);
  headers.setKnown(HEADER_ID['content-type'], GRPC_TYPE);
  if (!headers.mayHave(statusId)) {
    headers.setKnown(statusId, String(grpcStatusOfHttp(head.status)));
  }
  head.status = 200;
  if (message !== null)
    headers.setKnown(
      HEADER_ID['grpc-message'],
      encodeGrpcMessage(isJson ? withoutNewline(message) : message),
    );
}

/** A format of JSON ends its text with a newline, which is no part of the message. */
function withoutNewline(text: Buffer): Buffer {
  return text.at(-1) === NEWLINE ? text.subarray(0, -1) : text;
}
