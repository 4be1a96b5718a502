// gRPC messages as octets in latin1 text, for tests that lay out what is on the wire.

/** A frame: flags, length, message. */
export function grpcFrame(message: string, flags = 0): string {
  const prefix = Buffer.alloc(5);
  prefix[0] = flags;
  prefix.writeUInt32BE(message.length, 1);
  return prefix.toString('latin1') + message;
}

/** Latin1 text in base64. */
export function base64Text(octets: string): string {
  return Buffer.from(octets, 'latin1').toString('base64');
}

/** Chunks of HTTP/1.1 with trailers behind the last one, as `name: value` lines. */
export function chunkedText(pieces: readonly string[], trailers: readonly string[] = []): string {
  const chunks = pieces.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`).join('');
  return `${chunks}0\r\n${trailers.map((line) => `${line}\r\n`).join('')}\r\n`;
}
