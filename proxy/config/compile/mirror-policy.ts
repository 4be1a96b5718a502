// config.route.v3.RouteAction.RequestMirrorPolicy.
import type { HeaderMutation } from '../../api/gen/envoy/config/common/mutation_rules/v3/mutation_rules_pb.js';
import type { RouteAction_RequestMirrorPolicy as RequestMirrorPolicy } from '../../api/gen/envoy/config/route/v3/route_components_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import type { MirrorMutationConfig, MirrorPolicyConfig } from '../../model/route-policies.ts';
import { compileEach } from './compile-each.ts';
import { compileHeaderOption } from './header-mutations.ts';
import { withLive } from './live-value.ts';
import { runtimeFractionPpm } from './runtime-values.ts';
import { compileStringMatcher } from './string-matcher.ts';

const ALL_PPM = 1_000_000;

/** The policies of a level; `path` is their field. */
export function compileMirrors(
  policies: readonly RequestMirrorPolicy[],
  context: CompileContext,
): readonly MirrorPolicyConfig[] {
  return compileEach({ path: 'request_mirror_policies', items: policies }, context, compileMirror);
}

function compileMirror(
  message: RequestMirrorPolicy,
  context: CompileContext,
): MirrorPolicyConfig | null {
  const { cluster, clusterHeader, runtimeFraction } = message;
  if ((cluster === '') === (clusterHeader === '')) {
    context.reject('', oneOfBoth(cluster !== ''));
    return null;
  }
  const { runtime } = context.environment;
  const mutations = { path: 'request_headers_mutations', items: message.requestHeadersMutations };
  const config = {
    cluster,
    clusterHeader: clusterHeader.toLowerCase(),
    appendsShadow: !message.disableShadowHostSuffixAppend,
    hostRewriteLiteral: message.hostRewriteLiteral,
    mutations: compileEach(mutations, context, compileMutation),
  };
  if (runtimeFraction === undefined) return { ...config, fractionPpm: ALL_PPM };
  const { runtimeKey, defaultValue } = runtimeFraction;
  const share = (): number => runtimeFractionPpm(runtime, runtimeKey, defaultValue);
  if (runtimeKey === '') return { ...config, fractionPpm: share() };
  return withLive(config, runtime, ['fractionPpm', share]);
}

function oneOfBoth(hasBoth: boolean): string {
  return hasBoth
    ? 'Only one of cluster, or cluster_header can be specified'
    : 'Exactly one of cluster or cluster_header must be specified';
}

function compileMutation(
  { action }: HeaderMutation,
  context: CompileContext,
): MirrorMutationConfig | null {
  switch (action.case) {
    case 'remove':
      return { kind: 'fields', fields: { remove: [action.value.toLowerCase()], set: [] } };
    case 'append': {
      const option = compileHeaderOption(action.value, context.at('append'));
      return option === null ? null : { kind: 'fields', fields: { remove: [], set: [option] } };
    }
    case 'removeOnMatch': {
      const { keyMatcher } = action.value;
      const at = context.at('remove_on_match.key_matcher');
      const names = keyMatcher === undefined ? null : compileStringMatcher(keyMatcher, at);
      return names === null ? null : { kind: 'remove-matching', names };
    }
    default:
      context.reject('', 'action is required: use append, remove or remove_on_match');
      return null;
  }
}
