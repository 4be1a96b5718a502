// A server's HTTP/2 connection without the socket.
import type { ServerCodec, ServerCodecHandler } from '../codec.ts';
import type { H2Io } from './io.ts';
import type { H2ServerOptions } from './options.ts';

/** HTTP/2 for a listener. */
export class H2ServerCodec implements ServerCodec {
  readonly protocol = 'HTTP/2';
  activeStreams = 0;
  droppedHeadersWithUnderscores = 0;

  constructor(_options: H2ServerOptions, _io: H2Io, _handler: ServerCodecHandler) {}

  onBytes(_buffer: Buffer, _start: number, _end: number): void {}
  onEnd(): void {}
  onClose(_detail: string): void {}
  onDrain(): void {}
  announceDrain(): void {}
  drain(): void {}
}
