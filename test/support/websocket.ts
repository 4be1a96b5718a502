// WebSocket (RFC 6455) over a raw connection: enough of it to see that a proxy lets it through.
import { createHash, randomBytes } from 'node:crypto';
import type { RawHead } from './raw-message.ts';
import type { RawPeer } from './raw-peer.ts';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const FIN = 0x80;
const MASKED = 0x80;
const LENGTH_16 = 126;
const LENGTH_64 = 127;

/** RFC 6455 §5.2 */
export const OPCODE = Object.freeze({
  continuation: 0,
  text: 1,
  binary: 2,
  close: 8,
  ping: 9,
  pong: 10,
});

/** One frame as it was received, unmasked. */
export interface WebSocketFrame {
  readonly opcode: number;
  readonly isFinal: boolean;
  readonly payload: Buffer;
}

/** What a server answers to a Sec-WebSocket-Key. */
export function acceptKey(key: string): string {
  return createHash('sha1')
    .update(key + GUID)
    .digest('base64');
}

/** One end of an open WebSocket. */
export class WebSocketPeer {
  readonly peer: RawPeer;
  readonly #isClient: boolean;

  constructor(peer: RawPeer, role: 'client' | 'server') {
    this.peer = peer;
    this.#isClient = role === 'client';
  }

  /** Sends a frame; clients mask theirs. */
  send(opcode: number, payload: Buffer, isFinal = true): void {
    const mask = this.#isClient ? randomBytes(4) : Buffer.alloc(0);
    const masked = this.#isClient ? xor(payload, mask) : payload;
    const head = frameHead(opcode | (isFinal ? FIN : 0), payload.length, this.#isClient);
    this.peer.write(Buffer.concat([head, mask, masked]));
  }

  /** Reads a frame; throws when the other side masks as it must not. */
  async receive(): Promise<WebSocketFrame> {
    const [first = 0, second = 0] = await this.#take(2);
    const isMasked = (second & MASKED) !== 0;
    if (isMasked === this.#isClient) throw new Error('servers do not mask, clients do');
    const length = await this.#length(second & ~MASKED);
    const mask = isMasked ? await this.#take(4) : Buffer.alloc(0);
    const octets = await this.#take(length);
    const payload = isMasked ? xor(octets, mask) : octets;
    return { opcode: first & 0x0f, isFinal: (first & FIN) !== 0, payload };
  }

  async #length(field: number): Promise<number> {
    if (field === LENGTH_16) return (await this.#take(2)).readUInt16BE();
    if (field === LENGTH_64) return Number((await this.#take(8)).readBigUInt64BE());
    return field;
  }

  async #take(count: number): Promise<Buffer> {
    return Buffer.from(count === 0 ? '' : await this.peer.takeBytes(count), 'latin1');
  }
}

/** A client's handshake; throws when the server does not agree. */
export async function openWebSocket(client: RawPeer, target: string): Promise<WebSocketPeer> {
  const key = randomBytes(16).toString('base64');
  client.write(handshake(target, `sec-websocket-key: ${key}\r\nsec-websocket-version: 13\r\n`));
  const head = await client.head();
  if (head?.status !== 101) throw new Error(`no WebSocket: ${head?.startLine}`);
  const accepted = head.get('sec-websocket-accept');
  if (accepted !== acceptKey(key)) throw new Error(`not for this key: ${accepted}`);
  return new WebSocketPeer(client, 'client');
}

/** A request for a WebSocket; `fields` are whole lines with CRLF. */
export function handshake(target: string, fields = ''): string {
  const upgrade = 'connection: Upgrade\r\nupgrade: websocket\r\n';
  return `GET ${target} HTTP/1.1\r\nhost: test.example\r\n${upgrade}${fields}\r\n`;
}

/** A server's agreement to whatever was asked for; there need not be a key. */
export function agreement(head: RawHead): string {
  const accept = acceptKey(head.get('sec-websocket-key') ?? '');
  const upgrade = `connection: Upgrade\r\nupgrade: ${head.get('upgrade')}\r\n`;
  return `HTTP/1.1 101 Switching Protocols\r\n${upgrade}sec-websocket-accept: ${accept}\r\n\r\n`;
}

/** A server's script: agrees, sends every frame back, answers pings and the close handshake. */
export async function echoWebSocket(head: RawHead, peer: RawPeer): Promise<void> {
  const [key, version] = ['key', 'version'].map((name) => head.get(`sec-websocket-${name}`));
  const isHandshake = key !== null && version === '13';
  if (!isHandshake) throw new Error(`no WebSocket handshake: ${head.fields}`);
  peer.write(agreement(head));
  const socket = new WebSocketPeer(peer, 'server');
  for (;;) {
    const { opcode, payload, isFinal } = await socket.receive();
    socket.send(opcode === OPCODE.ping ? OPCODE.pong : opcode, payload, isFinal);
    if (opcode === OPCODE.close) break;
  }
  peer.finish();
}

function frameHead(first: number, length: number, isMasked: boolean): Buffer {
  const mask = isMasked ? MASKED : 0;
  if (length < LENGTH_16) return Buffer.from([first, mask | length]);
  const isShort = length < 0x1_0000;
  const head = Buffer.alloc(isShort ? 4 : 10);
  head[0] = first;
  head[1] = mask | (isShort ? LENGTH_16 : LENGTH_64);
  if (isShort) head.writeUInt16BE(length, 2);
  else head.writeBigUInt64BE(BigInt(length), 2);
  return head;
}

function xor(data: Buffer, mask: Buffer): Buffer {
  const out = Buffer.alloc(data.length);
  for (let at = 0; at < data.length; at += 1) out[at] = (data[at] ?? 0) ^ (mask[at & 3] ?? 0);
  return out;
}
