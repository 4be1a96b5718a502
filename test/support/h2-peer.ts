// One end of an HTTP/2 connection in a test's hands: it sends any frame, keeps every frame that
// comes with its fields decoded, and waits for conditions. By itself it only does what each peer
// owes: it acknowledges SETTINGS and PING and gives credit back; a test can switch that off.
import {
  contentOf,
  dataFrame,
  errorName,
  FLAG,
  type Frame,
  FrameReader,
  frame,
  frameText,
  PREFACE,
  SETTING,
  settingsAck,
  settingsFrame,
  settingsOf,
  splitHeaders,
  TYPE,
  windowFrame,
} from './h2-frames.ts';
import { type Field, TestHpackDecoder } from './h2-hpack.ts';
import { type PeerEnd, type RawPeer, rawConnect } from './raw-peer.ts';

const DEFAULT_WINDOW = 65_535;

/** What the other side sent on one stream. */
export interface PeerStream {
  readonly id: number;
  /** Field blocks in order: 1xx, the head, trailers. */
  readonly blocks: (readonly Field[])[];
  /** Latin1. */
  body: string;
  /** A DATA frame came, if only an empty one. */
  hasData: boolean;
  /** END_STREAM came. */
  isEnded: boolean;
  /** Name of the RST_STREAM's code, null while there was none. */
  reset: string | null;
  /** What may be sent on it still. */
  sendWindow: number;
}

/** What a peer does of its own accord. */
export interface H2PeerOptions {
  /** Sent first; null to send nothing at all, not even the preface. */
  readonly settings?: readonly (readonly [number, number])[] | null;
  /** False: SETTINGS and PING are not acknowledged. */
  readonly acknowledges?: boolean;
  /** False: no WINDOW_UPDATE is sent. */
  readonly givesCredit?: boolean;
}

/** Opens a connection with prior knowledge. */
export async function h2Connect(address: string, options: H2PeerOptions = {}): Promise<H2Peer> {
  return new H2Peer(await rawConnect(address), 'client', options);
}

/** See the file's head. */
export class H2Peer {
  readonly raw: RawPeer;
  /** Every frame that came, in order. */
  readonly frames: Frame[] = [];
  /** The same as text; field blocks are written out. */
  readonly transcript: string[] = [];
  /** By id, in order of appearance. */
  readonly streams = new Map<number, PeerStream>();
  /** GOAWAYs that came, as `lastStreamId CODE debug`. */
  readonly goaways: string[] = [];
  /** The other side's settings by identifier. */
  readonly peerSettings = new Map<number, number>();
  /** The other side acknowledged this side's SETTINGS so often. */
  settingsAcks = 0;
  /** Called when a stream's first field block is complete. */
  onStream: ((stream: PeerStream) => void) | null = null;
  acknowledges: boolean;
  givesCredit: boolean;
  sendWindow = DEFAULT_WINDOW;
  readonly #reader = new FrameReader();
  readonly #hpack = new TestHpackDecoder();
  readonly #role: 'client' | 'server';
  #block: Buffer[] = [];
  #blockEndsStream = false;
  /** Octets of the client's preface that are still to come. */
  #prefaceLeft: number;
  #nextStreamId = 1;

  constructor(raw: RawPeer, role: 'client' | 'server', options: H2PeerOptions = {}) {
    this.raw = raw;
    this.#role = role;
    this.#prefaceLeft = role === 'server' ? PREFACE.length : 0;
    this.acknowledges = options.acknowledges ?? true;
    this.givesCredit = options.givesCredit ?? true;
    raw.discard();
    raw.socket.on('data', (data: Buffer) => this.receive(data));
    if (options.settings === null) return;
    if (role === 'client') raw.write(PREFACE);
    raw.write(settingsFrame(options.settings ?? []));
  }

  /** Sends frames or any octets. */
  write(...octets: readonly Buffer[]): void {
    this.raw.write(Buffer.concat(octets));
  }

  /** How the other side ended the connection, null while it did not. */
  get end(): PeerEnd | null {
    return this.raw.end;
  }

  /** The stream, which the other side may not have answered yet. */
  stream(id: number): PeerStream {
    let stream = this.streams.get(id);
    if (stream === undefined) {
      const sendWindow = this.peerSettings.get(SETTING.INITIAL_WINDOW_SIZE) ?? DEFAULT_WINDOW;
      stream = {
        id,
        blocks: [],
        body: '',
        hasData: false,
        isEnded: false,
        reset: null,
        sendWindow,
      };
      this.streams.set(id, stream);
    }
    return stream;
  }

  /** Opens the next stream of a client. */
  request(fields: readonly Field[], options: { readonly endStream?: boolean } = {}): PeerStream {
    const id = this.#nextStreamId;
    this.#nextStreamId += 2;
    this.write(splitHeaders(id, fields, { endStream: options.endStream ?? true }));
    return this.stream(id);
  }

  /** Sends content as the other side's windows allow. */
  async sendBody(stream: PeerStream, text: string, endStream = true): Promise<void> {
    const octets = Buffer.from(text, 'latin1');
    const maxFrame = this.peerSettings.get(SETTING.MAX_FRAME_SIZE) ?? 16_384;
    let at = 0;
    do {
      await this.until(
        () => Math.min(this.sendWindow, stream.sendWindow) > 0 || octets.length === 0,
      );
      const credit = Math.min(this.sendWindow, stream.sendWindow, maxFrame);
      // Another stream may have used it up meanwhile.
      if (credit <= 0 && octets.length > 0) continue;
      const piece = octets.subarray(at, at + credit);
      at += piece.length;
      this.sendWindow -= piece.length;
      stream.sendWindow -= piece.length;
      this.write(dataFrame(stream.id, piece, endStream && at === octets.length));
    } while (at < octets.length);
  }

  /** Resolves when `condition` holds after some event of this connection. */
  async until(condition: () => boolean, deadlineMs?: number): Promise<void> {
    try {
      await this.raw.until(condition, deadlineMs);
    } catch (error) {
      const seen = this.transcript.slice(-30).join('; ');
      throw new Error(`${condition} is not true; end ${this.end}, seen: ${seen}`, { cause: error });
    }
  }

  /** Resolves when the stream ended, was reset, or the connection ended. */
  async done(stream: PeerStream, deadlineMs?: number): Promise<PeerStream> {
    await this.until(
      () => stream.isEnded || stream.reset !== null || this.end !== null,
      deadlineMs,
    );
    return stream;
  }

  /** Resolves when the other side answered a PING: it has read all that was sent before. */
  async roundTrip(deadlineMs?: number): Promise<void> {
    const opaque = Buffer.from(String(process.hrtime.bigint() % 100_000_000n).padStart(8, '0'));
    this.write(frame(TYPE.PING, 0, 0, opaque));
    const isAnswer = ({ type, flags, payload }: Frame) =>
      type === TYPE.PING && (flags & FLAG.ACK) !== 0 && payload.equals(opaque);
    await this.until(() => this.end !== null || this.frames.some(isAnswer), deadlineMs);
    if (!this.frames.some(isAnswer)) throw new Error(`ended (${this.end}) instead of a round trip`);
  }

  /** Closes without waiting for anything. */
  close(): void {
    this.raw.close();
  }

  /** Takes octets from the connection: for an owner who looked at the first ones itself. */
  receive(data: Buffer): void {
    const skipped = Math.min(this.#prefaceLeft, data.length);
    this.#prefaceLeft -= skipped;
    for (const each of this.#reader.read(data.subarray(skipped))) this.#onFrame(each);
    this.raw.wake();
  }

  #onFrame(received: Frame): void {
    this.frames.push(received);
    const { type, flags, streamId, payload } = received;
    if (type === TYPE.HEADERS || type === TYPE.CONTINUATION) this.#onHeaders(received);
    else this.transcript.push(frameText(received));
    if (type === TYPE.DATA) this.#onData(received);
    if (type === TYPE.SETTINGS) this.#onSettings(received);
    if (type === TYPE.PING && (flags & FLAG.ACK) === 0 && this.acknowledges) {
      this.write(frame(TYPE.PING, FLAG.ACK, 0, payload));
    }
    if (type === TYPE.RST_STREAM) {
      this.stream(streamId).reset = errorName(payload.readUInt32BE(0));
    }
    if (type === TYPE.GOAWAY) this.goaways.push(frameText(received).slice('GOAWAY '.length));
    if (type === TYPE.WINDOW_UPDATE) {
      const increment = payload.readUInt32BE(0);
      if (streamId === 0) this.sendWindow += increment;
      else this.stream(streamId).sendWindow += increment;
    }
  }

  #onHeaders(received: Frame): void {
    const { type, flags, streamId } = received;
    if (type === TYPE.HEADERS) this.#blockEndsStream = (flags & FLAG.END_STREAM) !== 0;
    this.#block.push(contentOf(received));
    if ((flags & FLAG.END_HEADERS) === 0) return;
    const fields = this.#hpack.decode(Buffer.concat(this.#block));
    this.#block = [];
    const end = this.#blockEndsStream ? ' END_STREAM' : '';
    const lines = fields.map(([name, value]) => `${name}: ${value}`);
    this.transcript.push(`HEADERS ${streamId}${end} [${lines.join(', ')}]`);
    const stream = this.stream(streamId);
    stream.blocks.push(fields);
    stream.isEnded ||= this.#blockEndsStream;
    if (stream.blocks.length === 1) this.onStream?.(stream);
  }

  #onData(received: Frame): void {
    const stream = this.stream(received.streamId);
    stream.hasData = true;
    stream.body += contentOf(received).toString('latin1');
    stream.isEnded ||= (received.flags & FLAG.END_STREAM) !== 0;
    const { length } = received.payload;
    if (!this.givesCredit || length === 0) return;
    this.write(windowFrame(0, length));
    if (!stream.isEnded) this.write(windowFrame(stream.id, length));
  }

  #onSettings({ flags, payload }: Frame): void {
    if ((flags & FLAG.ACK) !== 0) {
      this.settingsAcks += 1;
      return;
    }
    for (const [identifier, value] of settingsOf(payload)) this.#onSetting(identifier, value);
    if (this.acknowledges) this.write(settingsAck());
  }

  #onSetting(identifier: number, value: number): void {
    if (identifier === SETTING.INITIAL_WINDOW_SIZE) {
      const before = this.peerSettings.get(identifier) ?? DEFAULT_WINDOW;
      for (const stream of this.streams.values()) stream.sendWindow += value - before;
    }
    this.peerSettings.set(identifier, value);
  }

  /** For messages of failures. */
  toString(): string {
    return `${this.#role} ${this.transcript.join('; ')}`;
  }
}

/** Value of the first field of a name in a block; null when there is none. */
export function fieldOf(block: readonly Field[] | undefined, name: string): string | null {
  return block?.find(([candidate]) => candidate === name)?.[1] ?? null;
}

/** `:status` of the stream's final head; null when there is none yet. */
export function statusOf(stream: PeerStream): string | null {
  const statuses = stream.blocks.map((block) => fieldOf(block, ':status'));
  return statuses.find((status) => status !== null && !status.startsWith('1')) ?? null;
}
