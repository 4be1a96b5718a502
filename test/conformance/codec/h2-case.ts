// How cases of an HTTP/2 server's codec are written down.
import { FLAG, headersFrame } from '../../support/h2-frames.ts';
import type { Field } from '../../support/h2-hpack.ts';
import type { H2Run } from '../../support/h2-transcript.ts';

/** One input with what is written in answer and told to the streams. */
export interface H2Case {
  readonly title: string;
  readonly input: Buffer;
  /** Frames behind the greeting. */
  readonly frames: readonly string[];
  /** Lines of the streams and of the connection's end. */
  readonly lines: readonly string[];
  readonly run?: H2Run;
}

/** The fields that every request has. */
export const PSEUDO: readonly Field[] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':path', '/'],
  [':authority', 'h.test'],
];
/** Those of a POST. */
export const POST_FIELDS: readonly Field[] = [[':method', 'POST'], ...PSEUDO.slice(1)];
/** Flags of a block that is a whole message. */
export const END = FLAG.END_HEADERS | FLAG.END_STREAM;
/** Lines of `get` and `post`. */
export const REQUEST = 'GET / @h.test';
/** See REQUEST. */
export const POST_LINE = 'POST / @h.test';
/** Frames of the answer on stream 1. */
export const ANSWER = ['HEADERS 1 1', 'DATA 1 2 END_STREAM'];
/** Frames of the answer on stream 3. */
export const ANSWER_3 = ['HEADERS 3 1', 'DATA 3 2 END_STREAM'];

/** A whole request without content. */
export function get(streamId: number, ...extra: readonly Field[]): Buffer {
  return headersFrame(streamId, [...PSEUDO, ...extra], END);
}

/** The head of a request whose content follows. */
export function post(streamId: number, ...extra: readonly Field[]): Buffer {
  return headersFrame(streamId, [...POST_FIELDS, ...extra]);
}

/** A request that is answered, unless told otherwise. */
export function ok(
  title: string,
  input: readonly Buffer[],
  expected: Partial<H2Case> = {},
): H2Case {
  return { title, input: Buffer.concat(input), frames: ANSWER, lines: [REQUEST], ...expected };
}

/** An error of the connection in front of any stream. */
export function dies(title: string, input: readonly Buffer[], code: string, text: string): H2Case {
  const frames = [`GOAWAY 0 ${code}`];
  return { title, input: Buffer.concat(input), frames, lines: [`close codec_error:${text}`] };
}

/** An error of the connection while a POST on stream 1 is open. */
export function diesOpen(
  title: string,
  input: readonly Buffer[],
  code: string,
  text: string,
): H2Case {
  const details = `codec_error:${text}`;
  return {
    title,
    input: Buffer.concat([post(1), ...input]),
    frames: [`GOAWAY 1 ${code}`],
    lines: [`${POST_LINE}… protocol-error ${details}`, `close ${details}`],
  };
}

/** A message that is not HTTP, on stream 1. */
export function malformed(title: string, input: Buffer, details: string, reason: RegExp): H2Case[] {
  const text = `${title} (${reason.source})`;
  return [
    {
      title: `${text} ends the connection`,
      input,
      frames: ['GOAWAY 1 PROTOCOL_ERROR'],
      lines: [`… protocol-error ${details}`, 'close codec_error:*'],
    },
    {
      title: `${text} ends its stream alone if told so`,
      input: Buffer.concat([input, get(3)]),
      frames: ['RST_STREAM 1 PROTOCOL_ERROR', ...ANSWER_3],
      lines: [`… protocol-error ${details}`, REQUEST],
      run: { protocol: { streamErrorOnInvalidHttpMessage: true } },
    },
  ];
}

/** Details of an invalid field. */
export const FIELD = 'http2.invalid.header.field';
/** Details of an invalid message. */
export const RULE = 'http2.violation.of.messaging.rule';
