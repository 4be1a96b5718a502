import t, { type Test } from 'tap';
import { type Random, randomBelow } from '../../../proxy/base/random.ts';
import { H2ClientCodec } from '../../../proxy/http/h2/client-codec.ts';
import {
  DEFAULT_H2_CLIENT_OPTIONS,
  DEFAULT_H2_PROTOCOL_OPTIONS,
  DEFAULT_H2_SERVER_OPTIONS,
} from '../../../proxy/http/h2/options.ts';
import { H2ServerCodec } from '../../../proxy/http/h2/server-codec.ts';
import { HeaderList } from '../../../proxy/http/header-list.ts';
import { RequestHead } from '../../../proxy/http/message.ts';
import type { RequestSender, ResponseSender } from '../../../proxy/http/stream.ts';
import { PREFACE, settingsAck, settingsFrame } from '../../support/h2-frames.ts';
import { RandomUser, randomFrames, randomResponse } from '../../support/h2-fuzzer.ts';
import { PipeSink } from '../../support/h2-pair.ts';
import { FakeServices, fakeH2Counters, nonZero } from '../../support/h2-services.ts';
import { seededRandom, testSeed } from '../../support/seeded-random.ts';

/** Sequences in all; OUTRIGGER_FUZZ_RUNS sets another number. */
const RUNS = Number(process.env['OUTRIGGER_FUZZ_RUNS'] ?? 100_000);
const MAX_FRAMES = 24;

const seed = testSeed();
const random = seededRandom(seed);

const PROTOCOL = {
  ...DEFAULT_H2_PROTOCOL_OPTIONS,
  initialStreamWindowSize: 65_535,
  initialConnectionWindowSize: 70_000,
  maxConcurrentStreams: 3,
  allowConnect: true,
};
const PROTOCOLS = [
  PROTOCOL,
  { ...PROTOCOL, streamErrorOnInvalidHttpMessage: true },
  {
    ...PROTOCOL,
    streamErrorOnInvalidHttpMessage: true,
    maxConsecutiveInboundFramesWithEmptyPayload: 5,
    keepalive: {
      intervalMs: 50,
      timeoutMs: 50,
      intervalJitterPercent: 15,
      connectionIdleIntervalMs: 10,
    },
  },
];

/** A wheel has a thousand slots: one serves all runs, and is empty behind each. */
const services = new FakeServices(seed);

interface Driven {
  onBytes(buffer: Buffer, start: number, end: number): void;
  onEnd(): void;
  onClose(detail: string): void;
  onDrain(): void;
  readonly activeStreams: number;
}

/** One connection with everything around it. */
class Rig {
  readonly services = services;
  readonly counters = fakeH2Counters();
  readonly sink = new PipeSink(randomBelow(random, 3) === 0 ? 200 : 100_000);
  readonly users: RandomUser[] = [];
  /** Time passes in some runs only: the wheel checks all its slots at each tick. */
  readonly isTimed = randomBelow(random, 8) === 0;
  opened = 0;
  closed = 0;
  isDone = false;

  get io() {
    return { sink: this.sink, services: this.services, counters: this.counters };
  }

  /** Feeds `input` in random pieces with other events in between; then the connection ends. */
  run(codec: Driven, input: Buffer): void {
    const shared = Buffer.alloc(input.length + 3);
    for (let from = 0; from < input.length; ) {
      const to = Math.min(input.length, from + 1 + randomBelow(random, 200));
      shared.fill(0xaa);
      input.copy(shared, 3, from, to);
      codec.onBytes(shared, 3, 3 + to - from);
      from = to;
      this.#disturb(codec);
    }
    if (randomBelow(random, 2) === 0) codec.onEnd();
    codec.onClose('the end');
    this.services.endTurn();
  }

  /** What is left though nothing may be; '' for nothing. */
  leak(codec: Driven): string {
    if (codec.activeStreams !== 0) return `${codec.activeStreams} streams`;
    if (this.opened !== this.closed) return `${this.opened} opened, ${this.closed} closed`;
    if (this.users.some((user) => !user.isOver)) return 'a user who waits';
    if (this.services.timers.armedCount !== 0) return 'a timer';
    for (const [name, value] of Object.entries(nonZero(this.counters))) {
      if (/Active$|pendingSendBytes/.test(name)) return `${name} ${value}`;
    }
    return '';
  }

  #disturb(codec: Driven): void {
    switch (randomBelow(random, 12)) {
      case 0:
        for (const user of this.users) user.act();
        return;
      case 1:
        this.services.endTurn();
        return;
      case 2:
        if (this.isTimed) this.services.clock.advance(40);
        return;
      case 3:
        this.sink.take();
        this.sink.wantsDrain = false;
        codec.onDrain();
        return;
      default:
        return;
    }
  }
}

/** SETTINGS with a window that is often too small for what is sent, and the acknowledgement. */
function greeting(): Buffer {
  const windows = [0, 10, 1000, 65_535];
  const window = windows[randomBelow(random, windows.length)] as number;
  return Buffer.concat([settingsFrame([[4, window]]), settingsAck()]);
}

function fuzzServer(): string {
  const rig = new Rig();
  const options = { ...DEFAULT_H2_SERVER_OPTIONS, protocol: choose(), streamFlushTimeoutMs: 60 };
  const codec = new H2ServerCodec(options, rig.io, {
    onStream: (sender: ResponseSender) => {
      rig.opened += 1;
      const user = new RandomUser(random, () => {
        sender.sendResponseHead(randomResponse(random), randomBelow(random, 4) === 0);
      });
      user.sender = sender;
      rig.users.push(user);
      return user;
    },
    onStreamClosed: () => {
      rig.closed += 1;
    },
    onConnectionDone: () => {
      rig.isDone = true;
    },
  });
  rig.run(codec, Buffer.concat([PREFACE, greeting(), randomFrames(random, 'client', MAX_FRAMES)]));
  return rig.leak(codec);
}

function fuzzClient(): string {
  const rig = new Rig();
  const options = { ...DEFAULT_H2_CLIENT_OPTIONS, protocol: choose() };
  const codec = new H2ClientCodec(options, rig.io, {
    onStreamClosed: () => {
      rig.closed += 1;
    },
    onCapacityChanged: () => undefined,
    onConnectionDone: () => {
      rig.isDone = true;
    },
  });
  for (let index = 0; index < 3; index += 1) open(rig, codec);
  rig.run(codec, Buffer.concat([greeting(), randomFrames(random, 'server', MAX_FRAMES)]));
  // A client's receiver hears the end of its response, not that of its stream.
  for (const user of rig.users) user.isOver = true;
  return rig.leak(codec);
}

function open(rig: Rig, codec: H2ClientCodec): void {
  let sender: RequestSender | null = null;
  const user = new RandomUser(random, () => sender?.sendRequestHead(requestHead(random), false));
  sender = codec.openStream(user);
  user.sender = sender;
  rig.opened += 1;
  rig.users.push(user);
  if (randomBelow(random, 4) > 0)
    sender.sendRequestHead(requestHead(random), randomBelow(random, 2) === 0);
}

function requestHead(random: Random): RequestHead {
  const methods = ['GET', 'POST', 'HEAD', 'CONNECT'];
  const method = methods[randomBelow(random, methods.length)] as string;
  return new RequestHead(
    'HTTP/2',
    method,
    { path: '/', authority: 'h:1', scheme: 'http' },
    HeaderList.empty(),
  );
}

function choose(): (typeof PROTOCOLS)[number] {
  return PROTOCOLS[randomBelow(random, PROTOCOLS.length)] as (typeof PROTOCOLS)[number];
}

function fuzz(t: Test, runs: number, once: () => string): void {
  for (let run = 0; run < runs; run += 1) {
    let fault: string;
    try {
      fault = once();
    } catch (error) {
      fault = `threw ${error instanceof Error ? error.stack : String(error)}`;
    }
    if (fault === '') continue;
    t.fail(`seed ${seed}, run ${run}: ${fault}`);
    t.end();
    return;
  }
  t.pass(`${runs} sequences, seed ${seed}`);
  t.end();
}

t.test('nothing that a client sends breaks a server or is left of it', (t) => {
  fuzz(t, Math.ceil(RUNS * 0.6), fuzzServer);
});

t.test('nothing that a server sends breaks a client or is left of it', (t) => {
  fuzz(t, Math.ceil(RUNS * 0.4), fuzzClient);
});
