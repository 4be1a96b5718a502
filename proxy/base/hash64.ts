// A 64-bit number of which only the bits matter, as two halves: numbers of JavaScript are exact to 53.

/** Whoever computes one into it keeps it; who wants to keep the value copies it. */
export interface Hash64 {
  /** The upper and the lower 32 bits, 0 to 2^32 - 1. */
  high: number;
  low: number;
}
