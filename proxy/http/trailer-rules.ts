// What must not come behind the content, whichever codec it came through (RFC 9110 §6.5.1).
import type { HeaderList } from './header-list.ts';
import { headerMask } from './header-names.ts';

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

/** Takes out every field that would change how the message before it is understood. */
export function removeForbiddenTrailers(trailers: HeaderList): void {
  trailers.removeAny(FORBIDDEN);
  for (const name of FORBIDDEN_OTHERS) trailers.remove(name);
}
