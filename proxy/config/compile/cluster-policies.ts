// What a cluster says about all requests that come to it, whatever their routes say: HttpProtocolOptions
// of extensions.upstreams.http.v3.
import type { HttpProtocolOptions } from '../../api/gen/envoy/extensions/upstreams/http/v3/http_protocol_options_pb.js';
import type { ClusterPoliciesConfig } from '../../model/cluster.ts';
import type { CompileContext } from '../../model/extension.ts';
import { compileHashPolicies } from './hash-policy.ts';
import { compileMirrors } from './mirror-policy.ts';
import { compileRetryPolicy } from './retry-policy.ts';

const TIMES = ['per_try_timeout', 'per_try_idle_timeout'] as const;

/** null: the cluster leaves everything to routes. */
export function compileClusterPolicies(
  { retryPolicy, hashPolicy, requestMirrorPolicies }: HttpProtocolOptions,
  context: CompileContext,
): ClusterPoliciesConfig | null {
  const isSilent = hashPolicy.length === 0 && requestMirrorPolicies.length === 0;
  if (isSilent && retryPolicy === undefined) return null;
  const isSet = [retryPolicy?.perTryTimeout, retryPolicy?.perTryIdleTimeout];
  for (const [index, name] of TIMES.entries()) {
    if (isSet[index] === undefined) continue;
    const reason = 'attempts have the time that the retry_policy of their route gives them';
    context.warn(`retry_policy.${name}`, reason);
  }
  return {
    retry: compileRetryPolicy(retryPolicy, context),
    hashPolicies: compileHashPolicies(hashPolicy, context),
    mirrors: compileMirrors(requestMirrorPolicies, context),
  };
}
