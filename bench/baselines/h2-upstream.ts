// The HTTP/2 back end of the benches: answers every complete request with the same octets. It reads
// frame headers only and keeps no state of streams, so that it is never what limits a proxy.
// Arguments: port, and `grpc` for a gRPC message with trailers instead of 90 octets.
import { createServer, type Socket } from 'node:net';

const PREFACE_LENGTH = 24;
const HEADER_LENGTH = 9;
const [DATA, HEADERS, SETTINGS, PING, WINDOW_UPDATE] = [0, 1, 4, 6, 8] as const;
const [ACK, END_STREAM, END_HEADERS] = [1, 1, 4] as const;
/** Of the connection's window of 65,535, given back in one. */
const CREDIT_STEP = 16_384;

function frame(type: number, flags: number, payload: Buffer): Buffer {
  const header = Buffer.alloc(HEADER_LENGTH);
  header.writeUIntBE(payload.length, 0, 3);
  header[3] = type;
  header[4] = flags;
  return Buffer.concat([header, payload]);
}

/** A literal field without indexing (RFC 7541 §6.2.2); texts are short. */
function literal(name: string, value: string): Buffer {
  const text = (content: string): Buffer =>
    Buffer.concat([Buffer.of(content.length), Buffer.from(content)]);
  return Buffer.concat([Buffer.of(0), text(name), text(value)]);
}

/** `:status: 200` out of the static table. */
const STATUS_200 = Buffer.of(0x88);

function plainAnswer(): readonly Buffer[] {
  const fields = [literal('content-type', 'text/plain'), literal('content-length', '90')];
  return [
    frame(HEADERS, END_HEADERS, Buffer.concat([STATUS_200, ...fields])),
    frame(DATA, END_STREAM, Buffer.alloc(90, 'x')),
  ];
}

function grpcAnswer(): readonly Buffer[] {
  const message = Buffer.concat([Buffer.of(0, 0, 0, 0, 20), Buffer.alloc(20, 'm')]);
  const head = Buffer.concat([STATUS_200, literal('content-type', 'application/grpc')]);
  return [
    frame(HEADERS, END_HEADERS, head),
    frame(DATA, 0, message),
    frame(HEADERS, END_HEADERS | END_STREAM, literal('grpc-status', '0')),
  ];
}

const FRAMES = process.argv[3] === 'grpc' ? grpcAnswer() : plainAnswer();
const ANSWER = Buffer.concat(FRAMES);
/** Where the stream's id goes. */
const ID_OFFSETS = FRAMES.map(
  (_, index) => FRAMES.slice(0, index).reduce((sum, { length }) => sum + length, 0) + 5,
);

function answers(streamIds: readonly number[]): Buffer {
  const octets = Buffer.allocUnsafe(streamIds.length * ANSWER.length);
  for (const [index, id] of streamIds.entries()) {
    const at = index * ANSWER.length;
    ANSWER.copy(octets, at);
    for (const offset of ID_OFFSETS) octets.writeUInt32BE(id, at + offset);
  }
  return octets;
}

class Backend {
  readonly #socket: Socket;
  #rest: Buffer = Buffer.alloc(0);
  #skip = PREFACE_LENGTH;
  #credit = 0;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.write(frame(SETTINGS, 0, Buffer.of(0, 3, 0, 0, 4, 0)));
    socket.on('error', () => socket.destroy());
    socket.on('data', (data: Buffer) => this.#onData(data));
  }

  #onData(data: Buffer): void {
    let rest = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data]);
    if (this.#skip > 0) {
      if (rest.length < this.#skip) {
        this.#rest = rest;
        return;
      }
      rest = rest.subarray(this.#skip);
      this.#skip = 0;
    }
    const complete: number[] = [];
    let at = 0;
    while (at + HEADER_LENGTH <= rest.length) {
      const end = at + HEADER_LENGTH + rest.readUIntBE(at, 3);
      if (end > rest.length) break;
      this.#onFrame(rest.subarray(at, end), complete);
      at = end;
    }
    this.#rest = rest.subarray(at);
    if (complete.length > 0) this.#socket.write(answers(complete));
  }

  #onFrame(octets: Buffer, complete: number[]): void {
    const [type, flags = 0] = [octets[3], octets[4]];
    if ((type === HEADERS || type === DATA) && (flags & END_STREAM) !== 0) {
      complete.push(octets.readUInt32BE(5));
    }
    if (type === DATA) this.#consume(octets.length - HEADER_LENGTH);
    if ((flags & ACK) !== 0) return;
    if (type === SETTINGS) this.#socket.write(frame(SETTINGS, ACK, Buffer.alloc(0)));
    if (type === PING) this.#socket.write(frame(PING, ACK, octets.subarray(HEADER_LENGTH)));
  }

  #consume(length: number): void {
    this.#credit += length;
    if (this.#credit < CREDIT_STEP) return;
    const increment = Buffer.alloc(4);
    increment.writeUInt32BE(this.#credit);
    this.#credit = 0;
    this.#socket.write(frame(WINDOW_UPDATE, 0, increment));
  }
}

createServer({ noDelay: true }, (socket) => new Backend(socket)).listen(
  Number(process.argv[2]),
  '127.0.0.1',
);
