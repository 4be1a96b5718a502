// What an HTTP/2 client's codec makes of frames, as data. It has sent its requests, and the
// server's SETTINGS and acknowledgement come before every input.
import {
  dataFrame,
  FLAG,
  frame,
  goawayFrame,
  headersFrame,
  pingFrame,
  resetFrame,
  settingsFrame,
  TYPE,
} from '../../support/h2-frames.ts';
import type { Field } from '../../support/h2-hpack.ts';
import type { H2ClientRun } from '../../support/h2-transcript.ts';

/** One input with what is written in answer and told to the streams. */
export interface H2ClientCase {
  readonly title: string;
  readonly input: readonly Buffer[];
  readonly frames?: readonly string[];
  readonly lines: readonly string[];
  readonly run?: H2ClientRun;
}

const END = FLAG.END_HEADERS | FLAG.END_STREAM;
const RULE = 'http2.violation.of.messaging.rule';

function head(streamId: number, status: number, ...extra: readonly Field[]): Buffer {
  return headersFrame(streamId, [[':status', String(status)], ...extra]);
}

function whole(streamId: number, status: number, ...extra: readonly Field[]): Buffer {
  return headersFrame(streamId, [[':status', String(status)], ...extra], END);
}

function broken(
  title: string,
  input: readonly Buffer[],
  line: string,
  run: H2ClientRun = {},
): H2ClientCase {
  return {
    title,
    input,
    frames: ['GOAWAY 0 PROTOCOL_ERROR'],
    lines: [line, 'close codec_error:*'],
    run,
  };
}

const ALONE = { protocol: { streamErrorOnInvalidHttpMessage: true } };

/** `*` in a line or frame stands for anything. */
export const H2_CLIENT_CASES: readonly H2ClientCase[] = [
  { title: 'a response without content', input: [whole(1, 204)], lines: ['204'] },
  {
    title: 'a response with content',
    input: [head(1, 200), dataFrame(1, 'ab'), dataFrame(1, 'c', true)],
    lines: ['200 [abc]'],
  },
  {
    title: 'a response with trailers',
    input: [head(1, 200), dataFrame(1, 'ab'), headersFrame(1, [['grpc-status', '0']], END)],
    lines: ['200 [ab{grpc-status: 0}]'],
  },
  {
    title: 'responses in any order',
    input: [head(3, 200), head(1, 404), dataFrame(3, 'c', true), dataFrame(1, 'a', true)],
    lines: ['200 [c]', '404 [a]'],
    run: { methods: ['GET', 'GET'] },
  },
  {
    title: 'informational heads come first',
    input: [head(1, 100), head(1, 103), head(1, 110), whole(1, 200)],
    lines: ['100 103 200'],
  },
  broken('an informational head that ends the stream', [whole(1, 100)], `… protocol-error ${RULE}`),
  {
    title: '32 informational heads',
    input: [...new Array<Buffer>(32).fill(head(1, 103)), whole(1, 200)],
    lines: [`${'103 '.repeat(32)}200`],
  },
  broken(
    '33 informational heads',
    [...new Array<Buffer>(33).fill(head(1, 103)), whole(1, 200)],
    `… protocol-error ${RULE}`,
  ),
  broken('101 is no response of HTTP/2', [whole(1, 101)], `… protocol-error ${RULE}`),
  broken('content in front of the head', [dataFrame(1, 'a', true)], `… protocol-error ${RULE}`),
  broken('no status', [headersFrame(1, [['x-a', 'b']], END)], '… protocol-error http2.*'),
  {
    title: 'an invalid response ends its stream alone if told so',
    input: [headersFrame(1, [['x-a', 'b']], END), whole(3, 200)],
    frames: ['RST_STREAM 1 PROTOCOL_ERROR'],
    lines: ['… protocol-error http2.*', '200'],
    run: { ...ALONE, methods: ['GET', 'GET'] },
  },
  {
    title: 'more content than content-length',
    input: [head(1, 200, ['content-length', '1']), dataFrame(1, 'ab')],
    frames: ['RST_STREAM 1 PROTOCOL_ERROR'],
    lines: ['200*… protocol-error *'],
  },
  {
    title: 'less content than content-length',
    input: [head(1, 200, ['content-length', '3']), dataFrame(1, 'ab', true)],
    frames: ['RST_STREAM 1 PROTOCOL_ERROR'],
    lines: ['200*… protocol-error *'],
  },
  broken(
    'no content where content-length promises some',
    [whole(1, 200, ['content-length', '3'])],
    `… protocol-error ${RULE}`,
  ),
  {
    title: 'content-length of an answer to HEAD',
    input: [whole(1, 200, ['content-length', '3'])],
    lines: ['200'],
    run: { methods: ['HEAD'] },
  },
  {
    title: 'content-length of 304',
    input: [whole(1, 304, ['content-length', '3'])],
    lines: ['304'],
  },
  {
    title: 'content of an answer to HEAD',
    input: [head(1, 200), dataFrame(1, 'a', true)],
    frames: ['RST_STREAM 1 PROTOCOL_ERROR'],
    lines: ['200*… protocol-error *'],
    run: { methods: ['HEAD'] },
  },
  {
    title: 'an answer that does not wait for the request',
    input: [whole(1, 200)],
    frames: ['RST_STREAM 1 INTERNAL_ERROR'],
    lines: ['200'],
    run: { methods: ['POST'], isComplete: false },
  },
  {
    title: 'NO_ERROR behind a whole answer is ignored',
    input: [whole(1, 200), resetFrame(1, 'NO_ERROR')],
    frames: ['RST_STREAM 1 INTERNAL_ERROR'],
    lines: ['200'],
    run: { methods: ['POST'], isComplete: false },
  },
  {
    title: 'NO_ERROR inside an answer is a reset',
    input: [head(1, 200), resetFrame(1, 'NO_ERROR')],
    lines: ['200… remote-reset http2.remote_reset'],
  },
  {
    title: 'a reset',
    input: [resetFrame(1, 'CANCEL')],
    lines: ['… remote-reset http2.remote_reset'],
  },
  {
    title: 'a refusal, safe to be sent anew',
    input: [resetFrame(1, 'REFUSED_STREAM')],
    lines: ['… remote-refused http2.remote_refuse'],
  },
  {
    title: 'GOAWAY refuses streams above its id and waits for the others',
    input: [goawayFrame(1, 'NO_ERROR'), whole(1, 200)],
    lines: ['… remote-refused http2.goaway', '200', 'close message-end'],
    run: { methods: ['GET', 'GET'] },
  },
  {
    title: 'the first GOAWAY of two refuses nobody',
    input: [
      goawayFrame(2 ** 31 - 1, 'NO_ERROR'),
      whole(3, 200),
      goawayFrame(3, 'NO_ERROR'),
      whole(1, 200),
    ],
    lines: ['200', '200', 'close message-end'],
    run: { methods: ['GET', 'GET'] },
  },
  {
    title: 'what comes for a stream that is over is ignored',
    input: [
      whole(1, 200),
      headersFrame(1, [['x-a', 'b']], END),
      dataFrame(1, 'x', true),
      whole(3, 200),
    ],
    lines: ['200', '200'],
    run: { methods: ['GET', 'GET'] },
  },
  {
    title: 'a response that nobody asked for',
    input: [whole(3, 200)],
    frames: ['GOAWAY 0 PROTOCOL_ERROR'],
    lines: ['… protocol-error *', 'close codec_error:stream_in_idle'],
  },
  {
    title: 'DATA of an idle stream',
    input: [dataFrame(3, 'x')],
    frames: ['GOAWAY 0 PROTOCOL_ERROR'],
    lines: ['… protocol-error *', 'close codec_error:stream_in_idle'],
  },
  {
    title: 'a stream that the server opens',
    input: [whole(2, 200)],
    frames: ['GOAWAY 0 PROTOCOL_ERROR'],
    lines: ['… protocol-error *', 'close codec_error:stream_in_idle'],
  },
  {
    title: 'PUSH_PROMISE',
    input: [frame(TYPE.PUSH_PROMISE, FLAG.END_HEADERS, 1, Buffer.of(0, 0, 0, 2, 0x82))],
    frames: ['GOAWAY 0 PROTOCOL_ERROR'],
    lines: ['… protocol-error *', 'close codec_error:PUSH_PROMISE:_push_disabled'],
  },
  {
    title: 'PING is answered',
    input: [pingFrame(), whole(1, 200)],
    frames: ['PING ACK'],
    lines: ['200'],
  },
  {
    title: 'another protocol',
    input: [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n')],
    frames: ['GOAWAY 0 FRAME_SIZE_ERROR'],
    lines: ['… protocol-error *', 'close codec_error:too_large_frame_size'],
    run: { isGreeted: false },
  },
  {
    title: 'settings that nobody knows',
    input: [settingsFrame([[0xabc, 7]]), whole(1, 200)],
    lines: ['200'],
  },
  {
    title: 'an upgrade that is agreed to is a tunnel',
    input: [head(1, 200), dataFrame(1, 'a'), dataFrame(1, 'b', true)],
    lines: ['101 (connection: upgrade|upgrade: websocket) [ab]'],
    run: { upgrade: 'websocket', fields: true },
  },
  {
    title: 'an upgrade that is refused is none',
    input: [head(1, 404), dataFrame(1, 'a', true)],
    frames: ['RST_STREAM 1 INTERNAL_ERROR'],
    lines: ['404 [a]'],
    run: { upgrade: 'websocket' },
  },
  {
    title: 'content-length of a tunnel means nothing',
    input: [head(1, 200, ['content-length', '1']), dataFrame(1, 'abc')],
    lines: ['200 [abc]… open'],
    run: { methods: ['CONNECT'] },
  },
];
