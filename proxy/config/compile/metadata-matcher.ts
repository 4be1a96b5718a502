// type.matcher.v3: conditions on metadata and on filter state.

import type { FilterStateMatcher } from '../../api/gen/envoy/type/matcher/v3/filter_state_pb.js';
import type { MetadataMatcher } from '../../api/gen/envoy/type/matcher/v3/metadata_pb.js';
import type { DoubleMatcher } from '../../api/gen/envoy/type/matcher/v3/number_pb.js';
import type { ValueMatcher } from '../../api/gen/envoy/type/matcher/v3/value_pb.js';
import type { CidrRange } from '../../api/gen/xds/core/v3/cidr_pb.js';
import { CidrTable, makeCidr } from '../../base/cidr-table.ts';
import { parseIp } from '../../base/ip-address.ts';
import type { CompileContext } from '../../model/extension.ts';
import type {
  FilterStateMatchConfig,
  MetadataMatchConfig,
  MetadataValueMatchConfig,
} from '../../model/route-match.ts';
import { compileEach } from './compile-each.ts';
import { compileStringMatcher } from './string-matcher.ts';

const NO_PATTERN =
  'match_pattern is required: use null_match, double_match, string_match, bool_match, present_match, list_match or or_match';

/** A compiled MetadataMatcher; null and a rejection when its value cannot be matched as asked. */
export function compileMetadataMatcher(
  matcher: MetadataMatcher,
  context: CompileContext,
): MetadataMatchConfig | null {
  const match = compileValueMatcher(matcher.value, context.at('value'));
  if (match === null) return null;
  const path = matcher.path.map(({ segment }) => segment.value ?? '');
  return { namespace: matcher.filter, path, match, invert: matcher.invert };
}

/** A compiled ValueMatcher; null and a rejection when it is incomplete or refused. */
export function compileValueMatcher(
  matcher: ValueMatcher | undefined,
  context: CompileContext,
): MetadataValueMatchConfig | null {
  const pattern = matcher?.matchPattern;
  switch (pattern?.case) {
    case 'nullMatch':
      return { kind: 'null' };
    case 'doubleMatch':
      return compileDouble(pattern.value, context.at('double_match'));
    case 'stringMatch': {
      const match = compileStringMatcher(pattern.value, context.at('string_match'));
      return match === null ? null : { kind: 'string', match };
    }
    case 'boolMatch':
      return { kind: 'bool', value: pattern.value };
    case 'presentMatch':
      return { kind: 'present', expected: pattern.value };
    case 'listMatch': {
      const { value } = pattern.value.matchPattern;
      const oneOf = compileValueMatcher(value, context.at('list_match.one_of'));
      return oneOf === null ? null : { kind: 'list', oneOf };
    }
    case 'orMatch': {
      const field = { path: 'or_match.value_matchers', items: pattern.value.valueMatchers };
      return { kind: 'or', matches: compileEach(field, context, compileValueMatcher) };
    }
    default:
      context.reject('', NO_PATTERN);
      return null;
  }
}

function compileDouble(
  { matchPattern: pattern }: DoubleMatcher,
  context: CompileContext,
): MetadataValueMatchConfig | null {
  if (pattern.case === 'exact') return { kind: 'double-exact', value: pattern.value };
  if (pattern.case === 'range') {
    return { kind: 'double', start: pattern.value.start, end: pattern.value.end };
  }
  context.reject('', 'match_pattern is required: use range or exact');
  return null;
}

/** A compiled FilterStateMatcher; null and a rejection when it cannot be compiled. */
export function compileFilterStateMatcher(
  { key, matcher }: FilterStateMatcher,
  context: CompileContext,
): FilterStateMatchConfig | null {
  switch (matcher.case) {
    case 'stringMatch': {
      const match = compileStringMatcher(matcher.value, context.at('string_match'));
      return match === null ? null : { key, match: { kind: 'string', match } };
    }
    case 'addressMatch': {
      const { ranges, invertMatch } = matcher.value;
      const networks = compileNetworks(ranges, context.at('address_match'));
      return { key, match: { kind: 'address', networks, invert: invertMatch } };
    }
    default:
      context.reject('', 'matcher is required: use string_match or address_match');
      return null;
  }
}

/** Networks as a table; what is no network is refused. */
export function compileNetworks(
  ranges: readonly CidrRange[],
  context: CompileContext,
): CidrTable<true> {
  const networks = new CidrTable<true>();
  ranges.forEach(({ addressPrefix, prefixLen = 0 }, index) => {
    const octets = parseIp(addressPrefix);
    if (octets === null) {
      const reason = `invalid ip/mask combo '${addressPrefix}/${prefixLen}' (format is <ip>/<# mask bits>)`;
      context.reject(`ranges[${index}].address_prefix`, reason);
      return;
    }
    networks.set(makeCidr(octets, Math.min(prefixLen, octets.length * 8)), true);
  });
  return networks;
}
