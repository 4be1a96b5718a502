// Empty lines in front of a request line, which RFC 9112 §2.2 asks servers to skip.
import { CR, LF } from '../char-tables.ts';
import type { ProtocolError } from '../protocol-error.ts';
import { H1_ERROR } from './errors.ts';

/** How many may precede a request line; the RFC asks for at least one. */
export const MAX_EMPTY_LINES = 8;

/** Skips them octet by octet. */
export class EmptyLines {
  error: ProtocolError | null = null;
  #count = 0;
  /** A CR was seen whose LF has not come yet. */
  #isInside = false;

  /** Prepares for the next request. */
  reset(): void {
    this.#count = 0;
  }

  /** True when the octet belongs to an empty line, or to what is none: then `error` says so. */
  take(byte: number): boolean {
    if (this.#isInside) {
      this.#isInside = false;
      this.#count += 1;
      if (byte !== LF) this.error = H1_ERROR.lineEnd;
      return true;
    }
    if (byte !== CR) return false;
    if (this.#count === MAX_EMPTY_LINES) this.error = H1_ERROR.emptyLines;
    this.#isInside = true;
    return true;
  }
}
