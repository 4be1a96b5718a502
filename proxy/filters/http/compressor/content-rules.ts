// What makes content worth compressing, and what of a head changes with it.
import type { HeaderList } from '../../../http/header-list.ts';
import { HEADER_ID } from '../../../http/header-names.ts';
import { matchesString } from '../../../model/match-value.ts';
import type { DirectionConfig } from './compressor-config.ts';

const VARIED = 'Accept-Encoding';
/** Codings that Envoy knows as compressed already. */
const COMPRESSED = new Set(['gzip', 'br', 'deflate', 'compress', 'zstd']);

/** Every line of a field as one list; null: there is none. */
export function listOf(headers: HeaderList, name: string): string | null {
  const first = headers.getByName(name);
  if (first === null) return null;
  const values = headers.values(name);
  return values.length === 1 ? first : values.join(',');
}

/** The media type without parameters; '' for none. */
export function mediaType(headers: HeaderList): string {
  const type = headers.get(HEADER_ID['content-type']) ?? '';
  const end = type.indexOf(';');
  return (end === -1 ? type : type.slice(0, end)).trim();
}

/** True when content of this media type is to be compressed. */
export function allowsType({ types, typeMatchers }: DirectionConfig, type: string): boolean {
  return (
    types.has(type.toLowerCase()) || typeMatchers.some((matcher) => matchesString(matcher, type))
  );
}

/** The same of a message; one without a type may be anything. */
export function hasAllowedType(config: DirectionConfig, headers: HeaderList): boolean {
  if (!headers.mayHave(HEADER_ID['content-type'])) return true;
  return headers.get(HEADER_ID['content-type']) === null || allowsType(config, mediaType(headers));
}

/** False: Content-Length says that it is not worth it. */
export function isLongEnough({ minContentLength }: DirectionConfig, headers: HeaderList): boolean {
  const length = headers.get(HEADER_ID['content-length']);
  return length === null || Number(length) >= minContentLength;
}

/** cache-control: no-transform (RFC 9111 §5.2.2.6). */
export function forbidsTransform(headers: HeaderList): boolean {
  const control = listOf(headers, 'cache-control');
  if (control === null) return false;
  return control.split(',').some((token) => token.trim().toLowerCase() === 'no-transform');
}

/** True when the content is coded already, or travels compressed. */
export function isCoded(headers: HeaderList): boolean {
  if (headers.get(HEADER_ID['content-encoding']) !== null) return true;
  const transfer = headers.get(HEADER_ID['transfer-encoding']) ?? '';
  return transfer.split(',').some((token) => COMPRESSED.has(token.trim().toLowerCase()));
}

/** Caches are told that the response depends on Accept-Encoding. */
export function addVary(headers: HeaderList): void {
  const vary = listOf(headers, 'vary');
  if (vary === null) {
    headers.add('vary', VARIED);
    return;
  }
  const isListed = vary.split(',').some((token) => token.trim() === VARIED);
  if (!isListed) headers.set('vary', `${vary}, ${VARIED}`);
}

/**
 * A strong validator is not one of the compressed content (RFC 9110 §8.8.1): it goes, or becomes a
 * weak one.
 */
export function adjustEtag(headers: HeaderList, weakens: boolean): void {
  const etag = headers.getByName('etag');
  if (etag === null || /^w\//i.test(etag)) return;
  if (weakens) headers.set('etag', `W/${etag}`);
  else headers.remove('etag');
}
