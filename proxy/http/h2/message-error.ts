// What a message that breaks the rules costs the peer: its stream, or the connection.
import type { ProtocolError } from '../protocol-error.ts';
import { codecErrorDetails } from './errors.ts';
import { H2_HEAD_ERROR } from './head-errors.ts';
import type { SessionCore } from './session-core.ts';
import type { H2Stream } from './stream.ts';

/** Errors that never cost more than their stream. */
const LIMITS: ReadonlySet<ProtocolError> = new Set([
  H2_HEAD_ERROR.tooLarge,
  H2_HEAD_ERROR.tooMany,
  H2_HEAD_ERROR.underscore,
]);

/**
 * Ends the stream of a malformed message; gives the error that ends the connection, or null. As
 * Envoy: limits and underscores cost the stream, other errors the connection too unless
 * override_stream_error_on_invalid_http_message is set.
 */
export function rejectMessage(
  session: SessionCore,
  stream: H2Stream,
  error: ProtocolError,
): ProtocolError | null {
  const { counters } = session.io;
  if (LIMITS.has(error)) {
    if (error === H2_HEAD_ERROR.tooMany) counters.headerOverflow.inc();
    if (error === H2_HEAD_ERROR.tooLarge) counters.headerListSizeTooLarge.inc();
    if (error === H2_HEAD_ERROR.underscore) counters.requestsRejectedWithUnderscoresInHeaders.inc();
    session.sendReset(stream, error.h2Code);
    // To Envoy such a stream was reset by its peer.
    session.end(stream, 'remote-reset', error.details);
    return session.role.onErrorReset();
  }
  counters.rxMessagingError.inc();
  if (session.options.protocol.streamErrorOnInvalidHttpMessage) {
    return session.streamError(stream, error);
  }
  session.end(stream, 'protocol-error', error.details);
  return { ...error, scope: 'connection', details: codecErrorDetails(error.reason) };
}
