// Compares what is expected with what an explanation says.
import { durationText } from '../duration-text.ts';
import type { ExplainedHttp, Explanation } from '../explanation.ts';
import { flowText, isList, type Json } from '../flow-text.ts';
import { type FieldLine, fieldValue } from '../head-snapshot.ts';
import type { Expectation, NamesField, TextField } from './route-test.ts';

/** What was found instead; null: it is as expected. */
export interface Difference {
  readonly expected: string;
  readonly actual: string;
}

const NOTHING = 'nothing';
const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 };

/** null: as expected. */
export function checkExpectation(
  expectation: Expectation,
  explanation: Explanation,
): Difference | null {
  const { http, outcome } = explanation;
  switch (expectation.kind) {
    case 'outcome':
      return compare(expectation.value, outcome.kind);
    case 'status':
      return compare(String(expectation.value), statusOf(explanation));
    case 'text':
      return compare(expectation.value, textOf(expectation.field, explanation));
    case 'duration':
      return compareDuration(expectation.value, http, expectation.field);
    case 'weights':
      return compareWeights(expectation.value, http);
    case 'names':
      return compareNames(expectation.value, namesOf(expectation.field, http));
    case 'policy':
      return comparePolicy(expectation.value, http, expectation.field);
    case 'header':
      return compareHeader(expectation, explanation);
  }
}

function compare(expected: string, actual: string): Difference | null {
  return expected === actual ? null : { expected, actual: actual === '' ? NOTHING : actual };
}

/** Of whoever answers the client, the upstream as well. */
function statusOf({ outcome, http }: Explanation): string {
  if (outcome.status !== null) return String(outcome.status);
  return fieldValue(http?.clientResponse ?? [], ':status') ?? '';
}

function textOf(field: TextField, { http, outcome, listener, filterChain }: Explanation): string {
  const upstream = http?.upstreamRequest ?? [];
  switch (field) {
    case 'listener':
      return listener?.name ?? '';
    case 'filter_chain':
      return filterChain?.name ?? '';
    case 'virtual_host':
      return http?.virtualHost?.name ?? '';
    case 'route':
      return http?.route?.name ?? '';
    case 'cluster':
      return http?.cluster?.name ?? '';
    case 'redirect':
      return outcome.location ?? '';
    case 'body':
      return outcome.body;
    case 'path':
      return fieldValue(upstream, ':path') ?? '';
    case 'host':
      return fieldValue(upstream, ':authority') ?? '';
    case 'details':
      return outcome.details;
  }
}

/** `0`, `0s` and `none` are the same; so are `90s` and `1.5m`. */
function compareDuration(
  expected: string,
  http: ExplainedHttp | null,
  field: string,
): Difference | null {
  const actual = http?.settings.find(({ name }) => name === field)?.value ?? '';
  const ms = durationMs(expected);
  if (ms === null) return compare(expected, actual);
  return compare(durationText(ms), actual);
}

function durationMs(text: string): number | null {
  if (text === 'none' || text === '0') return 0;
  const parts = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(text);
  return parts === null ? null : Number(parts[1]) * (UNITS[parts[2] ?? ''] ?? 1);
}

function compareWeights(
  expected: Readonly<Record<string, number>>,
  http: ExplainedHttp | null,
): Difference | null {
  const shares = (http?.weights ?? []).map(({ name, percent }) => [name, percent] as const);
  return compare(weightsText(Object.entries(expected)), weightsText(shares));
}

function weightsText(weights: readonly (readonly [string, number])[]): string {
  return weights
    .map(([name, percent]) => `${name} ${Number(percent.toFixed(2))} %`)
    .sort()
    .join(', ');
}

function namesOf(field: NamesField, http: ExplainedHttp | null): readonly string[] {
  if (http === null) return [];
  if (field === 'mirrors') return http.mirrors.map(({ name }) => name);
  if (field === 'hosts') return (http.cluster?.hosts ?? []).map(({ address }) => address);
  const runs = field === 'filters';
  return http.filters.filter((filter) => filter.runs === runs).map(({ name }) => name);
}

function compareNames(expected: readonly string[], actual: readonly string[]): Difference | null {
  return compare([...expected].sort().join(', '), [...actual].sort().join(', '));
}

function comparePolicy(
  expected: Json,
  http: ExplainedHttp | null,
  field: string,
): Difference | null {
  const actual = http?.settings.find(({ name }) => name === field)?.config ?? null;
  if (includes(actual, expected)) return null;
  return { expected: flowText(expected), actual: actual === null ? NOTHING : flowText(actual) };
}

/** True when every member of `part` is in `whole` with the same value; lists must be equal. */
function includes(whole: Json | undefined, part: Json): boolean {
  if (part === null || typeof part !== 'object') return String(whole) === String(part);
  if (whole === undefined || whole === null || typeof whole !== 'object') return false;
  if (isList(part)) {
    if (!isList(whole) || whole.length !== part.length) return false;
    return part.every((item, index) => includes(whole[index], item));
  }
  return (
    !isList(whole) && Object.entries(part).every(([name, value]) => includes(whole[name], value))
  );
}

type HeaderExpectation = Extract<Expectation, { readonly kind: 'header' }>;

function compareHeader(
  { message, test, name, value }: HeaderExpectation,
  { http, request }: Explanation,
): Difference | null {
  const lines = (message === 'request' ? http?.upstreamRequest : http?.clientResponse) ?? null;
  if (lines === null) return { expected: expectedHeader(test, value), actual: `no ${message}` };
  const actual = valuesOf(lines, name);
  if (test === 'set') {
    return actual === value ? null : { expected: value, actual: actual ?? 'no such header' };
  }
  if (actual !== null) return { expected: expectedHeader(test, value), actual };
  const wasThere = message === 'response' || request.headers.some((line) => line.name === name);
  if (test === 'absent' || wasThere) return null;
  return { expected: 'a header that is removed', actual: 'the request of the test has none' };
}

function expectedHeader(test: HeaderExpectation['test'], value: string): string {
  return test === 'set' ? value : 'no such header';
}

function valuesOf(lines: readonly FieldLine[], name: string): string | null {
  const values = lines.filter((line) => line.name === name).map(({ value }) => value);
  return values.length === 0 ? null : values.join(', ');
}
