// Evaluates matchers of metadata and filter state: what filters know of a connection or a request.
import { unmapped } from '../base/cidr-table.ts';
import { parseIp } from '../base/ip-address.ts';
import { matchesString } from './match-value.ts';
import type {
  FilterStateMatchConfig,
  MetadataMatchConfig,
  MetadataValueMatchConfig,
} from './route-match.ts';

/** Metadata by namespace, as exchanges and resources have it. */
export type MetadataByNamespace = ReadonlyMap<string, Readonly<Record<string, unknown>>>;

/** True when metadata fulfils a condition. */
export function matchesMetadata(
  config: MetadataMatchConfig,
  metadata: MetadataByNamespace | null,
): boolean {
  return matchesMetadataValue(config.match, metadataAt(config, metadata)) !== config.invert;
}

/** The same of what one namespace holds, which is the condition's; undefined: nothing. */
export function matchesNamespace(config: MetadataMatchConfig, content: unknown): boolean {
  return matchesMetadataValue(config.match, valueAt(config.path, content)) !== config.invert;
}

/** What a condition looks at: a JSON value; undefined: there is nothing. */
export function metadataAt(
  { namespace, path }: MetadataMatchConfig,
  metadata: MetadataByNamespace | null,
): unknown {
  return valueAt(path, metadata?.get(namespace));
}

function valueAt(path: readonly string[], content: unknown): unknown {
  let value = content;
  for (const key of path) {
    if (!isObject(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return value;
}

/** True when a JSON value passes the test; undefined: it is missing. */
export function matchesMetadataValue(match: MetadataValueMatchConfig, value: unknown): boolean {
  switch (match.kind) {
    case 'null':
      return value === null;
    case 'double':
      return typeof value === 'number' && value >= match.start && value < match.end;
    case 'double-exact':
      return value === match.value;
    case 'string':
      return typeof value === 'string' && matchesString(match.match, value);
    case 'bool':
      return value === match.value;
    case 'present':
      return match.expected && value !== undefined;
    case 'list':
      return Array.isArray(value) && value.some((one) => matchesMetadataValue(match.oneOf, one));
    case 'or':
      return match.matches.some((one) => matchesMetadataValue(one, value));
  }
}

/** True when a value of filter state, as text, passes the test; null: there is none. */
export function matchesFilterState(
  { match }: FilterStateMatchConfig,
  text: string | null,
): boolean {
  if (text === null) return false;
  if (match.kind === 'string') return matchesString(match.match, text);
  const octets = parseIp(withoutPort(text));
  if (octets === null) return false;
  return (match.networks.lookup(unmapped(octets)) === true) !== match.invert;
}

/** `1.2.3.4:80` and `[::1]:80` without what is not the address. */
function withoutPort(text: string): string {
  if (text.startsWith('[')) return text.slice(1, text.indexOf(']'));
  const colon = text.indexOf(':');
  return colon === text.lastIndexOf(':') && colon !== -1 ? text.slice(0, colon) : text;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
