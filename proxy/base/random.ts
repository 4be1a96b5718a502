// Randomness as a value that is handed down, so that tests replay by seed.

/** A source of random numbers; never used for secrets. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** A random (version 4) UUID in lower-case text, RFC 9562 §5.4. */
  uuid(): string;
}

/** Uniform integer in [0, bound); bound from 1 to 2^32. */
export function randomBelow(random: Random, bound: number): number {
  return Math.floor(random.next() * bound);
}

/** A share of all cases. */
export interface Fraction {
  readonly numerator: number;
  readonly denominator: number;
}

/** True for that share of all calls; nothing is drawn where all or none are meant. */
export function isDrawn(random: Random, { numerator, denominator }: Fraction): boolean {
  if (numerator === 0) return false;
  return numerator >= denominator || randomBelow(random, denominator) < numerator;
}
