// What a request is to rate limits: the descriptors that the actions of its route, or of its virtual
// host, make of it.
import { makeCidr, unmapped } from '../base/cidr-table.ts';
import { parseIp, printIp } from '../base/ip-address.ts';
import type { FormatContext } from '../formatter/formatter.ts';
import type { RequestHead } from '../http/message.ts';
import { requestField } from '../http/request-field.ts';
import { matchesHeader, matchesValue } from '../model/match-value.ts';
import type { QueryParameterMatchConfig } from '../model/route-match.ts';
import type {
  DescriptorValueConfig,
  HitsAddendConfig,
  RateLimitActionConfig,
  RateLimitConfig,
  RateLimitOverrideConfig,
  RateLimitUnitName,
} from '../model/route-policies.ts';
import { queryParameter } from './query-parameters.ts';
import type { Route } from './route-table.ts';

/** One entry of a descriptor. */
export interface DescriptorEntry {
  readonly key: string;
  /** A byte string. */
  readonly value: string;
}

/** A request as one rate limit sees it. */
export interface RateLimitDescriptor {
  /** At least one. */
  readonly entries: readonly DescriptorEntry[];
  /** What it counts for, negative to give back; null: as the filter says, 1 by default. */
  readonly hits: number | null;
  /** Another limit than the server's; null: the server's. */
  readonly limit: { readonly requestsPerUnit: number; readonly unit: RateLimitUnitName } | null;
}

/** The request that is described. */
export interface DescribedRequest {
  readonly head: RequestHead;
  /** The exchange, whose formats and metadata are read. */
  readonly context: FormatContext;
  readonly route: Route;
  /** Name of the cluster that the route means; '' for none. */
  readonly cluster: string;
  /** The bootstrap's node.cluster. */
  readonly serviceCluster: string;
}

/** Envoy RateLimit.HitsAddend: more is not counted. */
const MAX_HITS = 1_000_000_000;
const UNITS: ReadonlySet<unknown> = new Set<RateLimitUnitName>([
  ...(['UNKNOWN', 'SECOND', 'MINUTE', 'HOUR', 'DAY', 'MONTH', 'YEAR'] as const),
]);

/** What a filter does with the rate limits of virtual hosts. */
export type VirtualHostLimits = 'override' | 'include' | 'ignore';

/**
 * The rate limits of a route for filters of this stage: its own, and those of its virtual host where
 * it or `option` includes them, or where it has none and `option` lets its own take their place.
 * Found once per route, not per request.
 */
export function rateLimitsOf(
  { config, virtualHost }: Pick<Route, 'config' | 'virtualHost'>,
  stage: number,
  option: VirtualHostLimits = 'override',
): readonly RateLimitConfig[] {
  const { action } = config;
  const own = action.kind === 'forward' ? action.rateLimits : [];
  const isIncluded = action.kind === 'forward' && action.includeVhRateLimits;
  const includesHost =
    isIncluded || option === 'include' || (option === 'override' && own.length === 0);
  const all = includesHost ? [...own, ...virtualHost.rateLimits] : own;
  return all.filter((limit) => limit.stage === stage);
}

/** The descriptor of one rate limit; null: an action found nothing to describe the request by. */
export function describeRequest(
  limit: RateLimitConfig,
  request: DescribedRequest,
): RateLimitDescriptor | null {
  const entries: DescriptorEntry[] = [];
  for (const action of limit.actions) {
    const value = entryValue(action, request);
    if (value !== null) entries.push({ key: keyOf(action), value });
    else if (!isSkipped(action)) return null;
  }
  if (entries.length === 0) return null;
  return {
    entries,
    hits: hitsOf(limit.hitsAddend, request.context),
    limit: limitOf(limit.override, request.context),
  };
}

function keyOf(action: RateLimitActionConfig): string {
  if ('key' in action) return action.key;
  return action.kind.replaceAll('-', '_');
}

function isSkipped(action: RateLimitActionConfig): boolean {
  return 'skipIfAbsent' in action && action.skipIfAbsent;
}

/** The value of an action's entry; null: it gives none. */
function entryValue(action: RateLimitActionConfig, request: DescribedRequest): string | null {
  const { head, context } = request;
  switch (action.kind) {
    case 'source-cluster':
      return request.serviceCluster;
    case 'destination-cluster':
      return request.cluster;
    case 'request-header':
      return requestField(head, action.name);
    case 'query-parameter':
      return decodedParameter(head, action.name);
    case 'remote-address':
      return ipOf(context);
    case 'masked-remote-address':
      return maskedAddress(context, action);
    case 'metadata':
      return metadataText(action, request);
    default:
      return matches(action, request) ? printed(action.value, context) : null;
  }
}

/** True when the condition of an action with a fixed value holds. */
function matches(
  action: Extract<RateLimitActionConfig, { readonly value: DescriptorValueConfig }>,
  { head, context }: DescribedRequest,
): boolean {
  switch (action.kind) {
    case 'generic-key':
      return true;
    case 'header-match':
      return action.headers.every((header) => matchesHeader(header, head)) === action.expects;
    case 'query-match':
      return action.parameters.every((one) => hasParameter(one, head)) === action.expects;
    case 'remote-address-match': {
      const octets = parseIp(ipOf(context) ?? '');
      if (octets === null) return false;
      return (action.ranges.lookup(unmapped(octets)) === true) !== action.inverts;
    }
  }
}

function printed(
  { format, fallback }: DescriptorValueConfig,
  context: FormatContext,
): string | null {
  const text = format.format(context);
  if (text !== '') return text;
  return fallback === '' ? null : fallback;
}

function hasParameter({ name, match }: QueryParameterMatchConfig, head: RequestHead): boolean {
  const value = decodedParameter(head, name);
  if (match.kind === 'present') return (value !== null) === match.expected;
  return value !== null && matchesValue(match, value);
}

/** Rate limits read parameters decoded, where routes read them raw. */
function decodedParameter(head: RequestHead, name: string): string | null {
  const raw = queryParameter(head.path, name);
  if (raw === null || !raw.includes('%')) return raw;
  return raw.replace(/%([0-9a-f]{2})/gi, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
}

/** The client's; null: it came through a pipe. */
function ipOf({ info }: FormatContext): string | null {
  return info.remoteAddress.port < 0 ? null : info.remoteAddress.ip;
}

function maskedAddress(
  context: FormatContext,
  { v4Bits, v6Bits }: { readonly v4Bits: number; readonly v6Bits: number },
): string | null {
  const octets = parseIp(ipOf(context) ?? '');
  if (octets === null) return null;
  const bits = octets.length === 4 ? v4Bits : v6Bits;
  return `${printIp(makeCidr(octets, bits).octets)}/${bits}`;
}

/** A text at the place, or the default. */
function metadataText(
  action: Extract<RateLimitActionConfig, { readonly kind: 'metadata' }>,
  { context, route }: DescribedRequest,
): string | null {
  const root =
    action.source === 'route'
      ? route.config.metadata[action.namespace]
      : context.info.dynamicMetadata?.get(action.namespace);
  const value = at(root, action.path);
  if (typeof value === 'string' && value !== '') return value;
  return action.defaultValue === '' ? null : action.defaultValue;
}

/** The JSON value at a path; undefined: there is none. */
function at(root: unknown, path: readonly string[]): unknown {
  let value = root;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[key];
  }
  return value;
}

function hitsOf(addend: HitsAddendConfig | null, context: FormatContext): number | null {
  if (addend === null) return null;
  const hits = addend.number ?? printedNumber(addend, context);
  if (hits === null) return null;
  return addend.isNegative ? -hits : hits;
}

/** A format that prints no number of hits counts as none. */
function printedNumber({ format }: HitsAddendConfig, context: FormatContext): number | null {
  const text = format?.format(context) ?? '';
  const number = Number(text);
  return /^\d+$/.test(text) && number <= MAX_HITS ? number : null;
}

function limitOf(
  override: RateLimitOverrideConfig | null,
  { info }: FormatContext,
): RateLimitDescriptor['limit'] {
  if (override === null) return null;
  if (override.kind === 'fixed') {
    return { requestsPerUnit: override.requestsPerUnit, unit: override.unit };
  }
  const root = info.dynamicMetadata?.get(override.namespace);
  const requestsPerUnit = at(root, [...override.path, 'requests_per_unit']);
  const unit = at(root, [...override.path, 'unit']);
  if (typeof requestsPerUnit !== 'number' || !UNITS.has(unit)) return null;
  return { requestsPerUnit, unit: unit as RateLimitUnitName };
}
