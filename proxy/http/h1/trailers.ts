// Trailer sections: read under the same rules and limits as heads, and rid of every field that
// must not come behind the content (RFC 9110 §6.5.1).

import type { HeaderList } from '../header-list.ts';
import { removeForbiddenTrailers } from '../trailer-rules.ts';
import { H1_ERROR } from './errors.ts';
import { FieldScanner, type UnderscoreAction } from './field-scanner.ts';
import { HeadReader } from './head-reader.ts';
import type { H1Options } from './options.ts';

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
  removeForbiddenTrailers(trailers);
  return trailers.count() === 0 ? null : trailers;
}
