import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { StatsConfigSchema } from '../../../proxy/api/gen/envoy/config/metrics/v3/stats_pb.js';
import { compileStatsConfig } from '../../../proxy/config/compile/stats-config.ts';
import { compileJson, problemLines } from '../../support/compile-json.ts';

type Json = { [key: string]: JsonValue };

function compile(json: Json) {
  return compileJson({ schema: StatsConfigSchema, json }, compileStatsConfig);
}

t.test('selects names', (t) => {
  const matcher = (stats_matcher: JsonValue) => compile({ stats_matcher }).value.matcher;
  t.same(matcher({ reject_all: true }), { kind: 'reject-all' });
  t.equal(matcher({ reject_all: false }), null);
  const patterns = [{ prefix: 'Cluster.', ignore_case: true }];
  const compiled = [{ kind: 'prefix', text: 'cluster.', ignoreCase: true }];
  t.same(matcher({ inclusion_list: { patterns } }), { kind: 'include', patterns: compiled });
  t.same(matcher({ exclusion_list: { patterns } }), { kind: 'exclude', patterns: compiled });
  t.end();
});

t.test('takes tags by regex, by fixed value, or a default one by its name', (t) => {
  const { value, rejections } = compile({
    use_all_default_tags: false,
    stats_tags: [
      { tag_name: 'a', regex: '^x\\.(.+)$' },
      { tag_name: 'b', fixed_value: '' },
      { tag_name: 'envoy.cluster_name' },
    ],
  });
  t.same(rejections, []);
  t.equal(value.useAllDefaultTags, false);
  t.same(value.tags, [
    { name: 'a', regex: '^x\\.(.+)$' },
    { name: 'b', fixedValue: '' },
    { name: 'envoy.cluster_name', regex: '' },
  ]);
  t.end();
});

t.test('refuses tags that nothing could be found by', (t) => {
  const lines = problemLines(
    compile({ stats_tags: [{ regex: '(a)' }, { tag_name: 'zzz' }, { tag_name: 'q', regex: '(x' }] })
      .rejections,
  );
  t.equal(lines[0], 'stats_tags[0].tag_name: tag_name cannot be empty');
  t.equal(
    lines[1],
    "stats_tags[1]: No regex specified for tag specifier and no default regex for name: 'zzz'",
  );
  t.match(lines[2], /^stats_tags\[2\]\.regex: Invalid regex '\(x': .*missing closing \)/);
  t.end();
});

t.test('sorts the bounds of histograms', (t) => {
  const { value } = compile({
    histogram_bucket_settings: [{ match: { exact: 'h' }, buckets: [3, 0.5, 10] }],
  });
  t.same(value.histogramBuckets, [
    { match: { kind: 'exact', text: 'h', ignoreCase: false }, bounds: [0.5, 3, 10] },
  ]);
  const lines = problemLines(
    compile({ histogram_bucket_settings: [{ buckets: [1] }, { match: {} }] }).rejections,
  );
  t.match(lines, [
    /^histogram_bucket_settings\[0\]\.match: is required/,
    /^histogram_bucket_settings\[1\]\.match: match_pattern is required/,
  ]);
  t.end();
});
