// Trailer sections: read under the same rules and limits as heads, and rid of every field that
// must not come behind the content (RFC 9110 §6.5.1).

import type { HeaderList } from '../header-list.ts';
import { headerMask } from '../header-names.ts';
import { H1_ERROR } from './errors.ts';
import { FieldScanner, type UnderscoreAction } from './field-scanner.ts';
import { HeadReader } from './head-reader.ts';
import type { H1Options } from './options.ts';

/** Framing, routing, connection, credentials, and how to read the content. */
const FORBIDDEN = headerMask(
  'host',
  'connection',
  'content-length',
  'transfer-encoding',
  'te',
  'upgrade',
  'keep-alive',
  'proxy-connection',
  'expect',
  'trailer',
  'content-type',
  'content-encoding',
  'cookie',
  'set-cookie',
  'authorization',
  'http2-settings',
);
const FORBIDDEN_OTHERS = [
  'proxy-authorization',
  'proxy-authenticate',
  'www-authenticate',
  'content-range',
] as const;

/** A reader for the trailer sections of a connection. */
export function createTrailerReader(options: H1Options, underscores: UnderscoreAction): HeadReader {
  const fields = new FieldScanner({
    maxCount: options.maxHeadersCount,
    tooMany: H1_ERROR.tooManyTrailers,
    underscores,
    takesHost: false,
  });
  const limit = {
    maxBytes: options.maxHeadBytes,
    tooLarge: H1_ERROR.trailersTooLarge,
  };
  return new HeadReader(null, fields, limit);
}

/** The trailers that a complete section leaves; null when none is left. */
export function takeTrailers(reader: HeadReader): HeaderList | null {
  if (reader.fields.used === 0) return null;
  const trailers = reader.takeHeaders();
  trailers.removeAny(FORBIDDEN);
  for (const name of FORBIDDEN_OTHERS) trailers.remove(name);
  return trailers.count() === 0 ? null : trailers;
}
