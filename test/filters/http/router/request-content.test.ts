import t from 'tap';
import { RequestBuffer } from '../../../../proxy/filters/http/router/request-buffer.ts';
import { RequestContent } from '../../../../proxy/filters/http/router/request-content.ts';
import { HeaderList } from '../../../../proxy/http/header-list.ts';
import type { RequestSender } from '../../../../proxy/http/stream.ts';

const CLIENT_IS_HELD_BACK_AT = 64 * 1024;

class FakeSender implements RequestSender {
  readonly wireBytesSent = 0;
  readonly wireBytesReceived = 0;
  readonly headerBytesSent = 0;
  readonly headerBytesReceived = 0;
  readonly sent: string[] = [];
  isSlow = false;

  sendRequestHead(): void {
    this.sent.push('head');
  }

  sendData(data: Buffer, endStream: boolean): boolean {
    this.sent.push(`${data.toString()}${endStream ? ' end' : ''}`);
    return !this.isSlow;
  }

  sendTrailers(trailers: HeaderList): void {
    this.sent.push(trailers.toFieldLines().trim());
  }

  reset(): void {
    this.sent.push('reset');
  }

  pauseReading(): void {}
  resumeReading(): void {}
}

function bytes(text: string): Buffer {
  return Buffer.from(text);
}

t.test('content waits for a connection, and is what it was', async (t) => {
  const content = new RequestContent(false, null);
  const sender = new FakeSender();
  const borrowed = bytes('abc');
  t.ok(content.send(null, borrowed, false));
  borrowed.fill('!');
  t.ok(content.isKeptBack);
  t.ok(content.release(sender, false));
  t.same(sender.sent, ['abc']);
  t.notOk(content.isKeptBack);
  content.send(sender, bytes('def'), true);
  t.same(sender.sent, ['abc', 'def end']);
});

t.test('nothing of a tunnel leaves before the upstream agrees', async (t) => {
  const content = new RequestContent(true, null);
  const sender = new FakeSender();
  content.send(null, bytes('a'), false);
  content.send(sender, bytes('b'), false);
  content.release(sender, false);
  t.same(sender.sent, [], 'a connection is not enough');
  t.ok(content.isAwaiting);
  t.ok(content.isRepeatable, 'it can go to another upstream');
  content.decide(true);
  content.release(sender, false);
  t.same(sender.sent, ['a', 'b']);
  t.notOk(content.isRepeatable);
});

t.test('the end that came early leaves with what was kept back', async (t) => {
  const content = new RequestContent(true, null);
  const sender = new FakeSender();
  content.send(null, bytes('a'), false);
  content.send(null, bytes(''), true);
  content.decide(true);
  content.release(sender, true);
  t.same(sender.sent, ['a end']);
});

t.test('what was meant for a tunnel goes nowhere when there is none', async (t) => {
  const content = new RequestContent(true, null);
  const sender = new FakeSender();
  content.send(sender, bytes('early'), false);
  content.decide(false);
  t.ok(content.release(sender, true));
  t.ok(content.send(sender, bytes('late'), true), 'and nobody is held back for it');
  content.sendTrailers(sender, HeaderList.of('a', 'b'));
  t.same(sender.sent, []);
});

t.test('trailers keep their place', async (t) => {
  const content = new RequestContent(false, null);
  const sender = new FakeSender();
  content.send(null, bytes('a'), false);
  content.sendTrailers(null, HeaderList.of('b', 'c'));
  content.release(sender, true);
  t.same(sender.sent, ['a', 'b: c']);
  content.sendTrailers(sender, HeaderList.of('d', 'e'));
  t.equal(sender.sent.at(-1), 'd: e');
});

t.test('a client that sends too much too early is held back', async (t) => {
  const content = new RequestContent(true, null);
  t.ok(content.send(null, Buffer.alloc(CLIENT_IS_HELD_BACK_AT - 1), false));
  t.notOk(content.send(null, Buffer.alloc(1), false));
});

t.test('a slow upstream is told of', async (t) => {
  const content = new RequestContent(true, null);
  const sender = new FakeSender();
  sender.isSlow = true;
  content.send(null, bytes('a'), false);
  content.decide(true);
  t.notOk(content.release(sender, false));
  t.notOk(content.send(sender, bytes('b'), false));
});

t.test('retained content can go to another connection, from its beginning', async (t) => {
  const retained = new RequestBuffer(true);
  const content = new RequestContent(false, retained);
  const [first, second] = [new FakeSender(), new FakeSender()];
  retained.add(bytes('a'));
  content.send(null, bytes('a'), false);
  content.release(first, false);
  retained.add(bytes('b'));
  content.send(first, bytes('b'), false);
  t.same(first.sent, ['a', 'b']);
  t.ok(content.isRepeatable);
  content.rewind();
  retained.add(bytes('c'));
  content.send(null, bytes('c'), true);
  content.release(second, true);
  t.same(second.sent, ['a', 'b', 'c end']);
});

t.test('content that is retained no more still reaches who waits for it, once', async (t) => {
  const retained = new RequestBuffer(true);
  const content = new RequestContent(false, retained);
  const sender = new FakeSender();
  retained.add(bytes('a'));
  content.send(null, bytes('a'), false);
  retained.isRetained = false;
  content.send(null, bytes('b'), false);
  content.release(sender, false);
  content.send(sender, bytes('c'), true);
  t.same(sender.sent, ['a', 'b', 'c end']);
  t.notOk(content.isRepeatable);
});

t.test('a later attempt begins with all that is retained', async (t) => {
  const retained = new RequestBuffer(true);
  retained.add(bytes('a'));
  retained.trailers = HeaderList.of('b', 'c');
  for (const sender of [new FakeSender(), new FakeSender()]) {
    const content = new RequestContent(false, retained);
    t.ok(content.isKeptBack);
    content.release(sender, true);
    t.same(sender.sent, ['a', 'b: c']);
  }
});
