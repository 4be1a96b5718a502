// A client's HTTP/2 connection without the socket.
import type { ClientCodec, ClientCodecHandler } from '../codec.ts';
import type { RequestSender, ResponseReceiver } from '../stream.ts';
import type { H2Io } from './io.ts';
import type { H2Options } from './options.ts';

/** HTTP/2 towards an upstream. */
export class H2ClientCodec implements ClientCodec {
  readonly protocol = 'HTTP/2';
  activeStreams = 0;
  availableStreams = 0;
  peerStreamLimit = -1;
  isGoingAway = false;

  constructor(_options: H2Options, _io: H2Io, _handler: ClientCodecHandler) {}

  openStream(_receiver: ResponseReceiver): RequestSender {
    throw new Error('no stream is available');
  }

  onBytes(_buffer: Buffer, _start: number, _end: number): void {}
  onEnd(): void {}
  onClose(_detail: string): void {}
  onDrain(): void {}
}
