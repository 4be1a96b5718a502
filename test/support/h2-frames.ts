// HTTP/2 frames for test peers: any frame can be made, also those that no sane peer sends.
import { encodeFields, type Field } from './h2-hpack.ts';

/** What a client sends first (RFC 9113 §3.4). */
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1');

/** Frame types by name. */
export const TYPE = {
  DATA: 0,
  HEADERS: 1,
  PRIORITY: 2,
  RST_STREAM: 3,
  SETTINGS: 4,
  PUSH_PROMISE: 5,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const;

/** Flags by name; ACK has the value of END_STREAM. */
export const FLAG = { ACK: 1, END_STREAM: 1, END_HEADERS: 4, PADDED: 8, PRIORITY: 32 } as const;

/** Settings by name (RFC 9113 §6.5.2, RFC 8441 §3). */
export const SETTING = {
  HEADER_TABLE_SIZE: 1,
  ENABLE_PUSH: 2,
  MAX_CONCURRENT_STREAMS: 3,
  INITIAL_WINDOW_SIZE: 4,
  MAX_FRAME_SIZE: 5,
  MAX_HEADER_LIST_SIZE: 6,
  ENABLE_CONNECT_PROTOCOL: 8,
} as const;

/** Error codes in the order of their numbers (RFC 9113 §7). */
const ERROR_NAMES = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
] as const;

/** Name of an error code. */
export type ErrorName = (typeof ERROR_NAMES)[number];

/** Name of an error code; its number where it has none. */
export function errorName(code: number): string {
  return ERROR_NAMES[code] ?? String(code);
}

/** One frame as it was on the wire. */
export interface Frame {
  readonly type: number;
  readonly flags: number;
  readonly streamId: number;
  readonly payload: Buffer;
}

const HEADER_LENGTH = 9;

/** Any frame. */
export function frame(type: number, flags: number, streamId: number, payload?: Buffer): Buffer {
  const content = payload ?? Buffer.alloc(0);
  const header = Buffer.alloc(HEADER_LENGTH);
  header.writeUIntBE(content.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  header.writeUInt32BE(streamId >>> 0, 5);
  return Buffer.concat([header, content]);
}

/** SETTINGS with pairs of identifier and value. */
export function settingsFrame(settings: readonly (readonly [number, number])[] = []): Buffer {
  const payload = Buffer.alloc(settings.length * 6);
  for (const [index, [identifier, value]] of settings.entries()) {
    payload.writeUInt16BE(identifier, index * 6);
    payload.writeUInt32BE(value, index * 6 + 2);
  }
  return frame(TYPE.SETTINGS, 0, 0, payload);
}

/** Acknowledges SETTINGS. */
export function settingsAck(): Buffer {
  return frame(TYPE.SETTINGS, FLAG.ACK, 0);
}

/** HEADERS with a whole field block. */
export function headersFrame(
  streamId: number,
  fields: readonly Field[] | Buffer,
  flags: number = FLAG.END_HEADERS,
): Buffer {
  const block = Buffer.isBuffer(fields) ? fields : encodeFields(fields);
  return frame(TYPE.HEADERS, flags, streamId, block);
}

/** HEADERS and as many CONTINUATION frames as it takes with fragments of `size`. */
export function splitHeaders(
  streamId: number,
  fields: readonly Field[],
  options: { readonly size?: number; readonly endStream?: boolean } = {},
): Buffer {
  const block = encodeFields(fields);
  const size = options.size ?? 16_384;
  const frames: Buffer[] = [];
  for (let at = 0; at === 0 || at < block.length; at += size) {
    const last = at + size >= block.length ? FLAG.END_HEADERS : 0;
    const first = at === 0 && options.endStream === true ? FLAG.END_STREAM : 0;
    const type = at === 0 ? TYPE.HEADERS : TYPE.CONTINUATION;
    frames.push(frame(type, last | first, streamId, block.subarray(at, at + size)));
  }
  return Buffer.concat(frames);
}

/** DATA of latin1 text or octets. */
export function dataFrame(streamId: number, data: string | Buffer, endStream = false): Buffer {
  const octets = typeof data === 'string' ? Buffer.from(data, 'latin1') : data;
  return frame(TYPE.DATA, endStream ? FLAG.END_STREAM : 0, streamId, octets);
}

/** RST_STREAM. */
export function resetFrame(streamId: number, error: ErrorName | number): Buffer {
  return frame(TYPE.RST_STREAM, 0, streamId, uint32(errorNumber(error)));
}

/** PING with eight octets. */
export function pingFrame(opaque = '01234567', flags = 0): Buffer {
  return frame(TYPE.PING, flags, 0, Buffer.from(opaque, 'latin1'));
}

/** GOAWAY. */
export function goawayFrame(lastStreamId: number, error: ErrorName | number, text = ''): Buffer {
  const debug = Buffer.from(text, 'latin1');
  const payload = Buffer.concat([uint32(lastStreamId), uint32(errorNumber(error)), debug]);
  return frame(TYPE.GOAWAY, 0, 0, payload);
}

/** WINDOW_UPDATE. */
export function windowFrame(streamId: number, increment: number): Buffer {
  return frame(TYPE.WINDOW_UPDATE, 0, streamId, uint32(increment));
}

function errorNumber(error: ErrorName | number): number {
  return typeof error === 'number' ? error : ERROR_NAMES.indexOf(error);
}

function uint32(value: number): Buffer {
  const octets = Buffer.alloc(4);
  octets.writeUInt32BE(value >>> 0);
  return octets;
}

/** Cuts what arrives into frames. */
export class FrameReader {
  #rest: Buffer = Buffer.alloc(0);

  /** Octets of a frame that is not complete. */
  get rest(): Buffer {
    return this.#rest;
  }

  read(data: Buffer): readonly Frame[] {
    let rest = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
    const frames: Frame[] = [];
    while (rest.length >= HEADER_LENGTH) {
      const end = HEADER_LENGTH + rest.readUIntBE(0, 3);
      if (rest.length < end) break;
      frames.push({
        type: rest[3] as number,
        flags: rest[4] as number,
        streamId: rest.readUInt32BE(5),
        payload: rest.subarray(HEADER_LENGTH, end),
      });
      rest = rest.subarray(end);
    }
    this.#rest = rest;
    return frames;
  }
}

/** Pairs of a SETTINGS payload. */
export function settingsOf(payload: Buffer): readonly (readonly [number, number])[] {
  const pairs: [number, number][] = [];
  for (let at = 0; at + 6 <= payload.length; at += 6) {
    pairs.push([payload.readUInt16BE(at), payload.readUInt32BE(at + 2)]);
  }
  return pairs;
}

/** Content without padding and, in HEADERS, without priority. */
export function contentOf({ type, flags, payload }: Frame): Buffer {
  const padding = (flags & FLAG.PADDED) === 0 ? 0 : (payload[0] ?? 0);
  let from = (flags & FLAG.PADDED) === 0 ? 0 : 1;
  if (type === TYPE.HEADERS && (flags & FLAG.PRIORITY) !== 0) from += 5;
  return payload.subarray(from, payload.length - padding);
}

/** A frame as a line of text: `RST_STREAM 1 CANCEL`, `SETTINGS 3=100`. Field blocks by length. */
export function frameText(frame: Frame): string {
  const { type, flags, streamId, payload } = frame;
  const name = Object.keys(TYPE).find((key) => TYPE[key as keyof typeof TYPE] === type);
  const end = (flags & FLAG.END_STREAM) === 0 ? '' : ' END_STREAM';
  switch (type) {
    case TYPE.SETTINGS: {
      const pairs = settingsOf(payload).map(([identifier, value]) => ` ${identifier}=${value}`);
      return (flags & FLAG.ACK) === 0 ? `SETTINGS${pairs.join('')}` : 'SETTINGS ACK';
    }
    case TYPE.PING:
      return (flags & FLAG.ACK) === 0 ? 'PING' : 'PING ACK';
    case TYPE.GOAWAY: {
      const debug = payload.subarray(8).toString('latin1');
      const error = errorName(payload.readUInt32BE(4));
      return `GOAWAY ${payload.readUInt32BE(0)} ${error}${debug === '' ? '' : ` ${debug}`}`;
    }
    case TYPE.WINDOW_UPDATE:
      return `WINDOW_UPDATE ${streamId} +${payload.readUInt32BE(0)}`;
    case TYPE.RST_STREAM:
      return `RST_STREAM ${streamId} ${errorName(payload.readUInt32BE(0))}`;
    default:
      return `${name ?? `type ${type}`} ${streamId} ${contentOf(frame).length}${end}`;
  }
}
