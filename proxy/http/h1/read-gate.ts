// Whether bytes may arrive, told to the sink only when it changes.
import type { ByteSink } from '../codec.ts';

/** One per codec. */
export class ReadGate {
  isOpen = true;
  readonly #sink: ByteSink;

  constructor(sink: ByteSink) {
    this.#sink = sink;
  }

  /** Lets bytes arrive, or holds the peer back. */
  set(isOpen: boolean): void {
    if (isOpen === this.isOpen) return;
    this.isOpen = isOpen;
    if (isOpen) this.#sink.resumeReading();
    else this.#sink.pauseReading();
  }
}
