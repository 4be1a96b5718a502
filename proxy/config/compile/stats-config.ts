// config.metrics.v3.StatsConfig: which statistics are kept, and how their names become labels.
import type {
  HistogramBucketSettings,
  StatsConfig as StatsConfigMessage,
  StatsMatcher,
  TagSpecifier,
} from '../../api/gen/envoy/config/metrics/v3/stats_pb.js';
import type { ListStringMatcher } from '../../api/gen/envoy/type/matcher/v3/string_pb.js';
import { compileSafeRegex } from '../../base/safe-regex.ts';
import type { StatsConfig, StatsTagConfig } from '../../model/bootstrap.ts';
import type { CompileContext } from '../../model/extension.ts';
import type { StringMatchConfig } from '../../model/route-match.ts';
import { DEFAULT_TAGS } from '../../stats/default-tags.ts';
import { compileEach } from './compile-each.ts';
import { compileStringMatcher } from './string-matcher.ts';

const DEFAULT_TAG_NAMES: ReadonlySet<string> = new Set(DEFAULT_TAGS.map(({ name }) => name));

/** Compiles stats_config; Envoy's defaults for an absent one. */
export function compileStatsConfig(
  message: StatsConfigMessage | undefined,
  context: CompileContext,
): StatsConfig {
  const buckets = {
    path: 'histogram_bucket_settings',
    items: message?.histogramBucketSettings ?? [],
  };
  return {
    matcher: compileMatcher(message?.statsMatcher, context.at('stats_matcher')),
    useAllDefaultTags: message?.useAllDefaultTags ?? true,
    tags: compileEach({ path: 'stats_tags', items: message?.statsTags ?? [] }, context, compileTag),
    histogramBuckets: compileEach(buckets, context, compileBuckets),
  };
}

function compileMatcher(
  message: StatsMatcher | undefined,
  context: CompileContext,
): StatsConfig['matcher'] {
  const choice = message?.statsMatcher;
  switch (choice?.case) {
    case 'rejectAll':
      return choice.value ? { kind: 'reject-all' } : null;
    case 'inclusionList':
      return {
        kind: 'include',
        patterns: compilePatterns(choice.value, context.at('inclusion_list')),
      };
    case 'exclusionList':
      return {
        kind: 'exclude',
        patterns: compilePatterns(choice.value, context.at('exclusion_list')),
      };
    default:
      return null;
  }
}

function compilePatterns(
  message: ListStringMatcher,
  context: CompileContext,
): readonly StringMatchConfig[] {
  return compileEach({ path: 'patterns', items: message.patterns }, context, compileStringMatcher);
}

function compileTag(message: TagSpecifier, context: CompileContext): StatsTagConfig | null {
  const { tagName: name, tagValue: choice } = message;
  if (name === '') {
    context.reject('tag_name', 'tag_name cannot be empty');
    return null;
  }
  if (choice.case === 'fixedValue') return { name, fixedValue: choice.value };
  const regex = choice.value ?? '';
  if (regex !== '') return checkRegex(regex, context) ? { name, regex } : null;
  // The empty regex asks for the one of Envoy's own tags of this name.
  if (DEFAULT_TAG_NAMES.has(name)) return { name, regex };
  const reason = 'No regex specified for tag specifier and no default regex for name';
  context.reject('', `${reason}: '${name}'`);
  return null;
}

function checkRegex(regex: string, context: CompileContext): boolean {
  const compiled = compileSafeRegex(regex);
  if (!('error' in compiled)) return true;
  context.reject('regex', `Invalid regex '${regex}': ${compiled.error} (RE2 syntax is supported)`);
  return false;
}

function compileBuckets(
  message: HistogramBucketSettings,
  context: CompileContext,
): StatsConfig['histogramBuckets'][number] | null {
  if (message.match === undefined) {
    context.reject('match', 'is required');
    return null;
  }
  const match = compileStringMatcher(message.match, context.at('match'));
  const bounds = [...message.buckets].sort((left, right) => left - right);
  return match === null ? null : { match, bounds };
}
