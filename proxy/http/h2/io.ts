// What an HTTP/2 codec is given besides its options: where octets go, time, and cells to count in.
import type { ByteSink, CodecServices } from '../codec.ts';
import type { H2Counters } from './counters.ts';

/** The surroundings of one connection's codec. */
export interface H2Io {
  readonly sink: ByteSink;
  readonly services: CodecServices;
  readonly counters: H2Counters;
}
