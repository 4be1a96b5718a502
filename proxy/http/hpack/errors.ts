// Every way in which a peer can break HPACK, as frozen values. The table's state is lost with any
// of them, so each ends the connection (RFC 9113 §4.3).
import type { ProtocolError } from '../protocol-error.ts';

const COMPRESSION_ERROR = 0x9;
const ENHANCE_YOUR_CALM = 0xb;

function define(h2Code: number, reason: string): ProtocolError {
  return Object.freeze({
    scope: 'connection',
    status: 400,
    h2Code,
    // What Envoy's codec says of a block that it cannot decode.
    details: 'codec_error:The_user_callback_function_failed',
    reason,
  } as const);
}

/** The errors by the rule of RFC 7541 that was broken. */
export const HPACK_ERROR = Object.freeze({
  truncated: define(COMPRESSION_ERROR, 'field block ends inside a field'),
  integer: define(COMPRESSION_ERROR, 'integer in a field block is too large or too long'),
  index: define(COMPRESSION_ERROR, 'index beyond the end of the tables, or 0'),
  huffman: define(COMPRESSION_ERROR, 'Huffman code with EOS or wrong padding'),
  lateSizeUpdate: define(COMPRESSION_ERROR, 'table size update behind a field'),
  sizeUpdate: define(COMPRESSION_ERROR, 'table size update above the announced size'),
  missingSizeUpdate: define(COMPRESSION_ERROR, 'no table size update after the size was reduced'),
  expansion: define(ENHANCE_YOUR_CALM, 'field block expands far beyond the limit of a head'),
});
