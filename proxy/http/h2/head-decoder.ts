// Field blocks of HTTP/2 as heads and trailers: HPACK, then the rules of RFC 9113 §8. HPACK's state
// belongs to the connection, so a block is always decoded to its end, whatever becomes of it.
import type { HeaderList } from '../header-list.ts';
import type { RequestHead, ResponseHead } from '../message.ts';
import type { ProtocolError } from '../protocol-error.ts';

/** One per connection. What a `take…` gives stands for the block that was decoded last. */
export interface HeadDecoder {
  /**
   * Decodes the complete block in `buffer[start, end)`. The error is the connection's
   * (COMPRESSION_ERROR); those of the message are told by the `take…` methods.
   */
  decode(buffer: Buffer, start: number, end: number): ProtocolError | null;
  /** Names, values and three octets a field of the last block, as Envoy counts header bytes. */
  readonly fieldOctets: number;
  /** content-length of the last block, checked; -1: none. */
  readonly contentLength: number;
  /** Fields dropped because of an underscore in their name, over all blocks. */
  readonly droppedHeadersWithUnderscores: number;
  /**
   * The peer acknowledged our SETTINGS: its blocks keep to our table size from now on (RFC 7541
   * §4.2). Until then it may go by the default.
   */
  settingsAcknowledged(): void;
  /** The error's scope is the stream. */
  takeRequest(): RequestHead | ProtocolError;
  takeResponse(): ResponseHead | ProtocolError;
  takeTrailers(): HeaderList | ProtocolError;
}

/** Heads and trailers as field blocks; one per connection. */
export interface HeadEncoder {
  /** Octets of the block that was encoded last: `buffer[0, length)`, valid until the next call. */
  readonly buffer: Buffer;
  readonly length: number;
  encodeRequest(head: RequestHead): void;
  encodeResponse(head: ResponseHead): void;
  encodeTrailers(trailers: HeaderList): void;
  /** The peer's SETTINGS_HEADER_TABLE_SIZE. */
  setMaxTableSize(octets: number): void;
}
