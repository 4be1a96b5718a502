import t from 'tap';
import type { ClientCodecHandler, CodecDone } from '../../proxy/http/codec.ts';
import { HeaderList } from '../../proxy/http/header-list.ts';
import { RequestHead, type ResponseHead } from '../../proxy/http/message.ts';
import type { ResponseReceiver } from '../../proxy/http/stream.ts';
import { TunnelCodec } from '../../proxy/http/tunnel-codec.ts';
import { RecordingSink } from '../support/recording-sink.ts';

class Manual implements ClientCodecHandler, ResponseReceiver {
  readonly sink = new RecordingSink();
  readonly codec = new TunnelCodec(this.sink, this);
  readonly #events: string[] = [];

  open(method = 'CONNECT', endStream = false): this {
    const target = { path: '', authority: 'h:1', scheme: 'http' };
    const head = new RequestHead('HTTP/1.1', method, target, HeaderList.of('a', 'b'));
    const sender = this.codec.openStream(this);
    sender.sendRequestHead(head, endStream);
    return this;
  }

  receive(text: string): this {
    const bytes = Buffer.from(text, 'latin1');
    this.codec.onBytes(bytes, 0, bytes.length);
    return this;
  }

  send(text: string, endStream = false): boolean {
    return this.codec.sendData(Buffer.from(text), endStream);
  }

  take(): string[] {
    return this.#events.splice(0);
  }

  onInformational(): void {
    this.#events.push('1xx');
  }

  onResponseHead(head: ResponseHead, endStream: boolean): void {
    this.#events.push(`head ${head.status}${endStream ? ' end' : ''}`);
  }

  onData(data: Buffer, endStream: boolean): void {
    this.#events.push(`data ${data.toString('latin1')}${endStream ? ' end' : ''}`);
  }

  onTrailers(): void {
    this.#events.push('trailers');
  }

  onReset(reason: string): void {
    this.#events.push(`reset ${reason}`);
  }

  onWritable(): void {
    this.#events.push('writable');
  }

  onStreamClosed(reason: string | null): void {
    this.#events.push(`closed ${reason}`);
  }

  onCapacityChanged(): void {
    this.#events.push('capacity');
  }

  onConnectionDone(reason: CodecDone): void {
    this.#events.push(`done ${reason.kind}`);
  }
}

t.test('a connection is agreement, and nothing of the head leaves', async (t) => {
  const tunnel = new Manual();
  t.equal(tunnel.codec.availableStreams, 1);
  tunnel.open();
  t.same(tunnel.take(), ['head 200']);
  t.equal(tunnel.sink.text, '');
  t.equal(tunnel.codec.availableStreams, 0);
  tunnel.receive('banner');
  t.ok(tunnel.send('abc'));
  t.equal(tunnel.sink.text, 'abc');
  t.same(tunnel.take(), ['data banner']);
  t.equal(tunnel.codec.wireBytesReceived, 6);
  t.equal(tunnel.codec.wireBytesSent, 3);
});

t.test('each side ends on its own', async (t) => {
  const first = new Manual().open();
  first.send('bye', true);
  t.ok(first.sink.isHalfClosed);
  first.receive('late').codec.onEnd();
  t.same(first.take(), ['head 200', 'data late', 'data  end', 'closed null', 'done message-end']);

  const second = new Manual().open();
  second.codec.onEnd();
  t.same(second.take(), ['head 200', 'data  end']);
  t.equal(second.codec.activeStreams, 1);
  second.send('late', true);
  t.equal(second.sink.text, 'late');
  t.same(second.take(), ['closed null', 'done message-end']);
});

t.test('the answer to a POST does not outlive its server’s end', async (t) => {
  const tunnel = new Manual().open('POST');
  tunnel.send('abc');
  tunnel.codec.onEnd();
  t.same(tunnel.take(), ['head 200', 'data  end', 'closed local-reset', 'done reset']);
});

t.test('a POST without content ends its side at once', async (t) => {
  const tunnel = new Manual().open('POST', true);
  t.ok(tunnel.sink.isHalfClosed);
  tunnel.receive('a').codec.onEnd();
  t.same(tunnel.take(), ['head 200', 'data a', 'data  end', 'closed null', 'done message-end']);
});

t.test('trailers end the request and go no further', async (t) => {
  const tunnel = new Manual().open('POST');
  tunnel.codec.sendTrailers();
  t.ok(tunnel.sink.isHalfClosed);
  t.ok(tunnel.send('late'), 'what follows is dropped');
  t.equal(tunnel.sink.text, '');
});

t.test('back-pressure goes both ways', async (t) => {
  const tunnel = new Manual().open();
  tunnel.sink.isFull = true;
  t.notOk(tunnel.send('abc'));
  tunnel.codec.onDrain();
  tunnel.codec.onDrain();
  t.same(tunnel.take(), ['head 200', 'writable']);
  tunnel.codec.pauseReading();
  t.ok(tunnel.sink.isPaused);
  tunnel.codec.resumeReading();
  t.notOk(tunnel.sink.isPaused);
});

t.test('a reset ends it, whoever resets', async (t) => {
  const ours = new Manual().open();
  ours.codec.pauseReading();
  ours.codec.reset('local-reset');
  t.same(ours.take(), ['head 200', 'closed local-reset', 'done reset']);
  t.notOk(ours.sink.isPaused, 'a connection that ends is read');
  ours.codec.onClose('');
  ours.codec.reset('local-reset');
  t.same(ours.take(), []);
  const theirs = new Manual().open();
  theirs.codec.onClose('Connection reset by peer');
  t.same(theirs.take(), [
    'head 200',
    'reset connection-termination',
    'closed connection-termination',
  ]);
});

t.test(
  'a connection that nobody uses yet ends when its server says or ends anything',
  async (t) => {
    const speaking = new Manual().receive('banner');
    t.same(speaking.take(), ['done peer-closed']);
    t.equal(speaking.codec.availableStreams, 0);
    const ending = new Manual();
    ending.codec.onEnd();
    t.same(ending.take(), ['done peer-closed']);
  },
);
