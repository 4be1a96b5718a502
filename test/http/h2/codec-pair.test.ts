import t from 'tap';
import { randomBelow } from '../../../proxy/base/random.ts';
import { DEFAULT_H2_PROTOCOL_OPTIONS as DEFAULTS } from '../../../proxy/http/h2/options.ts';
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

function get(path: string, method = 'GET'): RequestHead {
  const target = { path, authority: 'h.test', scheme: 'http' };
  return new RequestHead('HTTP/2', method, target, HeaderList.of('x-id', path));
}

/** Writes a text piece by piece as its sender allows. */
class Writer {
  #left: Buffer;
  readonly #sender: StreamSender;
  readonly #size: number;
  readonly #trailers: boolean;
  isWaiting = false;

  constructor(sender: StreamSender, text: string, size: number, trailers: boolean) {
    this.#sender = sender;
    this.#left = Buffer.from(text, 'latin1');
    this.#size = size;
    this.#trailers = trailers;
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
    this.#writer = new Writer(this.#sender, this.message.text, size, hasTrailers);
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

t.test('random exchanges arrive whole through any cuts, windows and full sinks', (t) => {
  const seed = testSeed();
  t.comment(`seed ${seed}`);
  const random = seededRandom(seed);
  for (let run = 0; run < 200; run += 1) {
    const sizes = [1, 7, 100, 3000, 20_000, 70_000];
    const pick = (): number => sizes[randomBelow(random, sizes.length)] as number;
    const protocolOf = (window: number) => ({
      ...DEFAULTS,
      hpackTableSize: [0, 100, 4096][randomBelow(random, 3)] as number,
      initialStreamWindowSize: window,
      initialConnectionWindowSize: Math.max(65_535, window),
      maxOutboundFrames: 1_000_000,
    });
    const echoes: Echo[] = [];
    const pair = new H2Pair({
      highWater: pick(),
      server: { protocol: { ...protocolOf(65_535 + randomBelow(random, 100_000)) } },
      client: { protocol: { ...protocolOf(65_535 + randomBelow(random, 100_000)) } },
      onStream: (sender) => {
        const echo = new Echo(sender, pick());
        echoes.push(echo);
        return echo;
      },
    });
    const calls: { call: Call; expected: string }[] = [];
    const count = 1 + randomBelow(random, 8);
    for (let index = 0; index < count; index += 1) {
      const call = new Call();
      const sender = pair.client.openStream(call);
      call.sender = sender;
      const text = String.fromCharCode(97 + index).repeat(randomBelow(random, pick()));
      const hasTrailers = randomBelow(random, 2) === 0;
      const isBodyless = randomBelow(random, 4) === 0;
      const body = isBodyless ? '' : `${text}${hasTrailers ? '|x-end: yes' : ''}`;
      const answer = `POST /${index} ${body}${hasTrailers && !isBodyless ? '|x-end: yes' : ''}`;
      calls.push({ call, expected: answer });
      sender.sendRequestHead(get(`/${index}`, 'POST'), isBodyless);
      if (!isBodyless) {
        call.writer = new Writer(sender, text, Math.max(pick(), text.length / 50), hasTrailers);
        call.writer.pump();
      }
      if (randomBelow(random, 2) === 0) pair.step(random);
    }
    for (let steps = 0; calls.some(({ call }) => !call.message.isComplete); steps += 1) {
      const moved = pair.step(random);
      for (const { call } of calls) {
        if (randomBelow(random, 10) === 0) call.sender?.pauseReading();
        else call.sender?.resumeReading();
      }
      if (steps > 20_000) {
        const what = calls.map(
          ({ call, expected }) =>
            `${call.status} ${call.message.text.length}/${expected.length} ${call.message.reset}`,
        );
        t.fail(`seed ${seed}, run ${run}: no end after ${steps} steps: ${what} ${moved}`, {
          c: pair.clientDone,
          s: pair.serverDone,
        });
        t.end();
        return;
      }
    }
    for (const { call, expected } of calls) {
      if (call.message.text !== expected || call.message.reset !== '') {
        t.fail(
          `seed ${seed}, run ${run}: ${call.message.text.length} octets of ${expected.length}, ${call.message.reset}`,
        );
        t.end();
        return;
      }
    }
    pair.run();
    if (echoes.some((echo) => echo.closed !== 1))
      t.fail(`seed ${seed}, run ${run}: not closed once`);
    pair.assertNothingLeft();
  }
  t.pass('all of them');
  t.end();
});
