// One exchange, told once and run over the four pairs of HTTP/1.1 and HTTP/2: client to proxy and
// proxy to upstream.
import { dataFrame, splitHeaders } from './h2-frames.ts';
import type { Field } from './h2-hpack.ts';
import type { H2Step } from './wire-h2-client.ts';
import type { WireAnswer } from './wire-upstream.ts';
import type { AnyTwinCase } from './with-twins.ts';

/** A request or an answer in terms of both protocols. */
export interface PairMessage {
  /** Without pseudo-fields, `Host` and framing fields of HTTP/1.1. */
  readonly fields?: readonly Field[];
  /** Null: the head is all there is. Pieces are sent one by one. */
  readonly body?: readonly string[] | null;
  readonly trailers?: readonly Field[];
  /** The content's end is never sent. */
  readonly isOpen?: boolean;
}

/** A request. */
export interface PairRequest extends PairMessage {
  readonly method?: string;
  readonly path?: string;
  readonly authority?: string;
}

/** An answer. */
export interface PairAnswer extends PairMessage {
  readonly status?: number;
  /** Fields of 1xx answers in front of it, by status. */
  readonly interim?: readonly (readonly [status: number, ...fields: readonly Field[]])[];
  readonly at?: WireAnswer['at'];
  readonly end?: WireAnswer['end'];
}

/** What goes over all four pairs. */
export interface PairCase {
  readonly title: string;
  readonly request?: PairRequest;
  readonly answer?: PairAnswer;
  /** Listener without its pair's ending. */
  readonly listener?: string;
}

/** Endings of listeners' names, by what the client and the upstream speak. */
export const PAIRS = ['h1-h1', 'h1-h2', 'h2-h1', 'h2-h2'] as const;

/** The case over each pair; its listener is the pair's name, with a prefix where it names one. */
export function overPairs(each: PairCase): readonly AnyTwinCase[] {
  return PAIRS.map((pair) => overPair(each, pair));
}

function overPair(each: PairCase, pair: (typeof PAIRS)[number]): AnyTwinCase {
  const request = each.request ?? {};
  const base = {
    title: `${pair}: ${each.title}`,
    listener: each.listener === undefined ? pair : `${each.listener}-${pair}`,
    answer: wireAnswer(each.answer ?? { fields: [['content-length', '2']], body: ['ok'] }),
  };
  if (pair.startsWith('h2')) return { ...base, h2: { steps: requestSteps(request) } };
  return { ...base, send: requestText(request), methods: [request.method ?? 'GET'] };
}

function requestText(request: PairRequest): readonly string[] {
  const { method = 'GET', path = '/', authority = 'a.test' } = request;
  return textOf(`${method} ${path} HTTP/1.1\r\nhost: ${authority}\r\n`, request);
}

function textOf(start: string, message: PairMessage): readonly string[] {
  const { fields = [], body = null, trailers = [], isOpen } = message;
  const isSized = fields.some(([name]) => name === 'content-length');
  const isChunked = body !== null && !isSized;
  const head = `${start}${linesOf(fields)}${isChunked ? 'transfer-encoding: chunked\r\n' : ''}\r\n`;
  if (body === null) return [head];
  if (isSized) return [head, ...body];
  const chunks = body.map((piece) => `${piece.length.toString(16)}\r\n${piece}\r\n`);
  return [head, ...chunks, ...(isOpen === true ? [] : [`0\r\n${linesOf(trailers)}\r\n`])];
}

function linesOf(fields: readonly Field[]): string {
  return fields.map(([name, value]) => `${name}: ${value}\r\n`).join('');
}

function requestSteps(request: PairRequest): readonly H2Step[] {
  const { method = 'GET', path = '/', authority = 'a.test' } = request;
  const head: readonly Field[] = [
    [':method', method],
    [':scheme', 'http'],
    [':authority', authority],
    [':path', path],
    ...(request.fields ?? []),
  ];
  return messageFrames(1, head, request).flatMap((frames): H2Step[] => [frames, 'read']);
}

function messageFrames(
  streamId: number,
  head: readonly Field[],
  message: PairMessage,
): readonly Buffer[] {
  const { body = null, trailers = [], isOpen = false } = message;
  const endsWithHead = body === null && trailers.length === 0 && !isOpen;
  const frames = [splitHeaders(streamId, head, { endStream: endsWithHead })];
  for (const [index, piece] of (body ?? []).entries()) {
    const isLast = index === (body?.length ?? 0) - 1;
    frames.push(dataFrame(streamId, piece, isLast && trailers.length === 0 && !isOpen));
  }
  if (trailers.length > 0) frames.push(splitHeaders(streamId, trailers, { endStream: true }));
  return frames;
}

function wireAnswer(answer: PairAnswer): WireAnswer {
  const { status = 200, interim = [], at, end } = answer;
  const first = interim.map(([code, ...fields]) => `HTTP/1.1 ${code} X\r\n${linesOf(fields)}\r\n`);
  const text = [...first, ...textOf(`HTTP/1.1 ${status} X\r\n`, answer)].join('');
  const frames = (streamId: number): Buffer =>
    Buffer.concat([
      ...interim.map(([code, ...fields]) =>
        splitHeaders(streamId, [[':status', String(code)], ...fields]),
      ),
      ...messageFrames(streamId, [[':status', String(status)], ...(answer.fields ?? [])], answer),
    ]);
  return { text, frames, ...(at !== undefined && { at }), ...(end !== undefined && { end }) };
}
