// Trailers of either side's messages.
import { HeaderList } from '../header-list.ts';
import type { ProtocolError } from '../protocol-error.ts';
import { H2_MESSAGE_ERROR, H2_STREAM_ERROR } from './errors.ts';
import { rejectMessage } from './message-error.ts';
import type { SessionCore } from './session-core.ts';
import type { H2Stream } from './stream.ts';

/** Takes the block that was decoded last as a stream's trailers; the error is the connection's. */
export function takeTrailers(
  session: SessionCore,
  stream: H2Stream,
  endStream: boolean,
): ProtocolError | null {
  const trailers = session.decoder.takeTrailers();
  if (!(trailers instanceof HeaderList)) return rejectMessage(session, stream, trailers);
  if (!endStream) return rejectMessage(session, stream, H2_MESSAGE_ERROR.trailersWithoutEnd);
  if (stream.lengthToCome > 0) return session.streamError(stream, H2_STREAM_ERROR.contentLength);
  // Envoy counts those of requests.
  if (!session.role.isClient) session.io.counters.trailers.inc();
  stream.closeRemote();
  stream.inputTrailers = trailers;
  session.inbound.deliverTrailers(stream);
  return null;
}
