// What an HTTP/2 server's codec makes of messages, as data: RFC 9113 §8, and limits.
import { dataFrame, headersFrame, splitHeaders } from '../../support/h2-frames.ts';
import type { Field } from '../../support/h2-hpack.ts';

import {
  ANSWER,
  ANSWER_3,
  END,
  FIELD,
  get,
  type H2Case,
  malformed,
  ok,
  POST_LINE,
  PSEUDO,
  post,
  REQUEST,
  RULE,
} from './h2-case.ts';
/** `*` in a line or frame stands for anything. */
export const H2_MESSAGE_CASES: readonly H2Case[] = [
  ok(
    '8.1: content and trailers',
    [post(1), dataFrame(1, 'ab'), headersFrame(1, [['x-a', 'b']], END)],
    {
      lines: [`${POST_LINE} [ab{x-a: b}]`],
    },
  ),
  ok('8.1: a response that does not wait for the request', [post(1)], {
    run: { answer: 'head' },
    frames: [...ANSWER, 'RST_STREAM 1 NO_ERROR'],
    lines: [`${POST_LINE}…`],
  }),
  {
    title: '8.1: trailers that do not end the stream',
    input: Buffer.concat([post(1), headersFrame(1, [['x-a', 'b']])]),
    frames: ['GOAWAY 1 PROTOCOL_ERROR'],
    lines: [`${POST_LINE}… protocol-error ${RULE}`, 'close codec_error:*'],
  },
  {
    title: '8.1: pseudo-fields in trailers',
    input: Buffer.concat([post(1), headersFrame(1, [[':method', 'GET']], END), get(3)]),
    run: { protocol: { streamErrorOnInvalidHttpMessage: true } },
    frames: ['RST_STREAM 1 PROTOCOL_ERROR', ...ANSWER_3],
    lines: [`${POST_LINE}… protocol-error ${FIELD}`, REQUEST],
  },
  ...malformed('8.2.1: an upper-case name', get(1, ['X-A', 'b']), FIELD, /name/),
  ...malformed('8.2.1: CR in a value', get(1, ['x-a', 'b\rc']), FIELD, /value/),
  ...malformed('8.2.2: connection', get(1, ['connection', 'close']), FIELD, /connection/),
  ...malformed('8.2.2: te gzip', get(1, ['te', 'gzip']), FIELD, /te/),
  ok('8.2.2: te trailers', [get(1, ['te', 'trailers'])]),
  ...malformed(
    '8.3.1: no :path',
    headersFrame(
      1,
      PSEUDO.filter(([name]) => name !== ':path'),
      END,
    ),
    RULE,
    /missing/,
  ),
  ...malformed(
    '8.3: a pseudo-field behind a regular one',
    headersFrame(1, [['x-a', 'b'], ...PSEUDO], END),
    FIELD,
    /late/,
  ),
  ...malformed(
    '8.3: a pseudo-field twice',
    headersFrame(1, [...PSEUDO, [':path', '/']], END),
    FIELD,
    /repeated/,
  ),
  ok(
    '8.1.1: content-length that holds',
    [post(1, ['content-length', '3']), dataFrame(1, 'ab'), dataFrame(1, 'c', true)],
    {
      lines: [`${POST_LINE} [abc]`],
    },
  ),
  ok(
    '8.1.1: more content than content-length',
    [post(1, ['content-length', '1']), dataFrame(1, 'ab'), get(3)],
    {
      frames: ['RST_STREAM 1 PROTOCOL_ERROR', ...ANSWER_3],
      lines: ['*', REQUEST],
    },
  ),
  ok(
    '8.1.1: less content than content-length',
    [post(1, ['content-length', '3']), dataFrame(1, 'ab', true), get(3)],
    {
      frames: ['RST_STREAM 1 PROTOCOL_ERROR', ...ANSWER_3],
      lines: ['*', REQUEST],
    },
  ),
  ...malformed(
    '8.1.1: no content where content-length promises some',
    get(1, ['content-length', '3']),
    RULE,
    /without_content/,
  ),
  ok(
    '8.1.1: trailers in front of promised content',
    [post(1, ['content-length', '3']), headersFrame(1, [['x-a', 'b']], END), get(3)],
    {
      frames: ['RST_STREAM 1 PROTOCOL_ERROR', ...ANSWER_3],
      lines: [`${POST_LINE}… protocol-error http2.remote_reset`, REQUEST],
    },
  ),
  {
    title: 'a head above the limit of octets ends its stream',
    input: Buffer.concat([
      splitHeaders(1, [...PSEUDO, ['x-a', 'b'.repeat(2000)]], { endStream: true }),
      get(3),
    ]),
    run: { maxHeadBytes: 1000 },
    frames: ['RST_STREAM 1 INTERNAL_ERROR', ...ANSWER_3],
    lines: ['… remote-reset http2.*', REQUEST],
  },
  {
    title: 'too many fields end their stream',
    input: Buffer.concat([get(1, ...new Array<Field>(101).fill(['a', 'b'])), get(3)]),
    frames: ['RST_STREAM 1 INTERNAL_ERROR', ...ANSWER_3],
    lines: ['… remote-reset http2.too_many_headers', REQUEST],
  },
  {
    title: 'an underscore in a name ends the stream where that is refused',
    input: Buffer.concat([get(1, ['a_b', 'c']), get(3)]),
    run: { headersWithUnderscores: 'reject' },
    frames: ['RST_STREAM 1 INTERNAL_ERROR', ...ANSWER_3],
    lines: ['… remote-reset http2.unexpected_underscore', REQUEST],
  },
];
