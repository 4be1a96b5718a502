// Random sequences of frames, most of them near what is legal, and random users of the codec that
// gets them.
import { type Random, randomBelow } from '../../proxy/base/random.ts';
import { HeaderList } from '../../proxy/http/header-list.ts';
import { ResponseHead } from '../../proxy/http/message.ts';
import type { RequestReceiver, ResponseReceiver, StreamSender } from '../../proxy/http/stream.ts';
import { frame, TYPE } from './h2-frames.ts';
import { encodeFields, type Field } from './h2-hpack.ts';

const FLAGS = [0, 0, 0, 1, 1, 4, 4, 5, 5, 5, 8, 0x20, 0x2d, 0xff];
const NUMBERS = [0, 1, 2, 100, 65_535, 65_536, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1];
const CODES = [0, 1, 2, 5, 7, 8, 11, 255];

const REQUEST: readonly Field[] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'h'],
];
const BLOCKS: readonly Buffer[] = [
  encodeFields(REQUEST),
  encodeFields([...REQUEST.slice(1), [':method', 'POST'], ['content-length', '5']]),
  encodeFields([[':method', 'HEAD'], ...REQUEST.slice(1)]),
  encodeFields([
    [':method', 'CONNECT'],
    [':authority', 'h:1'],
  ]),
  encodeFields([[':method', 'CONNECT'], [':protocol', 'websocket'], ...REQUEST.slice(1)]),
  encodeFields([...REQUEST, ['X', 'y']]),
  encodeFields([['x-trailer', 'y']]),
  encodeFields([[':status', '200']]),
  encodeFields([[':status', '100']]),
  encodeFields([
    [':status', '304'],
    ['content-length', '7'],
  ]),
  encodeFields([
    [':status', '200'],
    ['content-length', '5'],
  ]),
  Buffer.of(0x3f, 0xe1, 0x1f),
  Buffer.of(0x82, 0x86, 0x84, 0x41, 1, 0x68),
  Buffer.of(0x88),
  Buffer.of(0x88, 0x40, 1, 0x61, 1, 0x62),
  Buffer.of(0x80),
  Buffer.alloc(0),
];
const BODIES: readonly Buffer[] = [0, 1, 5, 100, 5000].map((size) => Buffer.alloc(size, 1));
const OCTETS = Buffer.alloc(64, 7);

function pick<T>(random: Random, from: readonly T[]): T {
  return from[randomBelow(random, from.length)] as T;
}

function uint32(...values: readonly number[]): Buffer {
  const octets = Buffer.alloc(values.length * 4);
  for (const [index, value] of values.entries()) octets.writeUInt32BE(value >>> 0, index * 4);
  return octets;
}

function settings(random: Random): Buffer {
  const payload = Buffer.alloc(6 * randomBelow(random, 3));
  for (let at = 0; at < payload.length; at += 6) {
    payload.writeUInt16BE(randomBelow(random, 10), at);
    payload.writeUInt32BE(pick(random, NUMBERS) >>> 0, at + 2);
  }
  return payload;
}

/** One frame; `streamId` is likely. */
function randomFrame(random: Random, streamId: number): Buffer {
  const flags = pick(random, FLAGS);
  switch (randomBelow(random, 16)) {
    case 0:
    case 1:
    case 2:
    case 3:
      return frame(TYPE.DATA, flags, streamId, pick(random, BODIES));
    case 4:
    case 5:
    case 6:
    case 7:
      return frame(TYPE.HEADERS, pick(random, [5, 4, 4, flags]), streamId, pick(random, BLOCKS));
    case 8:
      return frame(TYPE.CONTINUATION, flags, streamId, pick(random, BLOCKS));
    case 9:
      return frame(TYPE.RST_STREAM, flags, streamId, uint32(pick(random, CODES)));
    case 10:
      return frame(TYPE.SETTINGS, pick(random, [0, 0, 1]) as number, 0, settings(random));
    case 11:
      return frame(TYPE.PING, flags & 1, 0, OCTETS.subarray(0, 8));
    case 12:
      return frame(TYPE.GOAWAY, 0, 0, uint32(pick(random, NUMBERS), pick(random, CODES)));
    case 13:
      return frame(
        TYPE.WINDOW_UPDATE,
        0,
        pick(random, [0, streamId]),
        uint32(pick(random, NUMBERS)),
      );
    case 14:
      return frame(TYPE.PRIORITY, 0, streamId, OCTETS.subarray(0, 5));
    default:
      return frame(
        randomBelow(random, 14),
        flags,
        streamId,
        OCTETS.subarray(0, randomBelow(random, 12)),
      );
  }
}

/** Which end's frames are made. */
export type FuzzSide = 'client' | 'server';

const SMALL = [1, 2, 50, 3000, 65_535];
const WINDOWS = [0, 1, 10, 1000, 20_000, 65_535];

/** Makes frames that are mostly legal for one end of a connection. */
class Script {
  readonly frames: Buffer[] = [];
  readonly #random: Random;
  readonly #isClient: boolean;
  /** Streams whose end was not sent. */
  readonly #open: number[];
  #lastId: number;

  constructor(random: Random, side: FuzzSide) {
    this.#random = random;
    this.#isClient = side === 'client';
    this.#open = this.#isClient ? [] : [1, 3, 5];
    this.#lastId = this.#isClient ? -1 : 5;
  }

  /** Adds one. */
  next(): void {
    const random = this.#random;
    if (randomBelow(random, 40) === 0) {
      this.frames.push(randomFrame(random, Math.max(1, this.#lastId)));
      return;
    }
    const index = randomBelow(random, this.#open.length + 1);
    const id = this.#open[index];
    if (id === undefined) this.#onConnection();
    else this.#onStream(id, index);
  }

  #onConnection(): void {
    const random = this.#random;
    const kind = randomBelow(random, this.#isClient ? 10 : 4);
    if (kind === 0) {
      this.#push(TYPE.SETTINGS, 0, 0, windowSetting(pick(random, WINDOWS)));
    } else if (kind === 1) {
      this.#push(TYPE.PING, 0, 0, OCTETS.subarray(0, 8));
    } else if (kind === 2) {
      this.#push(TYPE.WINDOW_UPDATE, 0, 0, uint32(pick(random, SMALL)));
    } else if (kind === 3 && randomBelow(random, 4) === 0) {
      this.#push(TYPE.GOAWAY, 0, 0, uint32(this.#lastId, 0));
    } else if (this.#isClient) {
      this.#lastId += 2;
      this.#open.push(this.#lastId);
      this.#block(this.#lastId, this.#open.length - 1, BLOCKS[randomBelow(random, 5)] as Buffer);
    }
  }

  #onStream(id: number, index: number): void {
    const random = this.#random;
    switch (randomBelow(random, 8)) {
      case 0:
        this.#push(TYPE.WINDOW_UPDATE, 0, id, uint32(pick(random, SMALL)));
        return;
      case 1:
        this.#push(TYPE.RST_STREAM, 0, id, uint32(pick(random, CODES)));
        this.#open.splice(index, 1);
        return;
      case 2:
      case 3:
        this.#block(id, index, this.#isClient ? TRAILERS : pick(random, RESPONSES));
        return;
      default:
        this.#data(id, index);
    }
  }

  #data(id: number, index: number): void {
    const isLast = randomBelow(this.#random, 4) === 0;
    const isPadded = randomBelow(this.#random, 4) === 0;
    const body = pick(this.#random, BODIES.slice(1));
    const payload = isPadded ? Buffer.concat([Buffer.of(2), body, Buffer.alloc(2)]) : body;
    this.#push(TYPE.DATA, (isLast ? 1 : 0) | (isPadded ? 8 : 0), id, payload);
    if (isLast) this.#open.splice(index, 1);
  }

  #block(id: number, index: number, block: Buffer): void {
    const isLast = block === TRAILERS || randomBelow(this.#random, 3) === 0;
    const end = isLast ? 1 : 0;
    if (isLast) this.#open.splice(index, 1);
    if (randomBelow(this.#random, 5) > 0 || block.length < 2) {
      this.#push(TYPE.HEADERS, end | 4, id, block);
      return;
    }
    this.#push(TYPE.HEADERS, end, id, block.subarray(0, 1));
    this.#push(TYPE.CONTINUATION, 4, id, block.subarray(1));
  }

  #push(type: number, flags: number, id: number, payload: Buffer): void {
    this.frames.push(frame(type, flags, id, payload));
  }
}

const TRAILERS = encodeFields([['x-trailer', 'y']]);
const RESPONSES: readonly Buffer[] = [
  encodeFields([[':status', '200']]),
  encodeFields([[':status', '200']]),
  encodeFields([[':status', '103']]),
  encodeFields([
    [':status', '200'],
    ['content-length', '5'],
  ]),
  encodeFields([[':status', '304']]),
  TRAILERS,
];

function windowSetting(octets: number): Buffer {
  const payload = Buffer.alloc(6);
  payload.writeUInt16BE(4, 0);
  payload.writeUInt32BE(octets, 2);
  return payload;
}

/** Up to `most` frames of one end; in a few of them an octet is changed. */
export function randomFrames(random: Random, side: FuzzSide, most: number): Buffer {
  const script = new Script(random, side);
  for (let left = 1 + randomBelow(random, most); left > 0; left -= 1) script.next();
  const all = Buffer.concat(script.frames);
  const isBroken = all.length > 0 && randomBelow(random, 12) === 0;
  if (isBroken) all[randomBelow(random, all.length)] = randomBelow(random, 256);
  return all;
}

/** A user of streams that does at random what users may do. */
export class RandomUser implements RequestReceiver, ResponseReceiver {
  sender: StreamSender | null = null;
  isOver = false;
  readonly #random: Random;
  readonly #answer: ((user: RandomUser) => void) | null;
  #isEnded = false;
  #isHeadSent = false;

  /** `answer` writes a head; null: it was written. */
  constructor(random: Random, answer: ((user: RandomUser) => void) | null) {
    this.#random = random;
    this.#answer = answer;
  }

  onRequestHead(): void {
    this.#live();
    this.act();
  }
  onResponseHead(): void {
    this.#live();
    this.act();
  }
  onInformational(): void {
    this.#live();
  }
  onData(): void {
    this.#live();
    this.act();
  }
  onTrailers(): void {
    this.#live();
    this.act();
  }
  onReset(): void {
    this.#live();
    this.isOver = true;
  }
  onProtocolError(): void {
    throw new Error('HTTP/2 resets instead');
  }
  onWritable(): void {
    this.#live();
    this.act();
  }
  onClosed(): void {
    this.#live();
    this.isOver = true;
  }

  /** Does one thing. */
  act(): void {
    const { sender } = this;
    if (sender === null || this.isOver) return;
    if (!this.#isHeadSent && randomBelow(this.#random, 3) === 0) {
      this.#isHeadSent = true;
      this.#answer?.(this);
      return;
    }
    this.#command(sender);
  }

  #command(sender: StreamSender): void {
    const random = this.#random;
    switch (randomBelow(random, 8)) {
      case 0:
        sender.pauseReading();
        return;
      case 1:
      case 2:
        sender.resumeReading();
        return;
      case 3:
        if (randomBelow(random, 4) > 0) return;
        // Nobody tells whoever does it.
        this.isOver = true;
        sender.reset(randomBelow(random, 2) === 0 ? 'local-reset' : 'protocol-error');
        return;
      default:
        this.#send(sender);
    }
  }

  #send(sender: StreamSender): void {
    if (this.#isEnded) return;
    const random = this.#random;
    const kind = randomBelow(random, 6);
    this.#isEnded = kind < 2;
    if (kind === 0) sender.sendTrailers(HeaderList.of('x-end', 'y'));
    else sender.sendData(pick(random, BODIES), kind === 1);
    if (!this.#isHeadSent) this.#isEnded = false;
  }

  #live(): void {
    if (this.isOver) throw new Error('told something behind the end');
  }
}

/** A response's head of some kind. */
export function randomResponse(random: Random): ResponseHead {
  const status = pick(random, [200, 200, 204, 304, 101, 500]);
  const headers =
    randomBelow(random, 4) === 0 ? HeaderList.of('content-length', '5') : HeaderList.empty();
  return new ResponseHead(status, headers);
}
