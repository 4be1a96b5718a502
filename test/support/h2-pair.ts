// A client's and a server's HTTP/2 codec joined in memory: what one writes is kept until the test
// carries it over, in pieces of any size.
import assert from 'node:assert/strict';
import { type Random, randomBelow } from '../../proxy/base/random.ts';
import type { ByteSink, CodecDone } from '../../proxy/http/codec.ts';
import { H2ClientCodec } from '../../proxy/http/h2/client-codec.ts';
import {
  DEFAULT_H2_CLIENT_OPTIONS,
  DEFAULT_H2_SERVER_OPTIONS,
  type H2ServerOptions,
} from '../../proxy/http/h2/options.ts';
import { H2ServerCodec } from '../../proxy/http/h2/server-codec.ts';
import type { RequestReceiver, ResponseSender } from '../../proxy/http/stream.ts';
import { FakeServices, fakeH2Counters, nonZero } from './h2-services.ts';

/** A sink that keeps octets, is full above a mark, and can tell when it is empty. */
export class PipeSink implements ByteSink {
  readonly highWater: number;
  #chunks: Buffer[] = [];
  bufferedBytes = 0;
  /** Somebody was told that it is full. */
  wantsDrain = false;

  constructor(highWater = 1024 * 1024) {
    this.highWater = highWater;
  }

  writeText(text: string): void {
    this.writeBytes(Buffer.from(text, 'latin1'));
  }

  writeBytes(data: Buffer): void {
    this.#chunks.push(Buffer.from(data));
    this.bufferedBytes += data.length;
  }

  isWritable(): boolean {
    if (this.bufferedBytes <= this.highWater) return true;
    this.wantsDrain = true;
    return false;
  }

  pauseReading(): void {
    assert.fail('HTTP/2 holds streams back, not the connection');
  }

  resumeReading(): void {
    assert.fail('HTTP/2 holds streams back, not the connection');
  }

  halfClose(): void {
    assert.fail('HTTP/2 ends streams, not its side of the connection');
  }

  /** Takes out up to `most` octets. */
  take(most = Number.POSITIVE_INFINITY): Buffer {
    const taken: Buffer[] = [];
    let left = Math.min(most, this.bufferedBytes);
    this.bufferedBytes -= left;
    while (left > 0) {
      const chunk = this.#chunks[0] as Buffer;
      const part = chunk.subarray(0, left);
      taken.push(part);
      left -= part.length;
      if (part.length === chunk.length) this.#chunks.shift();
      else this.#chunks[0] = chunk.subarray(part.length);
    }
    return taken.length === 1 ? (taken[0] as Buffer) : Buffer.concat(taken);
  }
}

/** Options of a pair; those of the server serve the client too. */
export interface PairOptions {
  readonly server?: Partial<H2ServerOptions>;
  readonly client?: Partial<H2ServerOptions>;
  readonly highWater?: number;
  readonly onStream: (sender: ResponseSender) => RequestReceiver;
}

/** See the file's head. */
export class H2Pair {
  readonly services = new FakeServices();
  readonly clientSink: PipeSink;
  readonly serverSink: PipeSink;
  readonly client: H2ClientCodec;
  readonly server: H2ServerCodec;
  readonly clientCounters = fakeH2Counters();
  readonly serverCounters = fakeH2Counters();
  clientDone: CodecDone | null = null;
  serverDone: CodecDone | null = null;
  clientClosed = 0;
  serverClosed = 0;
  capacityChanges = 0;
  readonly #shared = Buffer.alloc(128 * 1024);

  constructor(options: PairOptions) {
    this.clientSink = new PipeSink(options.highWater);
    this.serverSink = new PipeSink(options.highWater);
    this.client = new H2ClientCodec(
      { ...DEFAULT_H2_CLIENT_OPTIONS, ...options.client },
      { sink: this.clientSink, services: this.services, counters: this.clientCounters },
      {
        onStreamClosed: () => {
          this.clientClosed += 1;
        },
        onCapacityChanged: () => {
          this.capacityChanges += 1;
        },
        onConnectionDone: (reason) => {
          this.clientDone = reason;
        },
      },
    );
    this.server = new H2ServerCodec(
      { ...DEFAULT_H2_SERVER_OPTIONS, ...options.server },
      { sink: this.serverSink, services: this.services, counters: this.serverCounters },
      {
        onStream: options.onStream,
        onStreamClosed: () => {
          this.serverClosed += 1;
        },
        onConnectionDone: (reason) => {
          this.serverDone = reason;
        },
      },
    );
  }

  /** Carries everything over, both ways, until nobody has anything to say. */
  run(random: Random | null = null): void {
    for (let idle = 0; idle < 2; ) {
      const moved = this.step(random);
      idle = moved ? 0 : idle + 1;
    }
  }

  /** Carries one piece each way; true: something moved. */
  step(random: Random | null = null): boolean {
    const most = random === null ? 64 * 1024 : 1 + randomBelow(random, pieceLimit(random));
    const toServer = this.clientSink.take(most);
    if (toServer.length > 0) this.#feed(this.server, toServer);
    const toClient = this.serverSink.take(most);
    if (toClient.length > 0) this.#feed(this.client, toClient);
    this.services.endTurn();
    for (const [sink, codec] of [
      [this.clientSink, this.client],
      [this.serverSink, this.server],
    ] as const) {
      if (sink.wantsDrain && sink.bufferedBytes === 0) {
        sink.wantsDrain = false;
        codec.onDrain();
      }
    }
    return toServer.length + toClient.length > 0;
  }

  /** Both connections are gone: nothing may be left of them. */
  assertNothingLeft(): void {
    this.client.onClose('test');
    this.server.onClose('test');
    this.services.endTurn();
    assert.equal(this.services.timers.armedCount, 0, 'no timer is left');
    assert.equal(this.client.activeStreams + this.server.activeStreams, 0, 'no stream is left');
    for (const counters of [this.clientCounters, this.serverCounters]) {
      for (const [name, value] of Object.entries(nonZero(counters))) {
        const isGauge = /Active$|pendingSendBytes|deferredStreamClose/.test(name);
        assert.ok(!isGauge, `${name} is ${value} behind the end`);
      }
    }
  }

  /** Reads land in one shared buffer that is overwritten each time, as on a worker. */
  #feed(codec: { onBytes(buffer: Buffer, start: number, end: number): void }, data: Buffer): void {
    this.#shared.fill('!', 0, data.length + 6);
    data.copy(this.#shared, 3);
    codec.onBytes(this.#shared, 3, 3 + data.length);
    this.#shared.fill('?', 0, data.length + 6);
  }
}

function pieceLimit(random: Random): number {
  const limits = [1, 9, 30, 500, 16_384, 65_536];
  return limits[randomBelow(random, limits.length)] as number;
}
