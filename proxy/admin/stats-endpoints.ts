// /stats and /stats/prometheus.
import { compileSafeRegex, type SafeRegex } from '../base/safe-regex.ts';
import { statsAsJson } from '../stats/json.ts';
import { statsAsPrometheus } from '../stats/prometheus.ts';
import { type StatsSelection, type StatsType, selectStats } from '../stats/selection.ts';
import { escapeHtml, type HistogramDisplay, statsAsText } from '../stats/text.ts';
import {
  type AdminContext,
  type AdminReply,
  type AdminRequest,
  type Endpoint,
  type EndpointParam,
  rawJsonReply,
  textReply,
} from './endpoint.ts';
import type { QueryParams } from './query.ts';

const TYPES: readonly StatsType[] = ['All', 'Counters', 'Histograms', 'Gauges', 'TextReadouts'];
const DISPLAYS: readonly HistogramDisplay[] = ['cumulative', 'disjoint', 'detailed', 'summary'];
const FORMATS = ['html', 'json', 'prometheus', 'text'] as const;
type Format = (typeof FORMATS)[number];

/** What a query asks for, or why it cannot be understood. */
type Parsed<T> = { readonly value: T } | { readonly error: string };

const COMMON_PARAMS: readonly EndpointParam[] = [
  {
    id: 'usedonly',
    help: 'Only include stats that have been written by system since restart',
    options: null,
  },
  { id: 'filter', help: 'Regular expression (Google re2) for filtering stats', options: [] },
  { id: 'invert_filter', help: 'Invert the filter regex', options: null },
];

/** Statistics as text, JSON, HTML or Prometheus text. */
export const STATS_ENDPOINT: Endpoint = {
  path: '/stats',
  help: 'print server stats',
  params: [
    ...COMMON_PARAMS,
    { id: 'format', help: 'Format to use', options: FORMATS },
    { id: 'type', help: 'Stat types to include.', options: TYPES },
    { id: 'histogram_buckets', help: 'Histogram bucket display mode', options: DISPLAYS },
  ],
  mutates: false,
  handle: handleStats,
};

/** Statistics for Prometheus. */
export const PROMETHEUS_ENDPOINT: Endpoint = {
  path: '/stats/prometheus',
  help: 'print server stats in prometheus format',
  params: [
    ...COMMON_PARAMS,
    {
      id: 'text_readouts',
      help: 'Render text_readouts as new gauges with value 0 (increases Prometheus data size)',
      options: null,
    },
    {
      id: 'histogram_buckets',
      help: 'Histogram bucket display mode',
      options: ['cumulative', 'summary'],
    },
  ],
  mutates: false,
  handle: handlePrometheus,
};

async function handleStats(request: AdminRequest, context: AdminContext): Promise<AdminReply> {
  const format = parseFormat(request.params);
  if ('error' in format) return textReply(format.error, 400);
  if (format.value === 'prometheus') return handlePrometheus(request, context);
  const selection = parseSelection(request.params);
  if ('error' in selection) return textReply(selection.error, 400);
  const display = parseDisplay(request.params);
  if ('error' in display) return textReply(display.error, 400);
  const selected = selectStats(await context.backend.getStats(), selection.value);
  const { boundsOf } = context;
  if (format.value === 'json') return rawJsonReply(statsAsJson(selected, display.value, boundsOf));
  const text = statsAsText(selected, display.value, boundsOf);
  return format.value === 'html' ? htmlReply(text) : textReply(text);
}

async function handlePrometheus(request: AdminRequest, context: AdminContext): Promise<AdminReply> {
  const { params } = request;
  const selection = parseSelection(params);
  if ('error' in selection) return textReply(selection.error, 400);
  const display = parseDisplay(params);
  // Envoy takes `none` for buckets too, and shows them.
  if ('error' in display) return textReply(display.error, 400);
  if (display.value === 'detailed' || display.value === 'disjoint') {
    return textReply('unsupported prometheus histogram bucket mode', 400);
  }
  const all: StatsSelection = { ...selection.value, type: 'All' };
  const text = await statsAsPrometheus(selectStats(await context.backend.getStats(), all), {
    tags: context.tags,
    boundsOf: context.boundsOf,
    asSummary: params.has('histogram_buckets') && display.value === 'summary',
    withTextReadouts: params.has('text_readouts'),
  });
  return textReply(text);
}

function parseFormat(params: QueryParams): Parsed<Format> {
  const wanted = params.get('format') ?? 'text';
  const format = FORMATS.find((known) => known === wanted);
  if (format !== undefined) return { value: format };
  return { error: `usage: /stats?format=(${FORMATS.join('|')})\n\n` };
}

function parseDisplay(params: QueryParams): Parsed<HistogramDisplay> {
  const wanted = params.get('histogram_buckets') ?? 'summary';
  if (wanted === 'none' || wanted === '') return { value: 'summary' };
  const display = DISPLAYS.find((known) => known === wanted);
  if (display !== undefined) return { value: display };
  return { error: `usage: /stats?histogram_buckets=(${DISPLAYS.join('|')})\n` };
}

function parseSelection(params: QueryParams): Parsed<StatsSelection> {
  const wanted = params.get('type') ?? 'All';
  const type = TYPES.find((known) => known === wanted);
  if (type === undefined) return { error: 'invalid &type= param' };
  let filter: SafeRegex | null = null;
  const pattern = params.get('filter') ?? '';
  if (pattern !== '') {
    const compiled = compileSafeRegex(pattern);
    if ('error' in compiled) return { error: `Invalid re2 regex: ${compiled.error}` };
    filter = compiled;
  }
  return {
    value: {
      usedOnly: params.has('usedonly'),
      invertFilter: params.has('invert_filter'),
      filter,
      type,
    },
  };
}

function htmlReply(text: string): AdminReply {
  const body = `<!DOCTYPE html>\n<html lang='en'>\n<head><title>Outrigger stats</title></head>\n<body>\n<pre>\n${escapeHtml(text)}</pre>\n</body>\n</html>\n`;
  return { status: 200, contentType: 'text/html; charset=UTF-8', body, afterwards: null };
}
