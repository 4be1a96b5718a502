// Takes a request target apart: origin-form, absolute-form, `*` and authority-form, each only
// where RFC 9112 §3.2 allows it.

import { hasPort, isAuthority } from '../authority.ts';
import type { ProtocolError } from '../protocol-error.ts';
import { H1_ERROR } from './errors.ts';
import type { H1ServerOptions } from './options.ts';

const SLASH = 0x2f;
const STAR = 0x2a;
const QUESTION_MARK = 0x3f;
const HASH = 0x23;
const SCHEME_END = '://';

/** Which forms are taken. */
export type TargetOptions = Pick<H1ServerOptions, 'allowAbsoluteUrl' | 'refusesHttpsTarget'>;

/** The parts of a target; reused for every request of a connection. */
export class RequestTarget {
  error: ProtocolError | null = null;
  path = '';
  /** '' unless the target names one. */
  authority = '';
  /** `http`, `https`, or '' unless the target names one. */
  scheme = '';
  readonly #options: TargetOptions;

  constructor(options: TargetOptions) {
    this.#options = options;
  }

  /** Parses a target that consists of visible ASCII. */
  read(target: string, method: string): void {
    this.error = null;
    this.path = target;
    this.authority = '';
    this.scheme = '';
    const first = target.charCodeAt(0);
    if (method === 'CONNECT') this.#connect(target);
    else if (first === SLASH) return;
    else if (first === STAR) this.#star(target, method);
    else if (target.includes(SCHEME_END)) this.#absolute(target);
    else this.error = H1_ERROR.target;
  }

  #connect(target: string): void {
    const bytes = Buffer.from(target, 'latin1');
    if (!isAuthority(bytes, 0, bytes.length) || !hasPort(bytes, 0, bytes.length)) {
      this.error = H1_ERROR.url;
      return;
    }
    this.authority = target;
    this.path = '';
  }

  #star(target: string, method: string): void {
    if (target.length !== 1) this.error = H1_ERROR.target;
    else if (method !== 'OPTIONS') this.error = H1_ERROR.url;
  }

  #absolute(target: string): void {
    if (!this.#options.allowAbsoluteUrl) return;
    const schemeEnd = target.indexOf(SCHEME_END);
    const scheme = target.substring(0, schemeEnd).toLowerCase();
    if (scheme !== 'http' && scheme !== 'https') {
      this.error = H1_ERROR.scheme;
      return;
    }
    if (scheme === 'https' && this.#options.refusesHttpsTarget) {
      this.error = H1_ERROR.httpsTarget;
      return;
    }
    const bytes = Buffer.from(target, 'latin1');
    const hostStart = schemeEnd + SCHEME_END.length;
    let hostEnd = hostStart;
    while (hostEnd < bytes.length && !endsAuthority(bytes[hostEnd]!)) hostEnd += 1;
    if (!isAuthority(bytes, hostStart, hostEnd)) {
      this.error = H1_ERROR.url;
      return;
    }
    this.scheme = scheme;
    this.authority = target.substring(hostStart, hostEnd);
    const rest = target.substring(hostEnd);
    this.path = rest.startsWith('/') ? rest : `/${rest}`;
  }
}

function endsAuthority(byte: number): boolean {
  return byte === SLASH || byte === QUESTION_MARK || byte === HASH;
}
