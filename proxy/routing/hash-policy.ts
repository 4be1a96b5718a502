// The hash of a request by its route's hash_policy: who has the same goes to the same cluster of
// weighted_clusters, or to the same host of a ring.
import { type Hash64, xxHash64 } from '../base/xx-hash.ts';
import { HashableText } from '../formatter/hashable-text.ts';
import { cookieValue } from '../http/cookie.ts';
import type { RequestHead } from '../http/message.ts';
import { isPseudoField, requestField } from '../http/request-field.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import type {
  ConnectionHashConfig,
  HashPolicyConfig,
  HashSourceConfig,
} from '../model/route-policies.ts';
import { queryParameter } from './query-parameters.ts';

/** What hashing found; reusable. */
export interface RequestHash extends Hash64 {
  /**
   * Values of Set-Cookie for the response, in front of the route's header work: cookies that were
   * made for this request. null: none are made, and a request without its cookie has no such hash.
   */
  setCookies: string[] | null;
}

/** A request as it is hashed. */
interface Hashed {
  readonly head: RequestHead;
  readonly info: StreamInfo;
  readonly into: RequestHash;
}

/** Writes a hash into `into`; false: the request has nothing to hash there. */
type HashSource = (request: Hashed) => boolean;

interface Policy {
  readonly source: HashSource;
  readonly isTerminal: boolean;
}

/** The policies of one route. */
export class HashPolicies {
  readonly #policies: readonly Policy[];

  /** null: the route has none. */
  static of(configs: readonly HashPolicyConfig[]): HashPolicies | null {
    return configs.length === 0 ? null : new HashPolicies(configs);
  }

  private constructor(configs: readonly HashPolicyConfig[]) {
    this.#policies = configs.map((config) => ({
      source: sourceOf(config),
      isTerminal: config.terminal,
    }));
  }

  /** Writes the hash into `into`; false: the request has none, and `into` holds nothing. */
  hash(head: RequestHead, info: StreamInfo, into: RequestHash): boolean {
    const request = { head, info, into };
    let high = 0;
    let low = 0;
    let isFound = false;
    for (const { source, isTerminal } of this.#policies) {
      if (source(request)) {
        // Rotated, so that two equal policies do not cancel each other out.
        const carry = high >>> 31;
        high = ((high << 1) | (low >>> 31)) ^ into.high;
        low = ((low << 1) | carry) ^ into.low;
        isFound = true;
      }
      if (isTerminal && isFound) break;
    }
    into.high = high >>> 0;
    into.low = low >>> 0;
    return isFound;
  }
}

/** The hash of a connection that carries no requests; false: it has none. */
export function hashConnection(
  config: ConnectionHashConfig,
  info: StreamInfo,
  into: Hash64,
): boolean {
  const octets = config.kind === 'source-ip' ? ipOf(info) : stateOctets(info, config.key);
  return hashText(octets, into);
}

function sourceOf(config: HashSourceConfig): HashSource {
  switch (config.kind) {
    case 'header':
      return (request) => hashField(request, config);
    case 'cookie':
      return (request) => hashText(cookieOctets(request, config), request.into);
    case 'source-ip':
      return ({ info, into }) => hashText(ipOf(info), into);
    case 'query-parameter':
      return ({ head, into }) => hashText(queryParameter(head.path, config.name), into);
    case 'filter-state':
      return ({ info, into }) => hashText(stateOctets(info, config.key), into);
  }
}

function hashText(octets: string | null, into: Hash64): boolean {
  if (octets === null) return false;
  xxHash64(octets, into);
  return true;
}

/** All values of the field, in an order that does not depend on that of the lines. */
function hashField(
  { head, into }: Hashed,
  { name, regex, substitution }: Extract<HashSourceConfig, { readonly kind: 'header' }>,
): boolean {
  const first = requestField(head, name);
  if (first === null) return false;
  const values = isPseudoField(name) ? [first] : head.headers.values(name);
  const hashed =
    regex === null ? values : values.map((value) => regex.replaceAll(value, substitution));
  into.high = 0;
  into.low = 0;
  // As Envoy: the hash of each value is the seed of the next.
  for (const value of hashed.sort()) xxHash64(value, into, into);
  return true;
}

/** A pipe has none. */
function ipOf({ remoteAddress }: StreamInfo): string | null {
  return remoteAddress.port < 0 ? null : remoteAddress.ip;
}

function cookieOctets(
  { head, info, into }: Hashed,
  config: Extract<HashSourceConfig, { readonly kind: 'cookie' }>,
): string | null {
  const value = cookieValue(head.headers, config.name) ?? '';
  if (value !== '') return value;
  if (config.ttlS === null || into.setCookies === null) return null;
  const made = cookieOfConnection(info, into);
  into.setCookies.push(setCookieText(config, made));
  return made;
}

/** The same for all requests of a connection: those that race get one and the same cookie. */
function cookieOfConnection({ downstream }: StreamInfo, scratch: Hash64): string {
  xxHash64(downstream.remoteAddress.text + downstream.localAddress.text, scratch);
  const { high, low } = scratch;
  return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
}

function setCookieText(
  { name, ttlS, path, attributes }: Extract<HashSourceConfig, { readonly kind: 'cookie' }>,
  value: string,
): string {
  const maxAge = ttlS === null || ttlS === 0 ? '' : `; Max-Age=${ttlS}`;
  const scope = path === '' ? '' : `; Path=${path}`;
  return `${name}="${value}"${maxAge}${scope}${attributes}; HttpOnly`;
}

/** What a filter left under the key, if it can be hashed; the exchange's before the connection's. */
function stateOctets({ filterState, downstream }: StreamInfo, key: string): string | null {
  const value = filterState?.get(key) ?? downstream.filterState?.get(key);
  return value instanceof HashableText ? value.text : null;
}
