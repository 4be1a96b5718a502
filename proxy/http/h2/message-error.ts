// What a message that breaks the rules costs the peer: its stream, or the connection.
import type { ProtocolError } from '../protocol-error.ts';
import { codecErrorDetails } from './errors.ts';
import { H2_HEAD_ERROR } from './head-errors.ts';
import type { SessionCore } from './session-core.ts';
import type { H2Stream } from './stream.ts';

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
  if (error === H2_HEAD_ERROR.tooLarge) {
    counters.headerOverflow.inc();
    session.sendReset(stream, error.h2Code);
    session.end(stream, 'remote-reset', error.details);
    return session.role.onErrorReset();
  }
  if (error === H2_HEAD_ERROR.underscore) {
    counters.requestsRejectedWithUnderscoresInHeaders.inc();
    return session.streamError(stream, error);
  }
  counters.rxMessagingError.inc();
  if (session.options.protocol.streamErrorOnInvalidHttpMessage) {
    return session.streamError(stream, error);
  }
  session.end(stream, 'protocol-error', error.details);
  return { ...error, scope: 'connection', details: codecErrorDetails(error.reason) };
}
