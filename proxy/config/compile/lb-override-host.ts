// override_host.v3.OverrideHost: where requests name the hosts that they want.
import type {
  OverrideHost,
  OverrideHost_OverrideHostSource as Source,
} from '../../api/gen/envoy/extensions/load_balancing_policies/override_host/v3/override_host_pb.js';
import type { MetadataKey } from '../../api/gen/envoy/type/metadata/v3/metadata_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import type {
  LoadBalancerConfig,
  MetadataPlace,
  OverrideHostPolicyConfig,
  OverrideHostSourceConfig,
} from '../../model/load-balancing.ts';
import { compileEach } from './compile-each.ts';

/** The policy around `fallback`. */
export function compileOverrideHost(
  message: OverrideHost,
  fallback: LoadBalancerConfig,
  context: CompileContext,
): OverrideHostPolicyConfig {
  const sources = { path: 'override_host_sources', items: message.overrideHostSources };
  const { selectedHostKey: key } = message;
  return {
    kind: 'override-host',
    sources: compileEach(sources, context, compileSource),
    selectedHostKey: key === undefined ? null : placeOf(key),
    fallback,
  };
}

function compileSource(
  { header, metadata }: Source,
  context: CompileContext,
): OverrideHostSourceConfig | null {
  if (header !== '' && metadata !== undefined) {
    context.reject('', 'Only one override source must be set');
    return null;
  }
  if (header !== '') return { kind: 'header', name: header.toLowerCase() };
  if (metadata !== undefined) return { kind: 'metadata', place: placeOf(metadata) };
  context.reject('', 'Empty override source');
  return null;
}

function placeOf({ key, path }: MetadataKey): MetadataPlace {
  return { namespace: key, path: path.map(({ segment }) => segment.value ?? '') };
}
