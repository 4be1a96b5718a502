// The media types of gRPC-Web, and its frame of trailers.
import type { HeaderList } from '../../../http/header-list.ts';

const BINARY = 'application/grpc-web';
const TEXT = 'application/grpc-web-text';
/** What clients are answered with. */
export const BINARY_PROTO = `${BINARY}+proto`;
export const TEXT_PROTO = `${TEXT}+proto`;

/** Flag of a frame that holds trailers (gRPC-Web, «Message framing»). */
const TRAILERS_FLAG = 0x80;
const PREFIX_BYTES = 5;

/** How a client encodes its messages, or wants ours; null: it is not gRPC-Web. */
export type WebEncoding = 'binary' | 'text';

/** By the exact media type, as Envoy. */
export function webEncodingOf(type: string | null): WebEncoding | null {
  if (type === BINARY || type === BINARY_PROTO) return 'binary';
  return type === TEXT || type === TEXT_PROTO ? 'text' : null;
}

/** True when an upstream answered in binary gRPC-Web itself; parameters do not count. */
export function isWebResponseType(type: string | null): boolean {
  if (type === null) return false;
  const semicolon = type.indexOf(';');
  const media = (semicolon === -1 ? type : type.slice(0, semicolon)).trimEnd().toLowerCase();
  return media === BINARY || media === BINARY_PROTO;
}

/** Trailers as a frame: `name:value` lines. */
export function trailersFrame(trailers: HeaderList): Buffer {
  let lines = '';
  for (let index = 0; index < trailers.length; index += 1) {
    const name = trailers.nameAt(index);
    if (name !== '') lines += `${name}:${trailers.valueAt(index)}\r\n`;
  }
  const frame = Buffer.alloc(PREFIX_BYTES + lines.length);
  frame[0] = TRAILERS_FLAG;
  frame.writeUInt32BE(lines.length, 1);
  frame.write(lines, PREFIX_BYTES, 'latin1');
  return frame;
}
