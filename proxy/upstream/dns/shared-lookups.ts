// One question per name, however many clusters ask: those who ask while it is open share the
// answer, and so do those who ask soon after.
import type { Clock } from '../../base/clock.ts';
import type { DnsAnswer, DnsQuestion, DnsResolver } from './dns-resolver.ts';

type Done = (answer: DnsAnswer) => void;

interface Lookup {
  /** Who waits for the answer; null when no question is open. */
  waiting: Done[] | null;
  answer: DnsAnswer | null;
  answeredMs: number;
}

/** Answers older than this are dropped when another name is asked for: bounds the memory. */
const FORGET_AFTER_MS = 60_000;

/** See the file's head. */
export class SharedLookups {
  readonly #resolver: DnsResolver;
  readonly #clock: Clock;
  readonly #lookups = new Map<string, Lookup>();
  #sweptMs = Number.NEGATIVE_INFINITY;

  constructor(resolver: DnsResolver, clock: Clock) {
    this.#resolver = resolver;
    this.#clock = clock;
  }

  /**
   * Resolves a name; an answer that is younger than `maxAgeMs` is given again, inside the call.
   */
  ask(question: DnsQuestion, maxAgeMs: number, done: Done): void {
    const { family, wantsTtl, name, resolver } = question;
    const key = `${family} ${wantsTtl} ${name} ${JSON.stringify(resolver)}`;
    const lookup = this.#find(key);
    if (lookup.waiting !== null) {
      lookup.waiting.push(done);
      return;
    }
    if (lookup.answer !== null && this.#clock.nowMs() - lookup.answeredMs < maxAgeMs) {
      done(lookup.answer);
      return;
    }
    lookup.waiting = [done];
    this.#resolver.resolve(question, (answer) => this.#answer(lookup, answer));
  }

  #answer(lookup: Lookup, answer: DnsAnswer): void {
    const waiting = lookup.waiting ?? [];
    lookup.waiting = null;
    lookup.answer = answer;
    lookup.answeredMs = this.#clock.nowMs();
    for (const done of waiting) done(answer);
  }

  #find(key: string): Lookup {
    this.#sweep();
    const known = this.#lookups.get(key);
    if (known !== undefined) return known;
    const made: Lookup = { waiting: null, answer: null, answeredMs: 0 };
    this.#lookups.set(key, made);
    return made;
  }

  #sweep(): void {
    const nowMs = this.#clock.nowMs();
    if (nowMs - this.#sweptMs < FORGET_AFTER_MS) return;
    this.#sweptMs = nowMs;
    for (const [key, lookup] of this.#lookups) {
      const isOld = nowMs - lookup.answeredMs >= FORGET_AFTER_MS;
      if (lookup.waiting === null && isOld) this.#lookups.delete(key);
    }
  }
}
