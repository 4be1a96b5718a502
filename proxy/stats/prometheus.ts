// The Prometheus form of /stats, written by prom-client from families that are made out of a merged
// snapshot at scrape time. prom-client writes names, escaped labels and values; Envoy's text has no
// HELP lines, no blank lines, and `{}` where there is no label, which is mended in its output here.
import { setImmediate } from 'node:timers/promises';
import type { Metric } from 'prom-client';
import Registry from 'prom-client/lib/registry.js';
import { approximateSum, QUANTILES, quantilesOf } from './distribution.ts';
import { countOf } from './histogram.ts';
import {
  type BoundsOf,
  boundedCounts,
  type Named,
  type PrintedNumber,
  type SelectedStats,
} from './selection.ts';
import type { HistogramSnapshot } from './snapshot.ts';
import type { TagExtractor, TaggedName } from './tags.ts';

/** How statistics become Prometheus metrics. */
export interface PrometheusOptions {
  readonly tags: TagExtractor;
  readonly boundsOf: BoundsOf;
  /** Histograms as quantiles of the last interval instead of buckets. */
  readonly asSummary: boolean;
  /** Text readouts as gauges of 0 with the text in a label. */
  readonly withTextReadouts: boolean;
}

/** How long the loop may be held by writing; a longer hold shows in the latency of requests. */
const WRITE_SLICE_MS = 5;

type FamilyType = 'counter' | 'gauge' | 'histogram' | 'summary';

/** No gauge has it, and prom-client prints it unlike all numbers. */
const WIDE = Number.POSITIVE_INFINITY;
const WIDE_TEXT = /(?<= )\+Inf$/;

interface Sample {
  readonly metricName: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/** One name with all its samples, in the form that prom-client's registry reads. */
class Family {
  readonly name: string;
  readonly type: FamilyType;
  readonly help = '';
  readonly values: Sample[] = [];
  /** Numbers of 64 bits among the values, where WIDE stands for each. */
  readonly wide: bigint[] = [];

  constructor(name: string, type: FamilyType) {
    this.name = name;
    this.type = type;
  }

  get(): this {
    return this;
  }
}

/** Counters, gauges, text readouts and histograms, each in order of the name without its tags. */
export function statsAsPrometheus(
  selected: SelectedStats,
  options: PrometheusOptions,
): Promise<string> {
  const families = new Map<string, Family>();
  const { tags } = options;
  for (const stat of inTaggedOrder(selected.counters, tags)) {
    addNumber(families, 'counter', stat);
  }
  for (const stat of inTaggedOrder(selected.gauges, tags)) addNumber(families, 'gauge', stat);
  if (options.withTextReadouts) {
    for (const stat of inTaggedOrder(selected.textReadouts, tags)) addText(families, stat);
  }
  for (const stat of inTaggedOrder(selected.histograms, tags)) {
    if (options.asSummary) addSummary(families, stat);
    else addHistogram(families, stat, options.boundsOf(stat.fullName));
  }
  return write(families.values());
}

/**
 * Writes family by family and lets the loop turn between them: with one worker in the primary's
 * process a scrape of many clusters must not stop the traffic for the whole of it.
 */
async function write(families: Iterable<Family>): Promise<string> {
  const registry = new Registry();
  const texts: string[] = [];
  let started = performance.now();
  for (const family of families) {
    // The registry reads name and `get()` only; its declared type names prom-client's classes.
    registry.registerMetric(family as unknown as Metric);
    texts.push(asEnvoyPrintsIt(await registry.getSingleMetricAsString(family.name), family.wide));
    if (performance.now() - started < WRITE_SLICE_MS) continue;
    await setImmediate();
    started = performance.now();
  }
  return texts.join('');
}

interface TaggedStat<T> {
  readonly fullName: string;
  readonly tagged: TaggedName;
  readonly value: T;
  /** Sorts as Envoy's names do: token by token. */
  readonly key: string;
}

function inTaggedOrder<T>(
  stats: readonly Named<T>[],
  tags: TagExtractor,
): readonly TaggedStat<T>[] {
  const tagged = stats.map(([fullName, value]) => {
    const name = tags.extract(fullName);
    // U+0001 for the dot sorts below all that a token may hold; U+0000 ends the metric's name.
    const key = `${name.name}\u0000${fullName}`.replaceAll('.', '\u0001');
    return { fullName, tagged: name, value, key };
  });
  return tagged.sort((a, b) => (a.key < b.key ? -1 : 1));
}

/** The family of a statistic; null when its name belongs to another type already. */
function familyOf(
  families: Map<string, Family>,
  type: FamilyType,
  tagged: TaggedName,
): Family | null {
  const name = `envoy_${tagged.name.replace(/[^a-zA-Z0-9_]/g, '_')}`;
  let family = families.get(name);
  if (family === undefined) {
    family = new Family(name, type);
    families.set(name, family);
  }
  return family.type === type ? family : null;
}

function addNumber(
  families: Map<string, Family>,
  type: 'counter' | 'gauge',
  { tagged, value }: TaggedStat<PrintedNumber>,
): void {
  const family = familyOf(families, type, tagged);
  if (family === null) return;
  const isWide = typeof value === 'bigint';
  if (isWide) family.wide.push(value);
  const labels = labelsOf(tagged);
  family.values.push({ metricName: family.name, labels, value: isWide ? WIDE : value });
}

function addText(families: Map<string, Family>, stat: TaggedStat<string>): void {
  const family = familyOf(families, 'gauge', stat.tagged);
  if (family === null) return;
  const labels = { ...labelsOf(stat.tagged), text_value: stat.value };
  family.values.push({ metricName: family.name, labels, value: 0 });
}

function addHistogram(
  families: Map<string, Family>,
  stat: TaggedStat<HistogramSnapshot>,
  bounds: readonly number[],
): void {
  const family = familyOf(families, 'histogram', stat.tagged);
  if (family === null) return;
  const labels = labelsOf(stat.tagged);
  const { cumulative } = boundedCounts(stat.value, bounds);
  const metricName = `${family.name}_bucket`;
  bounds.forEach((bound, index) => {
    const le = String(bound);
    family.values.push({ metricName, labels: { ...labels, le }, value: cumulative[index] ?? 0 });
  });
  family.values.push(
    { metricName, labels: { ...labels, le: '+Inf' }, value: stat.value.count },
    { metricName: `${family.name}_sum`, labels, value: stat.value.sum },
    { metricName: `${family.name}_count`, labels, value: stat.value.count },
  );
}

function addSummary(families: Map<string, Family>, stat: TaggedStat<HistogramSnapshot>): void {
  const family = familyOf(families, 'summary', stat.tagged);
  if (family === null) return;
  const labels = labelsOf(stat.tagged);
  const values = quantilesOf(stat.value.intervalBuckets, stat.value.unit);
  QUANTILES.forEach((quantile, index) => {
    family.values.push({
      metricName: family.name,
      labels: { ...labels, quantile: String(quantile) },
      value: values[index] ?? Number.NaN,
    });
  });
  const sum = approximateSum(stat.value.intervalBuckets, stat.value.unit);
  const count = countOf(stat.value.intervalBuckets);
  family.values.push(
    { metricName: `${family.name}_sum`, labels, value: sum },
    { metricName: `${family.name}_count`, labels, value: count },
  );
}

function labelsOf(tagged: TaggedName): Readonly<Record<string, string>> {
  const labels: Record<string, string> = {};
  for (let at = 0; at < tagged.tags.length; at += 2) {
    const name = (tagged.tags[at] ?? '').replace(/[^a-zA-Z0-9_]/g, '_');
    labels[name] = tagged.tags[at + 1] ?? '';
  }
  return labels;
}

function asEnvoyPrintsIt(text: string, wide: readonly bigint[]): string {
  const lines: string[] = [];
  let used = 0;
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('# HELP ')) continue;
    const labelled = line.startsWith('#') || line.includes('{') ? line : line.replace(' ', '{} ');
    if (used < wide.length && WIDE_TEXT.test(labelled)) {
      lines.push(labelled.replace(WIDE_TEXT, String(wide[used])));
      used += 1;
    } else {
      lines.push(labelled.endsWith(' Nan') ? `${labelled.slice(0, -4)} nan` : labelled);
    }
  }
  return lines.length === 0 ? '' : `${lines.join('\n')}\n`;
}
