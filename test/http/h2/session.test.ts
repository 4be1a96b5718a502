import t from 'tap';
import { DEFAULT_H2_PROTOCOL_OPTIONS } from '../../../proxy/http/h2/options.ts';
import { SETTINGS_TIMEOUT_MS } from '../../../proxy/http/h2/settings-timer.ts';
import { HeaderList } from '../../../proxy/http/header-list.ts';
import { RequestHead, ResponseHead } from '../../../proxy/http/message.ts';
import type { RequestReceiver, ResponseReceiver } from '../../../proxy/http/stream.ts';
import { get, post } from '../../conformance/codec/h2-case.ts';
import {
  dataFrame,
  FLAG,
  PREFACE,
  pingFrame,
  resetFrame,
  settingsAck,
  settingsFrame,
  windowFrame,
} from '../../support/h2-frames.ts';
import { H2Pair } from '../../support/h2-pair.ts';
import { ServerWire, type WireRequest } from '../../support/h2-server-wire.ts';
import { nonZero } from '../../support/h2-services.ts';

const PROTOCOL = DEFAULT_H2_PROTOCOL_OPTIONS;
const nothing = (): void => undefined;
const NOBODY: ResponseReceiver = {
  onInformational: nothing,
  onResponseHead: nothing,
  onData: nothing,
  onTrailers: nothing,
  onReset: nothing,
  onWritable: nothing,
};
const NOBODY_ASKS: RequestReceiver = {
  onRequestHead: nothing,
  onData: nothing,
  onTrailers: nothing,
  onReset: nothing,
  onProtocolError: nothing,
  onWritable: nothing,
  onClosed: nothing,
};

function only(wire: ServerWire): WireRequest {
  const request = wire.requests.at(-1);
  if (request === undefined) throw new Error('no request');
  return request;
}

t.test('a server begins as Envoy does', (t) => {
  const wire = new ServerWire();
  wire.send(PREFACE, settingsFrame(), get(1));
  t.same(wire.frames(), [
    'SETTINGS 1=4096 8=0 3=1024 4=16777216',
    'WINDOW_UPDATE 0 +25100289',
    'SETTINGS ACK',
  ]);
  t.end();
});

t.test('a client says nothing before its first stream, and then refuses pushes', (t) => {
  const pair = new H2Pair({ onStream: () => t.fail() as never });
  t.equal(pair.clientSink.bufferedBytes, 0);
  pair.client.openStream(NOBODY);
  const bytes = pair.clientSink.take();
  t.equal(bytes.subarray(0, 24).toString('latin1'), PREFACE.toString('latin1'));
  t.equal(bytes.readUIntBE(24, 3), 30);
  t.equal(bytes.subarray(33, 39).toString('hex'), '000200000000');
  t.end();
});

t.test('further settings are announced behind our own', (t) => {
  const wire = new ServerWire({ customSettings: [{ identifier: 0x1234, value: 5 }] });
  wire.send(PREFACE, settingsFrame());
  t.match(wire.frames()[0], /4=16777216 4660=5$/);
  t.end();
});

t.test('SETTINGS that are not acknowledged in time end the connection', (t) => {
  const wire = new ServerWire();
  wire.send(PREFACE, settingsFrame(), get(1));
  wire.services.clock.advance(SETTINGS_TIMEOUT_MS - 20);
  t.equal(wire.failure, '');
  wire.services.clock.advance(40);
  t.equal(wire.failure, 'codec_error:SETTINGS_not_acknowledged_in_time');
  t.match(wire.frames().at(-1), /^GOAWAY 1 SETTINGS_TIMEOUT/);
  t.match(only(wire).reset, /^protocol-error/);
  t.equal(wire.services.timers.armedCount, 0);
  t.end();
});

t.test('an acknowledgement in time ends the waiting', (t) => {
  const wire = new ServerWire().greet();
  t.equal(wire.services.timers.armedCount, 0);
  t.end();
});

t.test('draining takes two steps and ends behind the open streams', (t) => {
  const wire = new ServerWire().greet();
  wire.send(post(1));
  const first = only(wire);
  wire.codec.announceDrain();
  wire.send(get(3));
  only(wire).answer('x');
  t.same(wire.frames(), ['GOAWAY 2147483647 NO_ERROR', 'HEADERS 3 1', 'DATA 3 1 END_STREAM']);
  wire.codec.drain();
  t.same(wire.frames(), ['GOAWAY 3 NO_ERROR']);
  wire.send(get(5), post(7), dataFrame(7, 'x', true));
  t.same(wire.frames(), [], 'what is refused by GOAWAY is ignored');
  t.equal(wire.requests.length, 2);
  t.equal(wire.done, null);
  wire.send(dataFrame(1, 'x', true));
  first.answer('y');
  t.same(wire.frames(), ['HEADERS 1 1', 'DATA 1 1 END_STREAM']);
  t.same(wire.done, { kind: 'message-end' });
  t.equal(wire.counters.goawaySent.value, 1, 'as Envoy: the announcement is not counted');
  t.end();
});

t.test('draining an idle connection ends it at once, however often it is asked for', (t) => {
  const wire = new ServerWire().greet();
  wire.codec.drain();
  wire.codec.drain();
  wire.codec.announceDrain();
  t.same(wire.frames(), ['GOAWAY 0 NO_ERROR']);
  t.same(wire.done, { kind: 'message-end' });
  t.end();
});

t.test('a client that ends its half, and a connection that is gone, end every stream', (t) => {
  for (const end of ['onEnd', 'onClose'] as const) {
    const wire = new ServerWire().greet();
    wire.send(post(1), get(3));
    wire.requests[0]?.answer('x', false);
    if (end === 'onEnd') wire.codec.onEnd();
    else wire.codec.onClose('gone');
    t.ok(wire.requests.every(({ reset }) => reset.startsWith('connection-termination')));
    t.equal(wire.closedStreams, 2);
    t.equal(wire.codec.activeStreams, 0);
    t.same(wire.done, end === 'onEnd' ? { kind: 'peer-closed' } : null);
    t.equal(wire.services.timers.armedCount, 0);
    t.equal(wire.counters.streamsActive.value, 0);
  }
  t.end();
});

t.test('content waits for the windows of stream and connection, and is counted', (t) => {
  const wire = new ServerWire().greet([[4, 10]]);
  wire.send(get(1));
  const request = only(wire);
  t.equal(request.answer('0123456789abc', false), false);
  t.same(wire.frames(), ['HEADERS 1 1', 'DATA 1 10']);
  t.equal(wire.counters.pendingSendBytes.value, 3);
  t.equal(request.writable, 0);
  wire.send(windowFrame(1, 2));
  t.same(wire.frames(), ['DATA 1 2']);
  t.equal(request.writable, 0);
  wire.send(windowFrame(1, 2));
  t.same(wire.frames(), ['DATA 1 1']);
  t.equal(request.writable, 1, 'told once everything left');
  t.equal(wire.counters.pendingSendBytes.value, 0);
  t.equal(request.sender.sendData(Buffer.from('z'), true), true);
  t.same(wire.frames(), ['DATA 1 1 END_STREAM']);
  t.equal(request.closed, 1);
  t.end();
});

t.test('streams that wait for the connection take turns, a frame each', (t) => {
  const wire = new ServerWire().greet([[4, 1_000_000]]);
  wire.send(get(1), get(3), get(5));
  wire.requests[0]?.answer('a'.repeat(65_535), false);
  for (const request of wire.requests) {
    if (request !== wire.requests[0]) request.answer('b'.repeat(40_000));
    else request.sender.sendData(Buffer.alloc(40_000, 'a'), true);
  }
  wire.frames();
  wire.send(windowFrame(0, 200_000));
  const order = wire.frames().map((text) => text.split(' ')[1]);
  t.same(order, ['1', '3', '5', '1', '3', '5', '1', '3', '5']);
  t.end();
});

t.test('frames are not larger than the peer says', (t) => {
  const wire = new ServerWire().greet([
    [4, 1_000_000],
    [5, 30_000],
  ]);
  wire.send(windowFrame(0, 1_000_000), get(1));
  only(wire).answer('a'.repeat(100_000));
  t.same(wire.frames().slice(1), [
    'DATA 1 30000',
    'DATA 1 30000',
    'DATA 1 30000',
    'DATA 1 10000 END_STREAM',
  ]);
  t.end();
});

t.test('a full sink holds content back until it has drained', (t) => {
  const wire = new ServerWire({}, { highWater: 1000 }).greet();
  wire.send(get(1), get(3));
  t.equal(wire.requests[0]?.answer('a'.repeat(2000), false), false);
  t.equal(wire.requests[1]?.answer('b', false), false);
  t.equal(wire.counters.pendingSendBytes.value, 1, 'what was given behind that waits');
  t.ok(wire.counters.outboundFramesActive.value > 0);
  wire.frames();
  t.equal(wire.requests[0]?.writable, 1);
  t.equal(wire.requests[1]?.writable, 1);
  t.equal(wire.counters.outboundFramesActive.value, 0);
  t.same(wire.frames(), ['DATA 3 1']);
  t.end();
});

t.test('what is taken in is given back when half of a window is used', (t) => {
  const wire = new ServerWire({
    initialStreamWindowSize: 65_536,
    initialConnectionWindowSize: 131_072,
  }).greet();
  wire.send(post(1));
  wire.send(dataFrame(1, 'x'.repeat(16_384)));
  t.same(wire.frames(), []);
  wire.send(dataFrame(1, 'x'.repeat(16_384)));
  t.same(wire.frames(), ['WINDOW_UPDATE 1 +32768']);
  wire.send(dataFrame(1, 'x'.repeat(16_384)), dataFrame(1, 'x'.repeat(16_384)));
  t.same(wire.frames(), ['WINDOW_UPDATE 0 +65536', 'WINDOW_UPDATE 1 +32768']);
  t.end();
});

t.test('a paused stream keeps its content and its share of the connection', (t) => {
  const wire = new ServerWire({
    initialStreamWindowSize: 65_536,
    initialConnectionWindowSize: 65_536,
  }).greet();
  wire.send(post(1), dataFrame(1, 'a'));
  const request = only(wire);
  request.sender.pauseReading();
  wire.send(
    dataFrame(1, 'b'.repeat(16_000)),
    dataFrame(1, 'c'.repeat(16_000)),
    dataFrame(1, 'd'.repeat(16_000), true),
  );
  t.equal(request.body, 'a');
  t.same(wire.frames(), []);
  request.sender.resumeReading();
  t.equal(request.body, 'a', 'not while the receiver calls');
  wire.services.endTurn();
  t.equal(request.body.length, 48_001);
  t.equal(request.isComplete, true);
  t.match(wire.frames(), ['WINDOW_UPDATE 0 +48001']);
  t.end();
});

t.test('a stream that only its receiver keeps open is counted', (t) => {
  const pair = new H2Pair({
    onStream: (sender) => {
      sender.sendResponseHead(new ResponseHead(200, HeaderList.empty()), false);
      sender.sendData(Buffer.from('x'), true);
      return NOBODY_ASKS;
    },
  });
  let isComplete = false;
  const sender = pair.client.openStream({
    ...NOBODY,
    onResponseHead: () => sender.pauseReading(),
    onData: (_, endStream) => {
      isComplete = endStream;
    },
  });
  const target = { path: '/', authority: 'h', scheme: 'http' };
  sender.sendRequestHead(new RequestHead('HTTP/2', 'GET', target, HeaderList.empty()), true);
  pair.run();
  t.equal(isComplete, false);
  t.equal(pair.clientCounters.deferredStreamClose.value, 1);
  sender.resumeReading();
  pair.run();
  t.equal(isComplete, true);
  t.equal(pair.clientCounters.deferredStreamClose.value, 0);
  t.equal(pair.clientClosed, 1);
  pair.assertNothingLeft();
  t.end();
});

t.test('a stream that is reset while paused gives the connection its share back', (t) => {
  const wire = new ServerWire({
    initialStreamWindowSize: 65_536,
    initialConnectionWindowSize: 65_536,
  }).greet();
  wire.send(post(1));
  only(wire).sender.pauseReading();
  wire.send(
    dataFrame(1, 'b'.repeat(16_000)),
    dataFrame(1, 'c'.repeat(16_000)),
    dataFrame(1, 'd'.repeat(16_000)),
  );
  wire.send(resetFrame(1, 'CANCEL'));
  t.same(wire.frames(), ['WINDOW_UPDATE 0 +48000']);
  wire.services.endTurn();
  t.equal(only(wire).body, '');
  t.end();
});

t.test('more DATA than a window allows', (t) => {
  const options = { initialStreamWindowSize: 65_535, initialConnectionWindowSize: 200_000 };
  const wire = new ServerWire(options).greet();
  wire.send(post(1));
  only(wire).sender.pauseReading();
  for (let index = 0; index < 3; index += 1) wire.send(dataFrame(1, 'x'.repeat(16_384)));
  wire.send(dataFrame(1, 'x'.repeat(16_383)));
  t.same(wire.frames(), [], 'at the limit');
  wire.send(dataFrame(1, 'x'));
  t.match(wire.frames(), ['RST_STREAM 1 FLOW_CONTROL_ERROR']);
  t.equal(only(wire).reset, 'protocol-error http2.remote_reset');
  t.end();
});

t.test('more DATA than the window of the connection allows', (t) => {
  const options = { initialStreamWindowSize: 1_000_000, initialConnectionWindowSize: 65_535 };
  const wire = new ServerWire(options).greet();
  wire.send(post(1));
  only(wire).sender.pauseReading();
  for (let index = 0; index < 3; index += 1) wire.send(dataFrame(1, 'x'.repeat(16_384)));
  wire.send(dataFrame(1, 'x'.repeat(16_383)));
  t.equal(wire.failure, '', 'at the limit');
  wire.send(dataFrame(1, 'x'));
  t.match(wire.failure, /window_of_the_connection/);
  t.match(wire.frames().at(-1), /FLOW_CONTROL_ERROR/);
  t.end();
});

t.test('a whole response that the client does not take is given up', (t) => {
  const wire = new ServerWire({}, { streamFlushTimeoutMs: 1000 }).greet([[4, 4]]);
  wire.send(get(1));
  only(wire).answer('0123456789');
  wire.services.clock.advance(900);
  wire.send(windowFrame(1, 1));
  wire.services.clock.advance(900);
  t.equal(only(wire).reset, '', 'progress buys time');
  wire.services.clock.advance(120);
  t.match(only(wire).reset, /^local-reset/);
  t.equal(wire.counters.txFlushTimeout.value, 1);
  t.match(wire.frames().at(-1), 'RST_STREAM 1 INTERNAL_ERROR');
  t.equal(wire.counters.pendingSendBytes.value, 0);
  t.equal(wire.services.timers.armedCount, 0);
  t.end();
});

t.test('a response keeps its content-length or is reset', (t) => {
  for (const body of ['ab', 'abcd']) {
    const wire = new ServerWire().greet();
    wire.send(get(1));
    const { sender } = only(wire);
    sender.sendResponseHead(new ResponseHead(200, HeaderList.of('content-length', '3')), false);
    sender.sendData(Buffer.from(body), true);
    t.same(wire.frames().slice(1), ['RST_STREAM 1 INTERNAL_ERROR']);
    t.equal(wire.closedStreams, 1);
  }
  t.end();
});

t.test('answers to HEAD, 204 and 304 have no content, whatever is given', (t) => {
  for (const status of [204, 304]) {
    const wire = new ServerWire().greet();
    wire.send(get(1));
    const { sender } = only(wire);
    sender.sendResponseHead(new ResponseHead(status, HeaderList.empty()), false);
    t.equal(sender.sendData(Buffer.from('surplus'), false), true);
    sender.sendData(Buffer.from('surplus'), true);
    t.same(wire.frames().slice(1), ['DATA 1 0 END_STREAM']);
  }
  t.end();
});

t.test('octets of a stream are counted with their frames', (t) => {
  const wire = new ServerWire().greet();
  const head = post(1);
  wire.send(head, dataFrame(1, 'abc', true));
  const request = only(wire);
  request.answer('hello');
  const [first] = wire.frames();
  t.equal(request.sender.wireBytesReceived, head.length + 12);
  t.equal(request.sender.headerBytesReceived, head.length);
  const headBytes = 9 + Number(first?.split(' ')[2]);
  t.equal(request.sender.headerBytesSent, headBytes);
  t.equal(request.sender.wireBytesSent, headBytes + 14);
  t.end();
});

const KEEPALIVE = {
  intervalMs: 1000,
  timeoutMs: 500,
  intervalJitterPercent: 0,
  connectionIdleIntervalMs: 0,
};

t.test('PINGs that are answered go on at their interval', (t) => {
  const wire = new ServerWire({ keepalive: KEEPALIVE }).greet();
  const payload = Buffer.alloc(8);
  wire.services.clock.advance(1010);
  for (let round = 1; round < 4; round += 1) {
    t.same(wire.frames(), ['PING']);
    payload[7] = round;
    wire.send(pingFrame(payload.toString('latin1'), FLAG.ACK));
    wire.services.clock.advance(980);
    t.same(wire.frames(), []);
    wire.services.clock.advance(40);
  }
  t.equal(wire.done, null);
  t.end();
});

t.test('a PING without an answer ends the connection', (t) => {
  const wire = new ServerWire({ keepalive: KEEPALIVE }).greet();
  wire.send(get(1));
  wire.services.clock.advance(1010);
  wire.services.clock.advance(510);
  t.same(wire.done, { kind: 'reset' });
  t.equal(wire.counters.keepaliveTimeout.value, 1);
  t.equal(only(wire).reset, 'connection-termination http2_ping_timeout');
  t.equal(wire.services.timers.armedCount, 0);
  t.end();
});

t.test('a peer that sends while its answer is awaited is not given up', (t) => {
  const wire = new ServerWire({ keepalive: KEEPALIVE }).greet();
  wire.services.clock.advance(1010);
  wire.send(windowFrame(0, 1));
  wire.services.clock.advance(510);
  t.equal(wire.done, null);
  wire.services.clock.advance(510);
  t.same(wire.done, { kind: 'reset' });
  t.end();
});

t.test('a stream behind a long silence sends a PING along', (t) => {
  const keepalive = { ...KEEPALIVE, intervalMs: 0, connectionIdleIntervalMs: 2000 };
  const pair = new H2Pair({
    client: { protocol: { ...PROTOCOL, keepalive } },
    onStream: (sender) => {
      sender.sendResponseHead(new ResponseHead(204, HeaderList.empty()), true);
      return NOBODY_ASKS;
    },
  });
  const call = (): void => {
    const head = new RequestHead(
      'HTTP/2',
      'GET',
      { path: '/', authority: 'h', scheme: 'http' },
      HeaderList.empty(),
    );
    pair.client.openStream(NOBODY).sendRequestHead(head, true);
  };
  call();
  pair.run();
  const before = pair.clientSink.bufferedBytes;
  call();
  const plain = pair.clientSink.bufferedBytes - before;
  pair.run();
  pair.services.clock.advance(2100);
  call();
  t.equal(pair.clientSink.bufferedBytes, plain + 17);
  pair.run();
  pair.services.clock.advance(600);
  t.equal(pair.clientDone, null, 'it was answered');
  pair.assertNothingLeft();
  t.end();
});

t.test('a client opens as many streams as the server takes', (t) => {
  const pair = new H2Pair({
    server: { protocol: { ...PROTOCOL, maxConcurrentStreams: 3 } },
    onStream: () => NOBODY_ASKS,
  });
  t.equal(pair.client.peerStreamLimit, -1);
  t.equal(pair.client.availableStreams, 1024);
  const sender = pair.client.openStream(NOBODY);
  t.equal(pair.client.availableStreams, 1023);
  pair.run();
  t.equal(pair.client.peerStreamLimit, 3);
  t.equal(pair.client.availableStreams, 2);
  t.equal(pair.capacityChanges, 1);
  sender.reset('local-reset');
  t.equal(pair.client.availableStreams, 3);
  t.equal(pair.clientClosed, 1);
  pair.server.drain();
  pair.run();
  t.equal(pair.client.availableStreams, 0);
  t.equal(pair.client.isGoingAway, true);
  t.same(pair.clientDone, { kind: 'message-end' });
  pair.assertNothingLeft();
  t.end();
});

t.test('nothing is left of a connection that ends in the middle of everything', (t) => {
  const wire = new ServerWire({ keepalive: KEEPALIVE }, { highWater: 100 }).greet([[4, 10]]);
  wire.send(post(1), post(3), get(5), get(7));
  wire.requests[0]?.sender.pauseReading();
  wire.send(dataFrame(1, 'abc'));
  wire.requests[2]?.answer('x'.repeat(500));
  wire.requests[3]?.answer('x'.repeat(500), false);
  wire.codec.onClose('gone');
  wire.services.endTurn();
  t.equal(wire.services.timers.armedCount, 0);
  const gauges = Object.keys(nonZero(wire.counters)).filter((name) => /Active$|pending/.test(name));
  t.same(gauges, []);
  t.end();
});

t.test('whoever is told of one reset may reset the others', (t) => {
  const wire = new ServerWire().greet();
  wire.onRequest = (request) => {
    request.onReset = () => {
      for (const other of wire.requests) other.sender.reset('local-reset');
    };
  };
  wire.send(post(1), post(3), post(5), settingsAck(), resetFrame(3, 'CANCEL'));
  t.equal(wire.closedStreams, 3);
  t.same(wire.frames(), ['RST_STREAM 1 INTERNAL_ERROR', 'RST_STREAM 5 INTERNAL_ERROR']);
  t.end();
});
