// What an HTTP/2 server's codec makes of frames, as data: by section of RFC 9113. The client's
// preface, its SETTINGS and its acknowledgement come before every input.
import {
  dataFrame,
  FLAG,
  frame,
  goawayFrame,
  headersFrame,
  pingFrame,
  resetFrame,
  settingsAck,
  settingsFrame,
  splitHeaders,
  TYPE,
  windowFrame,
} from '../../support/h2-frames.ts';

import {
  ANSWER,
  ANSWER_3,
  dies,
  diesOpen,
  END,
  get,
  type H2Case,
  ok,
  POST_LINE,
  PSEUDO,
  post,
  REQUEST,
} from './h2-case.ts';

const FRAMES: readonly H2Case[] = [
  ok('3.4: a request behind the preface is answered', [get(1)]),
  ok('4.1: unknown frame types are ignored', [frame(0x16, 0xff, 5, Buffer.alloc(40)), get(1)]),
  ok('4.1: the reserved bit is ignored', [
    frame(TYPE.HEADERS, END, 0x8000_0001, get(1).subarray(9)),
  ]),
  ok('4.1: undefined flags are ignored', [
    frame(TYPE.HEADERS, END | (0xd2 & ~0x20), 1, get(1).subarray(9)),
  ]),
  diesOpen(
    '4.2: a frame above the announced size',
    [dataFrame(1, Buffer.alloc(16_385))],
    'FRAME_SIZE_ERROR',
    'too_large_frame_size',
  ),
  ok(
    '4.2: a frame of the announced size',
    [post(1), dataFrame(1, Buffer.alloc(16_384, 'x'), true)],
    {
      lines: [`${POST_LINE} [${'x'.repeat(16_384)}]`],
    },
  ),
  dies(
    '4.3: a field block that is no HPACK',
    [headersFrame(1, Buffer.of(0x80), END)],
    'COMPRESSION_ERROR',
    '*',
  ),
  diesOpen('5.1: DATA on an idle stream', [dataFrame(3, 'x')], 'PROTOCOL_ERROR', 'stream_in_idle'),
  diesOpen(
    '5.1: RST_STREAM on an idle stream',
    [resetFrame(3, 'CANCEL')],
    'PROTOCOL_ERROR',
    'stream_in_idle',
  ),
  diesOpen(
    '5.1: WINDOW_UPDATE on an idle stream',
    [windowFrame(3, 1)],
    'PROTOCOL_ERROR',
    'stream_in_idle',
  ),
  diesOpen(
    '5.1: DATA on a stream that only we could open',
    [dataFrame(2, 'x')],
    'PROTOCOL_ERROR',
    'stream_in_idle',
  ),
  ok('5.1: PRIORITY on an idle stream is ignored', [
    frame(TYPE.PRIORITY, 0, 9, Buffer.alloc(5)),
    get(1),
  ]),
  {
    title: '5.1: DATA behind END_STREAM',
    input: Buffer.concat([get(1), dataFrame(1, 'x')]),
    run: { answer: 'never' },
    frames: ['GOAWAY 1 STREAM_CLOSED'],
    lines: [
      `${REQUEST} protocol-error codec_error:stream_in_half-closed(remote)`,
      'close codec_error:stream_in_half-closed(remote)',
    ],
  },
  {
    title: '5.1: HEADERS behind END_STREAM',
    input: Buffer.concat([get(1), get(1)]),
    run: { answer: 'never' },
    frames: ['GOAWAY 1 STREAM_CLOSED'],
    lines: [
      `${REQUEST} protocol-error codec_error:stream_in_half-closed(remote)`,
      'close codec_error:stream_in_half-closed(remote)',
    ],
  },
  ok('5.1: DATA on a stream that is over', [get(1), dataFrame(1, 'x')], {
    frames: [...ANSWER, 'GOAWAY 1 STREAM_CLOSED'],
    lines: [REQUEST, 'close codec_error:stream_closed'],
  }),
  ok('5.1: HEADERS on a stream that is over', [get(1), get(1)], {
    frames: [...ANSWER, 'GOAWAY 1 STREAM_CLOSED'],
    lines: [REQUEST, 'close codec_error:stream_closed'],
  }),
  ok('5.1: WINDOW_UPDATE and RST_STREAM on a stream that is over', [
    get(1),
    windowFrame(1, 1),
    resetFrame(1, 'NO_ERROR'),
  ]),
  ok(
    '5.1: DATA behind the peer’s RST_STREAM',
    [post(1), resetFrame(1, 'CANCEL'), dataFrame(1, 'x')],
    {
      frames: ['GOAWAY 1 STREAM_CLOSED'],
      lines: [`${POST_LINE}… remote-reset http2.remote_reset`, 'close codec_error:stream_closed'],
    },
  ),
  ok(
    '5.1: what was on its way when we reset the stream is ignored',
    [post(1), dataFrame(1, 'x'), headersFrame(1, [['x-a', 'b']], END), get(3)],
    {
      run: { answer: 'head' },
      frames: [...ANSWER, 'RST_STREAM 1 NO_ERROR', ...ANSWER_3],
      lines: [`${POST_LINE}…`, REQUEST],
    },
  ),
  dies('5.1.1: an even stream id', [get(2)], 'PROTOCOL_ERROR', 'invalid_stream_id'),
  ok('5.1.1: a stream id that was passed over', [get(5), get(3)], {
    frames: ['HEADERS 5 1', 'DATA 5 2 END_STREAM', 'GOAWAY 5 PROTOCOL_ERROR'],
    lines: [REQUEST, 'close codec_error:invalid_stream_id'],
  }),
  ok('5.1.2: a stream too many is refused', [post(1), get(3), dataFrame(1, '', true), get(5)], {
    run: { protocol: { maxConcurrentStreams: 1 } },
    frames: ['RST_STREAM 3 REFUSED_STREAM', ...ANSWER, 'HEADERS 5 1', 'DATA 5 2 END_STREAM'],
    lines: [POST_LINE, REQUEST],
  }),
  ok(
    '5.1.2: content for a refused stream is ignored',
    [post(1), post(3), dataFrame(3, 'x', true), dataFrame(1, '', true)],
    {
      run: { protocol: { maxConcurrentStreams: 1 } },
      frames: ['RST_STREAM 3 REFUSED_STREAM', ...ANSWER],
      lines: [POST_LINE],
    },
  ),
  dies(
    '5.3.1: HEADERS that depend on themselves',
    [
      frame(
        TYPE.HEADERS,
        END | FLAG.PRIORITY,
        1,
        Buffer.concat([Buffer.of(0, 0, 0, 1, 0), get(1).subarray(9)]),
      ),
    ],
    'PROTOCOL_ERROR',
    'depend_on_itself',
  ),
  dies(
    '5.3.1: PRIORITY that depends on itself',
    [frame(TYPE.PRIORITY, 0, 3, Buffer.of(0, 0, 0, 3, 0))],
    'PROTOCOL_ERROR',
    'depend_on_itself',
  ),
];

const TYPES: readonly H2Case[] = [
  dies('6.1: DATA on stream 0', [dataFrame(0, 'x')], 'PROTOCOL_ERROR', 'frame_must_be_on_a_stream'),
  ok(
    '6.1: padding is taken off',
    [
      post(1),
      frame(TYPE.DATA, FLAG.PADDED | FLAG.END_STREAM, 1, Buffer.from('\x03abc\0\0\0', 'latin1')),
    ],
    {
      lines: [`${POST_LINE} [abc]`],
    },
  ),
  ok(
    '6.1: padding alone',
    [
      post(1),
      frame(TYPE.DATA, FLAG.PADDED | FLAG.END_STREAM, 1, Buffer.from('\x02\0\0', 'latin1')),
    ],
    {
      lines: [POST_LINE],
    },
  ),
  diesOpen(
    '6.1: padding as long as the frame',
    [frame(TYPE.DATA, FLAG.PADDED, 1, Buffer.from('\x03abc', 'latin1').subarray(0, 3))],
    'PROTOCOL_ERROR',
    'padding_is_as_long_as_the_frame',
  ),
  diesOpen(
    '6.1: PADDED without a length',
    [frame(TYPE.DATA, FLAG.PADDED, 1)],
    'FRAME_SIZE_ERROR',
    'frame_has_the_wrong_size_for_its_type',
  ),
  dies('6.2: HEADERS on stream 0', [get(0)], 'PROTOCOL_ERROR', 'frame_must_be_on_a_stream'),
  ok('6.2: padding and priority are taken off', [
    frame(
      TYPE.HEADERS,
      END | FLAG.PADDED | FLAG.PRIORITY,
      1,
      Buffer.concat([Buffer.of(2, 0, 0, 0, 0, 15), get(1).subarray(9), Buffer.alloc(2)]),
    ),
  ]),
  dies(
    '6.2: padding as long as the frame',
    [frame(TYPE.HEADERS, END | FLAG.PADDED, 1, Buffer.of(9, 0x82))],
    'PROTOCOL_ERROR',
    'padding_is_as_long_as_the_frame',
  ),
  dies(
    '6.2: PRIORITY flag without its octets',
    [frame(TYPE.HEADERS, END | FLAG.PRIORITY, 1, Buffer.of(0, 0))],
    'FRAME_SIZE_ERROR',
    'frame_has_the_wrong_size_for_its_type',
  ),
  dies(
    '6.3: PRIORITY on stream 0',
    [frame(TYPE.PRIORITY, 0, 0, Buffer.alloc(5))],
    'PROTOCOL_ERROR',
    'frame_must_be_on_a_stream',
  ),
  dies(
    '6.3: PRIORITY of another length',
    [frame(TYPE.PRIORITY, 0, 1, Buffer.alloc(4))],
    'FRAME_SIZE_ERROR',
    'frame_has_the_wrong_size_for_its_type',
  ),
  dies(
    '6.4: RST_STREAM on stream 0',
    [resetFrame(0, 'CANCEL')],
    'PROTOCOL_ERROR',
    'frame_must_be_on_a_stream',
  ),
  diesOpen(
    '6.4: RST_STREAM of another length',
    [frame(TYPE.RST_STREAM, 0, 1, Buffer.alloc(3))],
    'FRAME_SIZE_ERROR',
    'frame_has_the_wrong_size_for_its_type',
  ),
  ok('6.4: a cancelled stream', [post(1), resetFrame(1, 'CANCEL'), get(3)], {
    frames: ANSWER_3,
    lines: [`${POST_LINE}… remote-reset http2.remote_reset`, REQUEST],
  }),
  ok('6.4: REFUSED_STREAM is told apart', [post(1), resetFrame(1, 'REFUSED_STREAM')], {
    frames: [],
    lines: [`${POST_LINE}… remote-refused http2.remote_refuse`],
  }),
  ok(
    '6.5: SETTINGS are acknowledged',
    [
      settingsFrame([
        [3, 7],
        [0xfa, 1],
      ]),
      get(1),
    ],
    {
      frames: ANSWER,
    },
  ),
  dies(
    '6.5: SETTINGS with ACK and content',
    [frame(TYPE.SETTINGS, FLAG.ACK, 0, Buffer.alloc(6))],
    'FRAME_SIZE_ERROR',
    'frame_has_the_wrong_size_for_its_type',
  ),
  dies(
    '6.5: SETTINGS on a stream',
    [frame(TYPE.SETTINGS, 0, 1)],
    'PROTOCOL_ERROR',
    'frame_must_be_on_the_connection',
  ),
  dies(
    '6.5: SETTINGS of odd length',
    [frame(TYPE.SETTINGS, 0, 0, Buffer.alloc(5))],
    'FRAME_SIZE_ERROR',
    'frame_has_the_wrong_size_for_its_type',
  ),
  dies(
    '6.5.2: ENABLE_PUSH 2',
    [settingsFrame([[2, 2]])],
    'PROTOCOL_ERROR',
    'SETTINGS:_invalid_value',
  ),
  dies(
    '6.5.2: INITIAL_WINDOW_SIZE 2^31',
    [settingsFrame([[4, 2 ** 31]])],
    'FLOW_CONTROL_ERROR',
    'SETTINGS:_too_large_SETTINGS_INITIAL_WINDOW_SIZE',
  ),
  dies(
    '6.5.2: MAX_FRAME_SIZE 16383',
    [settingsFrame([[5, 16_383]])],
    'PROTOCOL_ERROR',
    'SETTINGS:_invalid_value',
  ),
  dies(
    '6.5.2: MAX_FRAME_SIZE 2^24',
    [settingsFrame([[5, 2 ** 24]])],
    'PROTOCOL_ERROR',
    'SETTINGS:_invalid_value',
  ),
  dies(
    '8441 3: ENABLE_CONNECT_PROTOCOL 2',
    [settingsFrame([[8, 2]])],
    'PROTOCOL_ERROR',
    'SETTINGS:_invalid_value',
  ),
  dies(
    '8441 3: ENABLE_CONNECT_PROTOCOL taken back',
    [settingsFrame([[8, 1]]), settingsFrame([[8, 0]])],
    'PROTOCOL_ERROR',
    'SETTINGS:_invalid_value',
  ),
  dies(
    '6.6: PUSH_PROMISE of a client',
    [frame(TYPE.PUSH_PROMISE, FLAG.END_HEADERS, 1, Buffer.alloc(4))],
    'PROTOCOL_ERROR',
    'PUSH_PROMISE:_push_disabled',
  ),
  ok('6.7: PING is answered', [pingFrame('abcdefgh'), get(1)], { frames: ['PING ACK', ...ANSWER] }),
  ok('6.7: an answer that nobody asked for is ignored', [pingFrame('abcdefgh', FLAG.ACK), get(1)]),
  dies(
    '6.7: PING on a stream',
    [frame(TYPE.PING, 0, 1, Buffer.alloc(8))],
    'PROTOCOL_ERROR',
    'frame_must_be_on_the_connection',
  ),
  dies(
    '6.7: PING of another length',
    [frame(TYPE.PING, 0, 0, Buffer.alloc(6))],
    'FRAME_SIZE_ERROR',
    'frame_has_the_wrong_size_for_its_type',
  ),
  dies(
    '6.8: GOAWAY on a stream',
    [frame(TYPE.GOAWAY, 0, 1, Buffer.alloc(8))],
    'PROTOCOL_ERROR',
    'frame_must_be_on_the_connection',
  ),
  dies(
    '6.8: GOAWAY that is too short',
    [frame(TYPE.GOAWAY, 0, 0, Buffer.alloc(7))],
    'FRAME_SIZE_ERROR',
    'frame_has_the_wrong_size_for_its_type',
  ),
  ok('6.8: a client that goes away is served on', [goawayFrame(0, 'NO_ERROR', 'bye'), get(1)]),
  dies(
    '6.9: WINDOW_UPDATE by 0',
    [windowFrame(0, 0)],
    'PROTOCOL_ERROR',
    'WINDOW_UPDATE:_window_size_increment_==_0',
  ),
  ok('6.9: WINDOW_UPDATE of a stream by 0', [post(1), windowFrame(1, 0), get(3)], {
    frames: ['RST_STREAM 1 PROTOCOL_ERROR', ...ANSWER_3],
    lines: [`${POST_LINE}… protocol-error http2.remote_reset`, REQUEST],
  }),
  dies(
    '6.9: WINDOW_UPDATE of another length',
    [frame(TYPE.WINDOW_UPDATE, 0, 0, Buffer.alloc(3))],
    'FRAME_SIZE_ERROR',
    'frame_has_the_wrong_size_for_its_type',
  ),
  dies(
    '6.9.1: a window of the connection above 2^31 - 1',
    [windowFrame(0, 2 ** 31 - 1)],
    'FLOW_CONTROL_ERROR',
    'window_beyond_2^31_-_1',
  ),
  ok('6.9.1: a window of a stream above 2^31 - 1', [post(1), windowFrame(1, 2 ** 31 - 1), get(3)], {
    frames: ['RST_STREAM 1 FLOW_CONTROL_ERROR', ...ANSWER_3],
    lines: [`${POST_LINE}… protocol-error http2.remote_reset`, REQUEST],
  }),
  diesOpen(
    '6.9.2: SETTINGS that raise a window above 2^31 - 1',
    [windowFrame(1, 2 ** 31 - 1 - 65_535), settingsFrame([[4, 65_536]])],
    'FLOW_CONTROL_ERROR',
    'SETTINGS:_too_large_SETTINGS_INITIAL_WINDOW_SIZE',
  ),
  ok('6.9.2: a window of 0 holds content back', [settingsFrame([[4, 0]]), get(1)], {
    frames: ['HEADERS 1 1'],
    lines: [`${REQUEST} open`],
  }),
  ok(
    '6.9.2: a larger initial window sets it free',
    [settingsFrame([[4, 0]]), get(1), settingsFrame([[4, 2]])],
    {
      frames: ['HEADERS 1 1', 'DATA 1 2 END_STREAM'],
    },
  ),
  ok(
    '6.9.2: a window below 0 must be paid back first',
    [
      settingsFrame([[4, 1]]),
      get(1),
      settingsFrame([[4, 0]]),
      windowFrame(1, 1),
      windowFrame(1, 1),
    ],
    { frames: ['HEADERS 1 1', 'DATA 1 1', 'DATA 1 1 END_STREAM'] },
  ),
  dies(
    '6.10: CONTINUATION without HEADERS',
    [frame(TYPE.CONTINUATION, FLAG.END_HEADERS, 1)],
    'PROTOCOL_ERROR',
    'CONTINUATION_without_HEADERS',
  ),
  ok('6.10: a block in pieces', [splitHeaders(1, PSEUDO, { size: 20, endStream: true })]),
  brokenBlock('6.10: a frame inside a block', pingFrame()),
  brokenBlock('6.10: an unknown frame inside a block', frame(0x16, 0, 1)),
  brokenBlock(
    '6.10: CONTINUATION of another stream',
    frame(TYPE.CONTINUATION, FLAG.END_HEADERS, 3),
  ),
];

/** A frame that may not come before the head is complete: the stream that it began ends as well. */
function brokenBlock(title: string, intruder: Buffer): H2Case {
  const details = 'codec_error:unexpected_non-CONTINUATION_frame_or_stream_id_is_invalid';
  return {
    title,
    input: Buffer.concat([headersFrame(1, PSEUDO, FLAG.END_STREAM), intruder]),
    frames: ['GOAWAY 1 PROTOCOL_ERROR'],
    lines: [`… protocol-error ${details}`, `close ${details}`],
  };
}

const PREFACES: readonly H2Case[] = [
  {
    title: '3.4: another protocol',
    input: Buffer.from('GET / HTTP/1.1\r\nHost: h\r\n\r\n'),
    run: { isGreeted: false },
    frames: ['GOAWAY 0 PROTOCOL_ERROR'],
    lines: ['close codec_error:Bad_client_magic_byte_string'],
  },
  {
    title: '3.4: another frame than SETTINGS first',
    input: Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), pingFrame()]),
    run: { isGreeted: false },
    frames: ['GOAWAY 0 PROTOCOL_ERROR'],
    lines: ['close codec_error:SETTINGS_expected'],
  },
  {
    title: '3.4: an acknowledgement first',
    input: Buffer.concat([Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), settingsAck()]),
    run: { isGreeted: false },
    frames: ['GOAWAY 0 PROTOCOL_ERROR'],
    lines: ['close codec_error:SETTINGS_expected'],
  },
];

/** All cases; `*` in a line or frame stands for anything. */
export const H2_SERVER_CASES: readonly H2Case[] = [...PREFACES, ...FRAMES, ...TYPES];
