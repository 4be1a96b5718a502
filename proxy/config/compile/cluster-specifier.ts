// Which cluster a forwarding route means: one, one named by a header, or one of several by weight.
import type {
  WeightedCluster_ClusterWeight as ClusterWeight,
  RouteAction,
  WeightedCluster,
} from '../../api/gen/envoy/config/route/v3/route_components_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import type { ClusterSpecifierConfig, WeightedClusterConfig } from '../../model/route.ts';
import { compileHeaderMutations } from './header-mutations.ts';
import { withLive } from './live-value.ts';
import { compileMetadataMatch } from './metadata-match.ts';
import { compilePerFilterConfig } from './per-filter-config.ts';
import type { RouteTableRules } from './route-table-rules.ts';
import { runtimeInteger } from './runtime-values.ts';

/** Envoy: the sum of weights must fit an unsigned 32-bit integer. */
const MAX_TOTAL_WEIGHT = 0xffff_ffff;

/** The compiled cluster_specifier; null and rejections when no cluster can be found by it. */
export function compileClusterSpecifier(
  action: RouteAction,
  rules: RouteTableRules,
  context: CompileContext,
): ClusterSpecifierConfig | null {
  const specifier = action.clusterSpecifier;
  switch (specifier.case) {
    case 'cluster':
      checkKnown(specifier.value, { rules, what: 'cluster', path: 'cluster' }, context);
      return { kind: 'cluster', name: specifier.value };
    case 'clusterHeader':
      return { kind: 'header', name: specifier.value.toLowerCase() };
    case 'weightedClusters':
      return compileWeighted(specifier.value, rules, context.at('weighted_clusters'));
    default:
      context.reject(
        '',
        'cluster_specifier is required: use cluster, cluster_header or weighted_clusters',
      );
      return null;
  }
}

function compileWeighted(
  message: WeightedCluster,
  rules: RouteTableRules,
  context: CompileContext,
): ClusterSpecifierConfig | null {
  const clusters = message.clusters.map((entry, index) => {
    const at = context.at(`clusters[${index}]`);
    return compileEntry(entry, { rules, runtimeKeyPrefix: message.runtimeKeyPrefix }, at);
  });
  const totalWeight = clusters.reduce((sum, { weight }) => sum + weight, 0);
  if (totalWeight === 0) {
    context.reject('clusters', 'Sum of weights in the weighted_cluster must be greater than 0.');
    return null;
  }
  if (totalWeight > MAX_TOTAL_WEIGHT) {
    const subject = `The sum of weights of all weighted clusters of route ${rules.name}`;
    context.reject('clusters', `${subject} exceeds ${MAX_TOTAL_WEIGHT}`);
    return null;
  }
  const specifier = weightedBy(clusters, message.runtimeKeyPrefix === '' ? null : context);
  const source = message.randomValueSpecifier;
  switch (source.case) {
    case 'headerName':
      return Object.assign(specifier, { headerName: source.value.toLowerCase() });
    case 'useHashPolicy':
      return Object.assign(specifier, { usesHash: source.value.value });
    default:
      return specifier;
  }
}

/** With `context` weights follow its runtime, and so does their sum. */
function weightedBy(
  clusters: readonly WeightedClusterConfig[],
  context: CompileContext | null,
): Extract<ClusterSpecifierConfig, { readonly kind: 'weighted' }> {
  const total = (): number => clusters.reduce((sum, { weight }) => sum + weight, 0);
  const specifier = { kind: 'weighted', clusters } as const;
  if (context === null) return { ...specifier, totalWeight: total() };
  return withLive(specifier, context.environment.runtime, ['totalWeight', total]);
}

function compileEntry(
  entry: ClusterWeight,
  surroundings: { readonly rules: RouteTableRules; readonly runtimeKeyPrefix: string },
  context: CompileContext,
): WeightedClusterConfig {
  checkTarget(entry, surroundings.rules, context);
  const config = {
    name: entry.name,
    clusterHeader: entry.clusterHeader.toLowerCase(),
    metadataMatch: compileMetadataMatch(entry.metadataMatch),
    mutations: compileHeaderMutations(entry, context),
    hostRewriteLiteral: entry.hostRewriteSpecifier.value ?? '',
    perFilterConfig: compilePerFilterConfig(entry, context),
  };
  return withWeight(config, { entry, prefix: surroundings.runtimeKeyPrefix }, context);
}

function checkTarget(entry: ClusterWeight, rules: RouteTableRules, context: CompileContext): void {
  if (entry.name !== '') {
    checkKnown(entry.name, { rules, what: 'weighted cluster', path: 'name' }, context);
    if (entry.clusterHeader === '') return;
    context.reject('', 'Only one of name or cluster_header can be specified');
  } else if (entry.clusterHeader === '') {
    context.reject('', 'At least one of name or cluster_header need to be specified');
  }
}

function withWeight(
  config: Omit<WeightedClusterConfig, 'weight'>,
  { entry, prefix }: { readonly entry: ClusterWeight; readonly prefix: string },
  context: CompileContext,
): WeightedClusterConfig {
  if (entry.weight === undefined) {
    context.reject('weight', "Field 'weight' is missing: give each cluster a weight");
  }
  const own = entry.weight ?? 0;
  if (prefix === '') return { ...config, weight: own };
  const { runtime } = context.environment;
  const key = `${prefix}.${entry.name}`;
  return withLive({ ...config }, runtime, ['weight', () => runtimeInteger(runtime, key, own)]);
}

function checkKnown(
  name: string,
  reference: { readonly rules: RouteTableRules; readonly what: string; readonly path: string },
  context: CompileContext,
): void {
  const { clusterNames } = reference.rules;
  if (clusterNames === null || clusterNames.has(name)) return;
  const advice = 'define it, correct the name, or set validate_clusters to false';
  context.reject(reference.path, `route: unknown ${reference.what} '${name}': ${advice}`);
}
