// The shape of a server's case, and short ways to write one.
import type { ServerRun } from '../../support/codec-transcript.ts';

/** An input and what the codec must say about it, a line per request and one for the end. */
export interface ServerCase extends ServerRun {
  readonly name: string;
  readonly input: string;
  readonly expect: readonly string[];
}

/** A GET without its empty line. */
export const GET = 'GET / HTTP/1.1\r\nHost: h\r\n';
/** A POST without its empty line. */
export const POST = 'POST / HTTP/1.1\r\nHost: h\r\n';
/** The head of a chunked POST. */
export const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`;
/** The line of a request that is refused with 400. */
export const CODEC_ERROR = '… !400 http1.codec_error';
/** The line of a request with a bad byte in a value. */
export const BAD_VALUE = '… !400 http1.invalid_characters';
/** The line of a connection that ends by an error. */
export const CLOSE = 'close protocol-error';

/** A head that is refused before anything of it is told. */
export function refused(name: string, input: string, error = CODEC_ERROR): ServerCase {
  return { name, input, expect: [error, CLOSE] };
}

/** A chunked body that is refused behind `body`. */
export function badChunk(name: string, chunks: string, body = ''): ServerCase {
  const told = body === '' ? '' : ` [${body}]`;
  return {
    name,
    input: CHUNKED + chunks,
    expect: [`POST / @h${told}${CODEC_ERROR}`, CLOSE],
  };
}

/** A chunked body that is accepted. */
export function goodChunk(name: string, chunks: string, body: string): ServerCase {
  const told = body === '' ? '' : ` [${body}]`;
  return { name, input: CHUNKED + chunks, expect: [`POST / @h${told}`] };
}

/** A request that is accepted. */
export function accepted(name: string, input: string, line: string): ServerCase {
  return { name, input, expect: [line] };
}

/** A field line that comes out as `fields`. */
export function fieldCase(name: string, line: string, fields: string): ServerCase {
  return { name, input: `${GET}${line}\r\n\r\n`, fields: true, expect: [`GET / @h (${fields})`] };
}
