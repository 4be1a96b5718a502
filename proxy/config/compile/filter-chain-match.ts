// config.listener.v3.FilterChainMatch, and the rule that no two chains match the same.
import { toJsonString } from '@bufbuild/protobuf';
import type { CidrRange } from '../../api/gen/envoy/config/core/v3/address_pb.js';
import {
  type FilterChain,
  type FilterChainMatch,
  FilterChainMatchSchema,
  FilterChainMatch_ConnectionSourceType as SourceType,
} from '../../api/gen/envoy/config/listener/v3/listener_components_pb.js';
import { type Cidr, makeCidr } from '../../base/cidr-table.ts';
import { parseIp } from '../../base/ip-address.ts';
import type { CompileContext } from '../../model/extension.ts';
import {
  type FilterChainConfig,
  type FilterChainMatchConfig,
  MATCH_ALL,
} from '../../model/listener.ts';
import { compileEach } from './compile-each.ts';

const SOURCE_TYPES: Readonly<Record<SourceType, FilterChainMatchConfig['sourceType']>> = {
  [SourceType.ANY]: 'any',
  [SourceType.SAME_IP_OR_LOOPBACK]: 'same-ip-or-loopback',
  [SourceType.EXTERNAL]: 'external',
};
const OVERLAP = 'multiple filter chains with overlapping matching rules are defined';

/** The criteria of a chain; absent ones match everything. */
export function compileFilterChainMatch(
  message: FilterChainMatch | undefined,
  context: CompileContext,
): FilterChainMatchConfig {
  if (message === undefined) return MATCH_ALL;
  return {
    destinationPort: message.destinationPort ?? null,
    prefixRanges: compileRanges('prefix_ranges', message.prefixRanges, context),
    serverNames: message.serverNames.map((name) => name.toLowerCase()),
    transportProtocol: message.transportProtocol,
    applicationProtocols: message.applicationProtocols,
    directSourcePrefixRanges: compileRanges(
      'direct_source_prefix_ranges',
      message.directSourcePrefixRanges,
      context,
    ),
    sourceType: SOURCE_TYPES[message.sourceType],
    sourcePrefixRanges: compileRanges('source_prefix_ranges', message.sourcePrefixRanges, context),
    sourcePorts: message.sourcePorts,
  };
}

function compileRanges(
  path: string,
  items: readonly CidrRange[],
  context: CompileContext,
): readonly Cidr[] {
  return compileEach({ path, items }, context, ({ addressPrefix, prefixLen = 0 }, at) => {
    const octets = parseIp(addressPrefix);
    // Envoy takes a prefix that is too long for the whole address.
    if (octets !== null) return makeCidr(octets, Math.min(prefixLen, octets.length * 8));
    at.reject('address_prefix', `malformed IP address: ${addressPrefix}`);
    return null;
  });
}

/**
 * Refuses what Envoy refuses of a listener's chains together; `prefix` begins its messages. False:
 * two have the same match, so nothing more need be said about overlaps.
 */
export function checkFilterChainMatches(
  messages: readonly FilterChain[],
  prefix: string,
  context: CompileContext,
): boolean {
  const names = new Map<string, string>();
  let areDistinct = true;
  messages.forEach((chain, index) => {
    const at = context.at(`filter_chains[${index}]`);
    checkFields(chain, prefix, at.at('filter_chain_match'));
    const rules = rulesOf(chain.filterChainMatch);
    const twin = names.get(rules);
    if (twin === undefined) {
      names.set(rules, chain.name);
      return;
    }
    areDistinct = false;
    const same = `has the same matching rules defined as '${twin}'`;
    at.reject('', `${prefix}filter chain '${chain.name}' ${same}. duplicate matcher is: ${rules}`);
  });
  return areDistinct;
}

function checkFields(chain: FilterChain, prefix: string, context: CompileContext): void {
  const match = chain.filterChainMatch;
  const unimplemented = `${prefix}filter chain '${chain.name}' contains unimplemented fields`;
  if (match?.addressSuffix) context.reject('address_suffix', unimplemented);
  if (match?.suffixLen !== undefined) context.reject('suffix_len', unimplemented);
  match?.serverNames.forEach((name, index) => {
    if (!name.includes('*') || name.startsWith('*.')) return;
    const reason = `${prefix}partial wildcards are not supported in "server_names"`;
    context.reject(`server_names[${index}]`, reason);
  });
}

/** An absent match is the same as an empty one. */
function rulesOf(match: FilterChainMatch | undefined): string {
  const options = { useProtoFieldName: true };
  return match === undefined ? '{}' : toJsonString(FilterChainMatchSchema, match, options);
}

/** Refuses chains of which a connection could match two, or one twice, by the same criteria. */
export function checkOverlaps(
  chains: readonly FilterChainConfig[],
  prefix: string,
  context: CompileContext,
): void {
  const bySingle = new Map<string, Criteria[]>();
  chains.forEach(({ match }, index) => {
    const criteria = criteriaOf(match);
    const key = `${match.destinationPort} ${match.sourceType} ${match.transportProtocol}`;
    const others = bySingle.get(key) ?? [];
    bySingle.set(key, [...others, criteria]);
    if (criteria.isDistinct && !others.some((other) => overlap(criteria, other))) return;
    context.reject(`filter_chains[${index}].filter_chain_match`, `${prefix}${OVERLAP}`);
  });
}

/** Criteria that may have several values; an empty list means any. */
interface Criteria {
  readonly sets: readonly ReadonlySet<string>[];
  /** No value is there twice. */
  readonly isDistinct: boolean;
}

function criteriaOf(match: FilterChainMatchConfig): Criteria {
  const lists = [
    match.prefixRanges.map(keyOf),
    match.serverNames,
    match.applicationProtocols,
    match.directSourcePrefixRanges.map(keyOf),
    match.sourcePrefixRanges.map(keyOf),
    match.sourcePorts.map(String),
  ];
  const sets = lists.map((list) => new Set(list));
  return { sets, isDistinct: sets.every((set, index) => set.size === lists[index]!.length) };
}

function keyOf({ octets, length }: Cidr): string {
  return `${octets.join('.')}/${length}`;
}

function overlap(a: Criteria, b: Criteria): boolean {
  return a.sets.every((set, index) => {
    const other = b.sets[index]!;
    if (set.size === 0 || other.size === 0) return set.size === other.size;
    for (const value of set) if (other.has(value)) return true;
    return false;
  });
}
