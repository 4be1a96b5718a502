// Which fields of matchers (envoy.type.matcher.v3 and xds.type.matcher.v3) are honoured.
import type { SupportTable } from '../../../model/extension.ts';

const NO_CUSTOM_STRING =
  'string matchers of extensions are not run: use exact, prefix, suffix, contains or safe_regex';

const NO_CUSTOM_MATCH = 'matchers of extensions are not run';
const MATCHER = 'xds.type.matcher.v3.Matcher';

/** Inputs without fields. */
const INPUTS = 'envoy.extensions.matching.common_inputs';
const PLAIN_INPUTS = [
  'network.v3.DestinationIPInput',
  'network.v3.DestinationPortInput',
  'network.v3.SourceIPInput',
  'network.v3.SourcePortInput',
  'network.v3.DirectSourceIPInput',
  'network.v3.ServerNameInput',
  'ssl.v3.UriSanInput',
  'ssl.v3.DnsSanInput',
  'ssl.v3.SubjectInput',
] as const;

const XDS_MATCHER_FIELDS: Readonly<Record<string, SupportTable>> = {
  [MATCHER]: { matcher_list: 'honoured', matcher_tree: 'honoured', on_no_match: 'honoured' },
  [`${MATCHER}.OnMatch`]: {
    matcher: 'honoured',
    action: 'honoured',
    keep_matching: { refused: 'keep_matching is not supported in this context, as in Envoy' },
  },
  [`${MATCHER}.MatcherList`]: { matchers: 'honoured' },
  [`${MATCHER}.MatcherList.FieldMatcher`]: { predicate: 'honoured', on_match: 'honoured' },
  [`${MATCHER}.MatcherList.Predicate`]: {
    single_predicate: 'honoured',
    or_matcher: 'honoured',
    and_matcher: 'honoured',
    not_matcher: 'honoured',
  },
  [`${MATCHER}.MatcherList.Predicate.SinglePredicate`]: {
    input: 'honoured',
    value_match: 'honoured',
    custom_match: { partly: 'envoy.matching.matchers.ip' },
  },
  [`${MATCHER}.MatcherList.Predicate.PredicateList`]: { predicate: 'honoured' },
  [`${MATCHER}.MatcherTree`]: {
    input: 'honoured',
    exact_match_map: 'honoured',
    prefix_match_map: 'honoured',
    custom_match: { refused: `${NO_CUSTOM_MATCH}: use exact_match_map or prefix_match_map` },
  },
  [`${MATCHER}.MatcherTree.MatchMap`]: { map: 'honoured' },
  'xds.core.v3.TypedExtensionConfig': { name: 'honoured', typed_config: 'honoured' },
  'xds.type.matcher.v3.StringMatcher': {
    exact: 'honoured',
    prefix: 'honoured',
    suffix: 'honoured',
    contains: 'honoured',
    safe_regex: 'honoured',
    ignore_case: 'honoured',
  },
  'xds.type.matcher.v3.RegexMatcher': {
    google_re2: { accepted: 'RE2 is the only engine' },
    regex: 'honoured',
  },
  'envoy.type.matcher.v3.HttpRequestHeaderMatchInput': { header_name: 'honoured' },
  'envoy.extensions.matching.common_inputs.network.v3.FilterStateInput': { key: 'honoured' },
  ...Object.fromEntries(PLAIN_INPUTS.map((name) => [`${INPUTS}.${name}`, {}])),
  'envoy.extensions.matching.input_matchers.ip.v3.Ip': {
    cidr_ranges: 'honoured',
    stat_prefix: { accepted: 'what is no address fails, and is not counted' },
  },
};

/** Support of matcher messages, by type name. */
export const MATCHER_FIELDS: Readonly<Record<string, SupportTable>> = {
  'envoy.type.matcher.v3.StringMatcher': {
    exact: 'honoured',
    prefix: 'honoured',
    suffix: 'honoured',
    contains: 'honoured',
    safe_regex: 'honoured',
    custom: { refused: NO_CUSTOM_STRING },
    ignore_case: 'honoured',
  },
  'envoy.type.matcher.v3.ListStringMatcher': { patterns: 'honoured' },
  'envoy.type.matcher.v3.RegexMatcher': {
    google_re2: { accepted: 'RE2 is the only engine' },
    regex: 'honoured',
  },
  'envoy.type.matcher.v3.RegexMatchAndSubstitute': {
    pattern: 'honoured',
    substitution: 'honoured',
  },
  'envoy.type.matcher.v3.MetadataMatcher': {
    filter: 'honoured',
    path: 'honoured',
    value: 'honoured',
    invert: 'honoured',
  },
  'envoy.type.matcher.v3.MetadataMatcher.PathSegment': { key: 'honoured' },
  'envoy.type.matcher.v3.ValueMatcher': {
    null_match: 'honoured',
    double_match: 'honoured',
    string_match: 'honoured',
    bool_match: 'honoured',
    present_match: 'honoured',
    list_match: 'honoured',
    or_match: 'honoured',
  },
  'envoy.type.matcher.v3.ValueMatcher.NullMatch': {},
  'envoy.type.matcher.v3.DoubleMatcher': { range: 'honoured', exact: 'honoured' },
  'envoy.type.matcher.v3.ListMatcher': { one_of: 'honoured' },
  'envoy.type.matcher.v3.OrMatcher': { value_matchers: 'honoured' },
  'envoy.type.v3.DoubleRange': { start: 'honoured', end: 'honoured' },
  'envoy.type.matcher.v3.FilterStateMatcher': {
    key: 'honoured',
    string_match: 'honoured',
    address_match: 'honoured',
  },
  'envoy.type.matcher.v3.AddressMatcher': { ranges: 'honoured', invert_match: 'honoured' },
  'xds.core.v3.CidrRange': { address_prefix: 'honoured', prefix_len: 'honoured' },
  ...XDS_MATCHER_FIELDS,
};
