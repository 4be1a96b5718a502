// Stands for the codec of a connection that has yet to choose its protocol: there is nothing to say.
import type { ClientCodec } from '../../http/codec.ts';
import type { RequestSender } from '../../http/stream.ts';

/** Of all such connections: it keeps nothing. */
export const UNDECIDED_CODEC: ClientCodec = Object.freeze({
  protocol: null,
  activeStreams: 0,
  availableStreams: 0,
  peerStreamLimit: -1,
  isGoingAway: false,
  onBytes: nothing,
  onEnd: nothing,
  onClose: nothing,
  onDrain: nothing,
  openStream,
});

function nothing(): void {
  // Nobody is there who could be told.
}

function openStream(): RequestSender {
  throw new Error('a connection without a protocol takes no streams');
}
