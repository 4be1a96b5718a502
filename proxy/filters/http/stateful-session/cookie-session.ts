// Sessions in a cookie.
import type { Clock } from '../../../base/clock.ts';
import { cookieValue } from '../../../http/cookie.ts';
import type { HeaderList } from '../../../http/header-list.ts';
import type { RequestHead } from '../../../http/message.ts';
import { decodeCookie, encodeCookie } from './session-cookie.ts';
import { decodeBase64, type SessionState } from './session-state.ts';

const MS_PER_SECOND = 1000;

/** type.http.v3.Cookie, complete. */
export interface CookieSessionConfig {
  readonly name: string;
  /** 0: it lasts as long as the browser. */
  readonly ttlSeconds: number;
  /** '' for none. */
  readonly path: string;
  /** Value '' for an attribute without one. */
  readonly attributes: readonly { readonly name: string; readonly value: string }[];
}

/** See the file's head. */
export class CookieSession implements SessionState {
  readonly #config: CookieSessionConfig;
  readonly #clock: Clock;
  /** What Set-Cookie says behind the value. */
  readonly #suffix: string;

  constructor(config: CookieSessionConfig, clock: Clock) {
    const { ttlSeconds, path, attributes } = config;
    this.#config = config;
    this.#clock = clock;
    this.#suffix = [
      ...(ttlSeconds > 0 ? [`; Max-Age=${ttlSeconds}`] : []),
      ...(path === '' ? [] : [`; Path=${path}`]),
      ...attributes.map(({ name, value }) => (value === '' ? `; ${name}` : `; ${name}=${value}`)),
      '; HttpOnly',
    ].join('');
  }

  /** A cookie's path holds for what is below it (RFC 6265 §5.1.4). */
  appliesTo(head: RequestHead): boolean {
    const { path } = this.#config;
    if (path === '' || path === '/') return true;
    if (!head.path.startsWith(path)) return false;
    if (path.endsWith('/') || head.path.length === path.length) return true;
    return '/?#'.includes(head.path.charAt(path.length));
  }

  addressIn(head: RequestHead, wallMs: number): string | null {
    const octets = decodeBase64(cookieValue(head.headers, this.#config.name) ?? '');
    if (octets === null) return null;
    const { address, expires } = decodeCookie(octets);
    const isOver = expires > 0 && Math.floor(wallMs / MS_PER_SECOND) > expires;
    return address === '' || isOver ? null : address;
  }

  tell(headers: HeaderList, host: { readonly address: string; readonly isNew: boolean }): void {
    if (!host.isNew) return;
    const { name, ttlSeconds } = this.#config;
    const nowSeconds = Math.floor(this.#clock.wallMs() / MS_PER_SECOND);
    const expires = ttlSeconds > 0 ? nowSeconds + ttlSeconds : 0;
    const value = encodeCookie({ address: host.address, expires }).toString('base64');
    headers.add('set-cookie', `${name}="${value}"${this.#suffix}`);
  }
}
