// The two messages of grpc.health.v1.Health/Check in their gRPC frames: one text out, one number in.

const FRAME_HEAD_BYTES = 5;
/** HealthCheckRequest.service: field 1, length-delimited. */
const SERVICE_TAG = 0x0a;
/** HealthCheckResponse.status: field 1, varint. */
const STATUS_TAG = 0x08;
const SERVING = 1;
/** A HealthCheckResponse has two or three octets; what is longer is no answer to our question. */
const MAX_RESPONSE_BYTES = 4096;

/** A HealthCheckRequest in its frame. */
export function healthRequest(service: string): Buffer {
  const name = Buffer.from(service);
  const message = name.length === 0 ? name : Buffer.concat([lengthPrefix(name.length), name]);
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

function lengthPrefix(length: number): Buffer {
  const bytes = [SERVICE_TAG];
  let rest = length;
  while (rest > 0x7f) {
    bytes.push((rest & 0x7f) | 0x80);
    rest >>>= 7;
  }
  bytes.push(rest);
  return Buffer.from(bytes);
}

/** Reads one HealthCheckResponse, in whatever pieces it comes. */
export class GrpcHealthReader {
  #bytes: Buffer = Buffer.alloc(0);
  #status: number | null = null;

  /** The host says that it is healthy. */
  get isServing(): boolean {
    return this.#status === SERVING;
  }

  /** Takes in content; false: it is no answer. `data` is borrowed. */
  add(data: Buffer): boolean {
    if (this.#bytes.length + data.length > MAX_RESPONSE_BYTES) return false;
    this.#bytes = Buffer.concat([this.#bytes, data]);
    while (this.#bytes.length >= FRAME_HEAD_BYTES) {
      const length = this.#bytes.readUInt32BE(1);
      if (length > MAX_RESPONSE_BYTES) return false;
      const end = FRAME_HEAD_BYTES + length;
      if (this.#bytes.length < end) return true;
      const message = this.#bytes.subarray(FRAME_HEAD_BYTES, end);
      if (!this.#take(this.#bytes[0] as number, message)) return false;
      this.#bytes = this.#bytes.subarray(end);
    }
    return true;
  }

  #take(flags: number, message: Buffer): boolean {
    // As Envoy: an empty message says nothing.
    if (message.length === 0) return true;
    const isSecond = this.#status !== null;
    if (isSecond || flags !== 0) return false;
    this.#status = readStatus(message);
    return this.#status !== null;
  }
}

/** The last status in a message; 0 (UNKNOWN) without one, null when it is malformed. */
function readStatus(message: Buffer): number | null {
  let status = 0;
  let at = 0;
  while (at < message.length) {
    const tag = readVarint(message, at);
    if (tag === null) return null;
    const field = fieldEnd(message, tag);
    if (field === null) return null;
    if (tag.value === STATUS_TAG) status = readVarint(message, tag.end)?.value ?? 0;
    at = field;
  }
  return status;
}

interface Varint {
  readonly value: number;
  readonly end: number;
}

function readVarint(message: Buffer, from: number): Varint | null {
  let value = 0;
  for (let index = 0; index < 10; index += 1) {
    const octet = message[from + index];
    if (octet === undefined) return null;
    value += (octet & 0x7f) * 2 ** (7 * index);
    if (octet < 0x80) return { value, end: from + index + 1 };
  }
  return null;
}

/** Where a field ends whose tag was read; null: it does not, or it is none. */
function fieldEnd(message: Buffer, tag: Varint): number | null {
  const end = endOfValue(message, tag);
  return end === null || end > message.length ? null : end;
}

function endOfValue(message: Buffer, { value: tag, end: from }: Varint): number | null {
  switch (tag % 8) {
    case 0:
      return readVarint(message, from)?.end ?? null;
    case 1:
      return from + 8;
    case 2: {
      const length = readVarint(message, from);
      return length === null ? null : length.end + length.value;
    }
    case 5:
      return from + 4;
    default:
      return null;
  }
}
