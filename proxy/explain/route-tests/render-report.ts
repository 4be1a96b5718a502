// What came of route tests, as text.
import { percentText } from '../duration-text.ts';
import { TextLayout, type TextOptions } from '../text-layout.ts';
import type { TestReport, TestResult } from './run-route-tests.ts';

/** Ends with a line break. */
export function renderReport(report: TestReport, options: TextOptions): string {
  const out = new TextLayout();
  const { file, config, results, passed, failed, coverage } = report;
  out.heading(`${file}, on ${config}`);
  for (const result of results) testLines(out, result);
  out.blank();
  const { reached, total, percent, unreached } = coverage;
  const isNone = unreached.length === 0 ? '' : '; no test reaches';
  out.line(0, `routes: ${reached} of ${total} (${percentText(percent)})${isNone}`);
  for (const { name, condition, origin } of unreached) {
    out.marked('off', `${name}  ${condition}`, origin);
  }
  const sum = failed === 0 ? `${passed} passed` : `${failed} failed, ${passed} passed`;
  out.line(0, `tests: ${sum}`);
  return out.render(options);
}

function testLines(out: TextLayout, { name, passed, origin, failures, outcome }: TestResult): void {
  if (passed) {
    out.marked('good', name);
    return;
  }
  out.marked('bad', name, origin);
  for (const { key, expected, actual, origin: place } of failures) {
    out.line(3, `${key}: expected ${expected}`, place);
    out.line(3, `${' '.repeat(key.length)}  actual   ${actual}`);
  }
  out.line(3, `it is ${outcome}`);
}
