import t from 'tap';
import { type Random, randomBelow } from '../../../proxy/base/random.ts';
import { get } from '../../conformance/codec/h2-case.ts';
import {
  FLAG,
  type Frame,
  FrameReader,
  settingsFrame,
  TYPE,
  windowFrame,
} from '../../support/h2-frames.ts';
import { ServerWire, type WireRequest } from '../../support/h2-server-wire.ts';
import { seededRandom, testSeed } from '../../support/seeded-random.ts';

const DEFAULT_WINDOW = 65_535;

/** A client that keeps books on what the server may send, strictly. */
class StrictClient {
  readonly wire: ServerWire;
  readonly received = new Map<number, number>();
  readonly ended = new Set<number>();
  #connection = DEFAULT_WINDOW;
  #initial = DEFAULT_WINDOW;
  readonly #windows = new Map<number, number>();
  readonly #reader = new FrameReader();
  #maxFrame = 16_384;
  #fault = '';

  constructor(highWater: number) {
    const protocol = {
      maxOutboundFrames: 1_000_000,
      maxInboundWindowUpdateFramesPerDataFrameSent: 1000,
    };
    this.wire = new ServerWire(protocol, { highWater }).greet();
  }

  open(streamId: number): WireRequest {
    this.#windows.set(streamId, this.#initial);
    this.wire.send(get(streamId));
    return this.wire.requests.at(-1) as WireRequest;
  }

  /** What was on its way is judged by what held before. */
  setInitial(octets: number): void {
    this.read();
    for (const [id, window] of this.#windows)
      this.#windows.set(id, window + octets - this.#initial);
    this.#initial = octets;
    this.wire.send(settingsFrame([[4, octets]]));
  }

  setMaxFrame(octets: number): void {
    this.read();
    this.#maxFrame = octets;
    this.wire.send(settingsFrame([[5, octets]]));
  }

  give(streamId: number, octets: number): void {
    if (streamId === 0) this.#connection += octets;
    else this.#windows.set(streamId, (this.#windows.get(streamId) ?? 0) + octets);
    this.wire.send(windowFrame(streamId, octets));
  }

  /** Reads everything; what was broken so far, or '' for nothing. */
  read(): string {
    const { sink, codec } = this.wire;
    while (sink.bufferedBytes > 0) {
      const frames = this.#reader.read(sink.take());
      for (const frame of frames) if (frame.type === TYPE.DATA) this.#data(frame);
      const wantsDrain = sink.wantsDrain;
      sink.wantsDrain = false;
      if (wantsDrain) codec.onDrain();
    }
    return this.#fault;
  }

  #data({ flags, streamId, payload }: Frame): void {
    const octets = payload.length;
    const window = (this.#windows.get(streamId) ?? 0) - octets;
    this.#connection -= octets;
    this.#windows.set(streamId, window);
    if (this.ended.has(streamId)) this.#fault = `DATA behind the end of ${streamId}`;
    if (octets > this.#maxFrame) this.#fault = `a frame of ${octets} octets`;
    if (octets > 0 && (window < 0 || this.#connection < 0)) this.#fault = `window of ${streamId}`;
    this.received.set(streamId, (this.received.get(streamId) ?? 0) + octets);
    if ((flags & FLAG.END_STREAM) !== 0) this.ended.add(streamId);
  }
}

/** One connection under random windows; what is wrong with it, or ''. */
function simulate(random: Random): string {
  const client = new StrictClient([500, 20_000, 1_000_000][randomBelow(random, 3)] as number);
  const sent = new Map<number, number>();
  const open = new Map<number, WireRequest>();
  let lastId = -1;
  let fault = '';
  for (let step = 0; step < 60 && fault === ''; step += 1) {
    const ids = [...open.keys()];
    const id = ids[randomBelow(random, ids.length + 1)];
    switch (randomBelow(random, 7)) {
      case 0:
        lastId += 2;
        open.set(lastId, client.open(lastId));
        open.get(lastId)?.answer('', false);
        sent.set(lastId, 0);
        break;
      case 1:
        client.setInitial([0, 5, 1000, 40_000, 200_000][randomBelow(random, 5)] as number);
        break;
      case 2:
        // Without DATA sent, so many updates would be a flood.
        if (client.received.size > 0) client.give(id ?? 0, 1 + randomBelow(random, 50_000));
        break;
      case 3:
        client.setMaxFrame(16_384 + randomBelow(random, 100_000));
        break;
      default:
        if (id === undefined) break;
        write(random, id);
    }
    if (randomBelow(random, 2) === 0) fault = client.read();
  }
  return fault === '' ? settle() : fault;

  function write(random: Random, id: number): void {
    const size = randomBelow(random, [2, 100, 30_000, 90_000][randomBelow(random, 4)] as number);
    const isLast = randomBelow(random, 3) === 0;
    open.get(id)?.sender.sendData(Buffer.alloc(size, 'd'), isLast);
    sent.set(id, (sent.get(id) ?? 0) + size);
    if (isLast) open.delete(id);
  }

  /** With room for everything, everything comes. */
  function settle(): string {
    for (const id of open.keys()) open.get(id)?.sender.sendData(Buffer.alloc(0), true);
    client.setInitial(2 ** 24);
    client.give(0, 2 ** 28);
    const broken = client.read();
    if (broken !== '' || client.wire.done !== null) return `${broken} ${client.wire.failure}`;
    for (const [id, octets] of sent) {
      if (client.received.get(id) !== octets)
        return `${id}: ${client.received.get(id)} of ${octets}`;
    }
    return client.wire.counters.pendingSendBytes.value === 0 ? '' : 'something is left';
  }
}

t.test('no window is ever exceeded, and with room everything arrives', (t) => {
  const seed = testSeed();
  const random = seededRandom(seed);
  for (let run = 0; run < 400; run += 1) {
    const fault = simulate(random);
    if (fault === '') continue;
    t.fail(`seed ${seed}, run ${run}: ${fault}`);
    break;
  }
  t.pass(`seed ${seed}`);
  t.end();
});
