// When resources end that were given a time to live. Holds no timer: it says when it wants to be
// asked again.

/** Of one type. */
export class TimeToLive {
  /** Ends by name, in ms of the clock that the owner passes. */
  readonly #ends = new Map<string, number>();

  /** When the first one ends; Infinity: none does. */
  nextMs(): number {
    let next = Number.POSITIVE_INFINITY;
    for (const end of this.#ends.values()) next = Math.min(next, end);
    return next;
  }

  /** It was supplied, or a heartbeat came: null takes the limit away. */
  set(name: string, ttlMs: number | null, nowMs: number): void {
    if (ttlMs === null) this.#ends.delete(name);
    else this.#ends.set(name, nowMs + ttlMs);
  }

  /** It is gone, or nobody wants it. */
  delete(name: string): void {
    this.#ends.delete(name);
  }

  /** These are all there are. */
  retain(resources: readonly { readonly name: string }[]): void {
    if (this.#ends.size === 0) return;
    const names = new Set(resources.map(({ name }) => name));
    for (const name of this.#ends.keys()) if (!names.has(name)) this.#ends.delete(name);
  }

  get isEmpty(): boolean {
    return this.#ends.size === 0;
  }

  /** Those whose time is over; they are not told again. */
  takeExpired(nowMs: number): string[] {
    const names: string[] = [];
    for (const [name, end] of this.#ends) if (end <= nowMs) names.push(name);
    for (const name of names) this.#ends.delete(name);
    return names;
  }
}
