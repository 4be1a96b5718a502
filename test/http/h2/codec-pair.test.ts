import t from 'tap';
import { type Random, randomBelow } from '../../../proxy/base/random.ts';
import {
  DEFAULT_H2_PROTOCOL_OPTIONS as DEFAULTS,
  type H2ProtocolOptions,
} from '../../../proxy/http/h2/options.ts';
import { HeaderList } from '../../../proxy/http/header-list.ts';
import { RequestHead, ResponseHead } from '../../../proxy/http/message.ts';
import type {
  RequestReceiver,
  RequestSender,
  ResponseReceiver,
  ResponseSender,
  StreamSender,
} from '../../../proxy/http/stream.ts';
import { H2Pair } from '../../support/h2-pair.ts';
import { seededRandom, testSeed } from '../../support/seeded-random.ts';

function request(path: string): RequestHead {
  const target = { path, authority: 'h.test', scheme: 'http' };
  return new RequestHead('HTTP/2', 'POST', target, HeaderList.of('x-id', path));
}

/** Writes a text piece by piece as its sender allows. */
class Writer {
  #left: Buffer;
  readonly #sender: StreamSender;
  readonly #size: number;
  readonly #trailers: boolean;
  isWaiting = false;

  constructor(
    sender: StreamSender,
    text: string,
    how: { readonly size: number; readonly hasTrailers: boolean },
  ) {
    this.#sender = sender;
    this.#left = Buffer.from(text, 'latin1');
    this.#size = how.size;
    this.#trailers = how.hasTrailers;
  }

  pump(): void {
    this.isWaiting = false;
    for (;;) {
      const isLast = this.#left.length <= this.#size;
      const part = Buffer.from(this.#left.subarray(0, this.#size));
      this.#left = this.#left.subarray(part.length);
      const mayGoOn = this.#sender.sendData(part, isLast && !this.#trailers);
      // It was borrowed for the call.
      part.fill('#');
      if (isLast) {
        if (this.#trailers) this.#sender.sendTrailers(HeaderList.of('x-end', 'yes'));
        t.end();
        return;
      }
      if (!mayGoOn) {
        this.isWaiting = true;
        t.end();
        return;
      }
    }
  }
}

/** Collects a message, and what ended it. */
class Message {
  text = '';
  isComplete = false;
  reset = '';

  data(data: Buffer, endStream: boolean): void {
    if (this.isComplete) throw new Error('content behind the end');
    this.text += data.toString('latin1');
    this.isComplete = endStream;
  }

  trailers(list: HeaderList): void {
    if (this.isComplete) throw new Error('trailers behind the end');
    this.text += `|${list.toFieldLines().trim()}`;
    this.isComplete = true;
  }
}

/** A server's exchange: answers with what it got. */
class Echo implements RequestReceiver {
  readonly message = new Message();
  readonly #sender: ResponseSender;
  readonly #size: number;
  #writer: Writer | null = null;
  closed = 0;

  constructor(sender: ResponseSender, size: number) {
    this.#sender = sender;
    this.#size = size;
  }

  onRequestHead(head: RequestHead, endStream: boolean): void {
    this.message.text = `${head.method} ${head.path} `;
    this.#sender.sendResponseHead(new ResponseHead(200, HeaderList.of('x-path', head.path)), false);
    if (endStream) this.#answer();
  }
  onData(data: Buffer, endStream: boolean): void {
    this.message.data(data, endStream);
    if (endStream) this.#answer();
  }
  onTrailers(list: HeaderList): void {
    this.message.trailers(list);
    this.#answer();
  }
  onReset(reason: string): void {
    this.message.reset = reason;
  }
  onProtocolError(): void {
    throw new Error('HTTP/2 resets instead');
  }
  onWritable(): void {
    if (this.#writer?.isWaiting !== true) throw new Error('nobody waits');
    this.#writer.pump();
  }
  onClosed(): void {
    this.closed += 1;
  }

  #answer(): void {
    const hasTrailers = this.message.text.endsWith('yes');
    const size = Math.max(this.#size, Math.ceil(this.message.text.length / 50));
    this.#writer = new Writer(this.#sender, this.message.text, { size, hasTrailers });
    this.#writer.pump();
  }
}

class Call implements ResponseReceiver {
  readonly message = new Message();
  status = 0;
  writer: Writer | null = null;
  sender: RequestSender | null = null;

  onInformational(): void {}
  onResponseHead(head: ResponseHead, endStream: boolean): void {
    this.status = head.status;
    this.message.isComplete = endStream;
  }
  onData(data: Buffer, endStream: boolean): void {
    this.message.data(data, endStream);
  }
  onTrailers(list: HeaderList): void {
    this.message.trailers(list);
  }
  onReset(reason: string, detail: string): void {
    this.message.reset = `${reason} ${detail}`;
  }
  onWritable(): void {
    if (this.writer?.isWaiting !== true) throw new Error('nobody waits');
    this.writer.pump();
  }
}

interface Exchange {
  readonly call: Call;
  readonly expected: string;
}

const SIZES = [1, 7, 100, 3000, 20_000, 70_000];

/** Random exchanges on one pair of codecs. */
class Workload {
  readonly echoes: Echo[] = [];
  readonly pair: H2Pair;
  readonly exchanges: Exchange[] = [];
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
    this.pair = new H2Pair({
      highWater: this.#size(),
      server: { protocol: this.#protocol() },
      client: { protocol: this.#protocol() },
      onStream: (sender) => {
        const echo = new Echo(sender, this.#size());
        this.echoes.push(echo);
        return echo;
      },
    });
    const count = 1 + randomBelow(random, 8);
    for (let index = 0; index < count; index += 1) this.#begin(index);
  }

  get isOver(): boolean {
    return this.exchanges.every(({ call }) => call.message.isComplete);
  }

  /** Carries a piece over; receivers pause and go on at random. */
  step(): void {
    this.pair.step(this.#random);
    for (const { call } of this.exchanges) {
      if (randomBelow(this.#random, 10) === 0) call.sender?.pauseReading();
      else call.sender?.resumeReading();
    }
  }

  /** What went wrong; '' when nothing did. */
  fault(): string {
    for (const { call, expected } of this.exchanges) {
      const { text, reset } = call.message;
      if (text !== expected || reset !== '') {
        return `${text.length} octets of ${expected.length} ${reset}`;
      }
    }
    this.pair.run();
    const isClosed = this.echoes.every((echo) => echo.closed === 1);
    return isClosed ? '' : 'an exchange was not closed once';
  }

  #begin(index: number): void {
    const random = this.#random;
    const call = new Call();
    const sender = this.pair.client.openStream(call);
    call.sender = sender;
    const text = String.fromCharCode(97 + index).repeat(randomBelow(random, this.#size()));
    const hasTrailers = randomBelow(random, 2) === 0;
    const isBodyless = randomBelow(random, 4) === 0;
    const end = hasTrailers ? '|x-end: yes' : '';
    const body = isBodyless ? '' : `${text}${end}${end}`;
    this.exchanges.push({ call, expected: `POST /${index} ${body}` });
    sender.sendRequestHead(request(`/${index}`), isBodyless);
    if (!isBodyless) {
      const size = Math.max(this.#size(), Math.ceil(text.length / 50));
      call.writer = new Writer(sender, text, { size, hasTrailers });
      call.writer.pump();
    }
    if (randomBelow(random, 2) === 0) this.pair.step(random);
  }

  #size(): number {
    return SIZES[randomBelow(this.#random, SIZES.length)] as number;
  }

  #protocol(): H2ProtocolOptions {
    const window = 65_535 + randomBelow(this.#random, 100_000);
    return {
      ...DEFAULTS,
      hpackTableSize: [0, 100, 4096][randomBelow(this.#random, 3)] as number,
      initialStreamWindowSize: window,
      initialConnectionWindowSize: window,
      maxOutboundFrames: 1_000_000,
    };
  }
}

const RUNS = 200;
/** Octet by octet the largest exchange takes fewer. */
const MAX_STEPS = 50_000;

t.test('random exchanges arrive whole through any cuts, windows and full sinks', (t) => {
  const seed = testSeed();
  const random = seededRandom(seed);
  for (let run = 0; run < RUNS; run += 1) {
    const work = new Workload(random);
    let steps = 0;
    for (; !work.isOver && steps < MAX_STEPS; steps += 1) work.step();
    const fault = work.isOver ? work.fault() : `no end after ${steps} steps`;
    if (fault !== '') {
      t.fail(`seed ${seed}, run ${run}: ${fault}`);
      break;
    }
    work.pair.assertNothingLeft();
  }
  t.pass(`seed ${seed}`);
  t.end();
});
