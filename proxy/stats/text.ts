// The text form of /stats: a line for each statistic.
import { QUANTILES, quantilesOf } from './distribution.ts';
import { bucketLowerBound, bucketWidth } from './histogram.ts';
import {
  type BoundedCounts,
  type BoundsOf,
  boundedCounts,
  disjointCounts,
  numbersOf,
  type SelectedStats,
} from './selection.ts';
import type { HistogramSnapshot } from './snapshot.ts';

/** `histogram_buckets=` of /stats. */
export type HistogramDisplay = 'summary' | 'cumulative' | 'disjoint' | 'detailed';

/** Text readouts, then counters and gauges together, then histograms. */
export function statsAsText(
  selected: SelectedStats,
  display: HistogramDisplay,
  boundsOf: BoundsOf,
): string {
  const lines: string[] = [];
  for (const [name, text] of selected.textReadouts) lines.push(`${name}: "${escapeHtml(text)}"\n`);
  for (const [name, value] of numbersOf(selected)) lines.push(`${name}: ${value}\n`);
  for (const [name, histogram] of selected.histograms) {
    lines.push(histogramText(name, histogram, { display, boundsOf }));
  }
  return lines.join('');
}

/** C's `%g`: six significant digits, an exponent below 1e-4 and from 1e6 on. */
export function formatG(value: number): string {
  if (value === 0 || !Number.isFinite(value)) return String(value).toLowerCase();
  const exponent = Math.floor(Math.log10(Math.abs(Number(value.toPrecision(6)))));
  if (exponent >= -4 && exponent < 6) return String(Number(value.toPrecision(6)));
  const [digits = '', power = ''] = value.toExponential(5).split('e');
  return `${Number(digits)}e${power[0]}${power.slice(1).padStart(2, '0')}`;
}

/** Text between HTML tags or in an attribute. */
export function escapeHtml(text: string): string {
  return text.replace(
    /[&<>"']/g,
    (character) => HTML_ESCAPES[character as keyof typeof HTML_ESCAPES],
  );
}

const HTML_ESCAPES = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

function histogramText(
  name: string,
  histogram: HistogramSnapshot,
  options: { readonly display: HistogramDisplay; readonly boundsOf: BoundsOf },
): string {
  if (histogram.count === 0) return `${name}: No recorded values\n`;
  if (options.display === 'detailed') {
    const totals = bucketsText(histogram.buckets, histogram.unit);
    const intervals = bucketsText(histogram.intervalBuckets, histogram.unit);
    const summary = summaryText(histogram);
    return `${name}:\n  totals=${totals}\n  intervals=${intervals}\n  summary=${summary}\n`;
  }
  if (options.display === 'summary') return `${name}: ${summaryText(histogram)}\n`;
  const counts = boundedCounts(histogram, options.boundsOf(name));
  return `${name}: ${boundsText(options.display === 'disjoint' ? disjointCounts(counts) : counts)}\n`;
}

function summaryText(histogram: HistogramSnapshot): string {
  const interval = quantilesOf(histogram.intervalBuckets, histogram.unit);
  const cumulative = quantilesOf(histogram.buckets, histogram.unit);
  return QUANTILES.map((quantile, index) => {
    const values = [interval[index], cumulative[index]].map((value) =>
      value === undefined || Number.isNaN(value) ? 'nan' : String(value),
    );
    return `P${formatG(quantile * 100)}(${values.join(',')})`;
  }).join(' ');
}

function boundsText(counts: BoundedCounts): string {
  return counts.bounds
    .map((bound, index) => {
      const interval = counts.interval[index] ?? 0;
      const cumulative = counts.cumulative[index] ?? 0;
      return `B${formatG(bound)}(${interval},${cumulative})`;
    })
    .join(' ');
}

function bucketsText(buckets: readonly number[], unit: string): string {
  const parts: string[] = [];
  for (let at = 0; at < buckets.length; at += 2) {
    const index = buckets[at] ?? 0;
    const bound = formatG(bucketLowerBound(index, unit));
    const width = formatG(bucketWidth(index, unit));
    parts.push(`${bound},${width}:${buckets[at + 1] ?? 0}`);
  }
  return parts.join(', ');
}
