// One line of the table: what has to hold, what was measured.

/** One measurement. */
export interface Verdict {
  /** What was done to the upstream. */
  readonly what: string;
  /** The number to meet. */
  readonly goal: string;
  readonly measured: string;
  readonly passed: boolean;
}

/** The table, and how many lines passed. */
export function renderVerdicts(verdicts: readonly Verdict[]): string {
  const width = (of: (verdict: Verdict) => string): number =>
    verdicts.reduce((most, verdict) => Math.max(most, of(verdict).length), 0);
  const [what, goal, measured] = [
    width((verdict) => verdict.what),
    width((verdict) => verdict.goal),
    width((verdict) => verdict.measured),
  ];
  const lines = verdicts.map((verdict) =>
    [
      verdict.passed ? 'PASS' : 'FAIL',
      verdict.what.padEnd(what),
      verdict.goal.padEnd(goal),
      verdict.measured.padEnd(measured),
    ]
      .join('  ')
      .trimEnd(),
  );
  const passed = verdicts.filter((verdict) => verdict.passed).length;
  return `${lines.join('\n')}\n${passed} of ${verdicts.length} met\n`;
}
