// Durations and limits as people write them.

const UNITS: readonly (readonly [string, number])[] = [
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
];

/** `15s`, `250ms`, `1h`; 0 is `none`. */
export function durationText(ms: number): string {
  if (ms === 0) return 'none';
  const [unit, size] = UNITS.find(([, each]) => ms % each === 0) ?? ['ms', 1];
  return `${ms / size}${unit}`;
}

/** A share of 100 with as many digits as it needs, two at most. */
export function percentText(percent: number): string {
  return `${Number(percent.toFixed(2))} %`;
}

/** `part` of `total` in percent; 0 of nothing. */
export function percentOf(part: number, total: number): number {
  return total === 0 ? 0 : (100 * part) / total;
}
