// Which of a primary and a fallback server is tried next. As Envoy: once the primary has answered,
// it is the only one; until then the two take turns.

/** Of one stream. */
export class ServerChoice {
  readonly #count: number;
  #index = 0;
  #isSettled = false;

  /** `count` servers, in the order of preference; at least one. */
  constructor(count: number) {
    this.#count = count;
  }

  /** Of the server whose turn it is. */
  get index(): number {
    return this.#index;
  }

  onAnswer(): void {
    if (this.#index === 0) this.#isSettled = true;
  }

  /** It cannot be reached, or its stream ended. */
  onEnd(): void {
    if (!this.#isSettled) this.#index = (this.#index + 1) % this.#count;
  }
}
