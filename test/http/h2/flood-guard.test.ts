import t from 'tap';
import { get, PSEUDO, post } from '../../conformance/codec/h2-case.ts';
import {
  dataFrame,
  FLAG,
  frame,
  headersFrame,
  pingFrame,
  resetFrame,
  settingsFrame,
  TYPE,
  windowFrame,
} from '../../support/h2-frames.ts';
import { ServerWire } from '../../support/h2-server-wire.ts';

function many(count: number, make: (index: number) => Buffer): Buffer {
  return Buffer.concat(Array.from({ length: count }, (_, index) => make(index)));
}

const PRIORITY = frame(TYPE.PRIORITY, 0, 1, Buffer.alloc(5));

t.test('answers to PING and SETTINGS that nobody reads are limited', (t) => {
  const cases = [pingFrame(), settingsFrame()];
  for (const one of cases) {
    const wire = new ServerWire({ maxOutboundControlFrames: 50 }).greet();
    wire.send(many(50, () => one));
    t.equal(wire.failure, '', 'at the limit');
    wire.send(one);
    t.equal(wire.failure, 'codec_error:Too_many_control_frames_in_the_outbound_queue.');
    t.equal(wire.counters.outboundControlFlood.value, 1);
    t.match(wire.frames().at(-1), /^GOAWAY 0 ENHANCE_YOUR_CALM/);
  }
  t.end();
});

t.test('what has left does not count any more', (t) => {
  const wire = new ServerWire({ maxOutboundControlFrames: 50 }).greet();
  for (let round = 0; round < 10; round += 1) {
    wire.send(many(50, () => pingFrame()));
    wire.frames();
  }
  t.equal(wire.failure, '');
  t.end();
});

t.test('frames of any kind that nobody reads are limited', (t) => {
  const wire = new ServerWire({ maxOutboundFrames: 20 }).greet();
  wire.send(get(1));
  const request = wire.requests[0];
  if (request === undefined) return t.end();
  request.answer('x', false);
  for (let index = 0; index < 18; index += 1) request.sender.sendData(Buffer.from('x'), false);
  wire.services.endTurn();
  t.equal(wire.failure, '', 'at the limit');
  request.sender.sendData(Buffer.from('x'), false);
  t.equal(wire.failure, '', 'not under the feet of whoever sends');
  wire.services.endTurn();
  t.equal(wire.failure, 'http2.outbound_frames_flood');
  t.equal(wire.counters.outboundFlood.value, 1);
  t.equal(request.reset, 'protocol-error http2.outbound_frames_flood');
  t.end();
});

t.test('empty frames in a row are limited', (t) => {
  const empties = [
    [dataFrame(1, '')],
    [frame(TYPE.DATA, FLAG.PADDED, 1, Buffer.of(2, 0, 0))],
    [headersFrame(1, Buffer.alloc(0), 0)],
  ];
  for (const [empty] of empties) {
    const wire = new ServerWire({ maxConsecutiveInboundFramesWithEmptyPayload: 3 }).greet();
    wire.send(post(1), dataFrame(1, ''), dataFrame(1, ''), dataFrame(1, ''));
    t.equal(wire.failure, '', 'at the limit');
    wire.send(empty as Buffer);
    t.equal(wire.failure, 'codec_error:Too_many_consecutive_frames_with_an_empty_payload');
    t.equal(wire.requests[0]?.reset, 'protocol-error http2.inbound_empty_frames_flood');
    t.equal(wire.counters.inboundEmptyFramesFlood.value, 1);
  }
  t.end();
});

t.test('content in between, and the end of a stream, are no flood', (t) => {
  const wire = new ServerWire().greet();
  wire.send(post(1));
  for (let round = 0; round < 20; round += 1) wire.send(dataFrame(1, ''), dataFrame(1, 'x'));
  wire.send(dataFrame(1, '', true));
  t.equal(wire.failure, '');
  t.equal(wire.requests[0]?.body.length, 20);
  t.end();
});

t.test('CONTINUATION frames behind one HEADERS are limited, empty or not', (t) => {
  const wire = new ServerWire({ maxConsecutiveInboundFramesWithEmptyPayload: 100 }).greet();
  const block = get(1).subarray(9);
  const pieces = (count: number, id: number): Buffer[] => [
    frame(TYPE.HEADERS, FLAG.END_STREAM, id, block.subarray(0, 10)),
    many(count - 1, (index) =>
      frame(TYPE.CONTINUATION, 0, id, block.subarray(10 + index, 11 + index)),
    ),
    frame(TYPE.CONTINUATION, FLAG.END_HEADERS, id, block.subarray(9 + count)),
  ];
  wire.send(...pieces(8, 1));
  t.equal(wire.failure, '', 'at the limit');
  t.equal(wire.requests[0]?.head?.path, '/');
  wire.send(...pieces(9, 3));
  t.equal(wire.failure, 'codec_error:Too_many_CONTINUATION_frames_following_a_HEADER_frame');
  t.equal(wire.counters.headerListSizeTooLarge.value, 1);
  t.end();
});

t.test('a block is not collected beyond what a head may be', (t) => {
  const wire = new ServerWire({}, { maxHeadBytes: 20_000 }).greet();
  const large = Buffer.alloc(16_000);
  wire.send(
    headersFrame(1, large, 0),
    frame(TYPE.CONTINUATION, 0, 1, large),
    frame(TYPE.CONTINUATION, 0, 1, large),
  );
  t.equal(wire.failure, '', 'below the limit');
  wire.send(frame(TYPE.CONTINUATION, 0, 1, large));
  t.equal(wire.failure, 'codec_error:header_block_far_beyond_the_limit_of_a_head');
  t.equal(wire.counters.headerListSizeTooLarge.value, 1);
  t.end();
});

t.test('a block that expands to far more than a head may be ends the connection', (t) => {
  const wire = new ServerWire({}, { maxHeadBytes: 1000 }).greet();
  // One entry of 4,000 octets in the table, and then one octet for each time that it is meant.
  const name = Buffer.concat([Buffer.of(0x40, 1, 0x78, 0x7f, 0xa1, 0x1e), Buffer.alloc(4000, 'b')]);
  const block = Buffer.concat([name, Buffer.alloc(12_000, 0xbe)]);
  wire.send(headersFrame(1, block, FLAG.END_HEADERS | FLAG.END_STREAM));
  t.match(wire.failure, /nghttp2|codec_error/);
  t.equal(wire.counters.headerListSizeTooLarge.value, 1);
  t.match(wire.frames().at(-1), /^GOAWAY 0 ENHANCE_YOUR_CALM/);
  t.end();
});

t.test('PRIORITY frames are limited by the number of streams', (t) => {
  const wire = new ServerWire({ maxInboundPriorityFramesPerStream: 10 }).greet();
  wire.send(
    get(3),
    many(20, () => PRIORITY),
  );
  t.equal(wire.failure, '', 'at the limit: one stream, and one that is free');
  wire.send(PRIORITY);
  t.equal(wire.failure, 'codec_error:Too_many_PRIORITY_frames');
  t.equal(wire.counters.inboundPriorityFramesFlood.value, 1);
  t.end();
});

t.test('WINDOW_UPDATE frames are limited by streams and by the DATA that they answer', (t) => {
  const limit = 5 + 2 * (1 + 10 * 1);
  const wire = new ServerWire({ maxInboundWindowUpdateFramesPerDataFrameSent: 10 }).greet();
  wire.send(get(1));
  wire.requests[0]?.answer('x', false);
  wire.send(many(limit, () => windowFrame(0, 1)));
  t.equal(wire.failure, '', 'at the limit');
  wire.send(windowFrame(1, 1));
  t.equal(wire.failure, 'codec_error:Too_many_WINDOW_UPDATE_frames');
  t.equal(wire.counters.inboundWindowUpdateFramesFlood.value, 1);
  t.end();
});

t.test('streams that are cancelled young and unanswered end the connection at half of 500', (t) => {
  const wire = new ServerWire().greet();
  for (let index = 0; index < 249; index += 1) {
    wire.send(get(2 * index + 1), resetFrame(2 * index + 1, 'CANCEL'));
  }
  t.equal(wire.failure, '', '249 are fewer');
  wire.send(get(499), resetFrame(499, 'CANCEL'));
  t.equal(wire.failure, 'too_many_premature_resets');
  t.equal(wire.requests.at(-1)?.reset, 'remote-reset http2.remote_reset');
  t.match(wire.frames().at(-1), /^GOAWAY 499 ENHANCE_YOUR_CALM/);
  t.end();
});

t.test('streams that lived for two seconds, or were answered, are no attack', (t) => {
  const wire = new ServerWire().greet();
  for (let index = 0; index < 300; index += 1) {
    const id = 4 * index + 1;
    wire.send(post(id), post(id + 2));
    wire.requests.at(-1)?.answer('x', false);
    wire.services.clock.advance(2008);
    wire.send(resetFrame(id, 'CANCEL'), resetFrame(id + 2, 'CANCEL'));
    wire.frames();
  }
  t.equal(wire.failure, '');
  t.end();
});

t.test('a bucket limits unanswered resets of any age', (t) => {
  const wire = new ServerWire({ streamResetBurst: 100, streamResetRate: 10 }).greet();
  let id = -1;
  const cancel = (count: number): void => {
    const ids = Array.from({ length: count }, () => {
      id += 2;
      return id;
    });
    for (const one of ids) wire.send(get(one));
    wire.services.clock.advance(1000);
    for (const one of ids) wire.send(resetFrame(one, 'CANCEL'));
  };
  cancel(100);
  t.equal(wire.failure, '', 'at the limit');
  cancel(10);
  t.equal(wire.failure, '', 'and what was earned back');
  cancel(12);
  t.equal(wire.failure, 'too_many_premature_resets');
  t.end();
});

t.test('resets that we answer errors with count too', (t) => {
  const wire = new ServerWire({ streamResetBurst: 20, streamResetRate: 1 }).greet();
  const provoke = (id: number): void => wire.send(post(id), windowFrame(id, 0));
  for (let index = 0; index < 20; index += 1) provoke(2 * index + 1);
  t.equal(wire.failure, '', 'at the limit');
  provoke(41);
  t.equal(wire.failure, 'too_many_premature_resets');
  t.end();
});

t.test('streams beyond the limit are refused, but not for ever', (t) => {
  const limits = { maxConcurrentStreams: 1, streamResetBurst: 20, streamResetRate: 1 };
  const wire = new ServerWire(limits).greet();
  wire.send(post(1));
  for (let index = 1; index <= 20; index += 1) wire.send(get(2 * index + 1));
  t.equal(wire.failure, '', 'at the limit');
  t.equal(wire.counters.streamRefusedErrors.value, 20);
  wire.send(get(43));
  t.equal(wire.failure, 'too_many_premature_resets');
  t.end();
});

t.test('requests with invalid fields count as messaging errors', (t) => {
  const wire = new ServerWire({ streamErrorOnInvalidHttpMessage: true }).greet();
  wire.send(headersFrame(1, [...PSEUDO, ['X', 'y']]));
  t.equal(wire.counters.rxMessagingError.value, 1);
  t.equal(wire.counters.txReset.value, 1);
  t.equal(wire.failure, '');
  t.end();
});
