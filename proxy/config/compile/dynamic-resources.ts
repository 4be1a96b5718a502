// bootstrap.v3.Bootstrap.dynamic_resources: which servers and files say what the proxy does.
import type { Bootstrap } from '../../api/gen/envoy/config/bootstrap/v3/bootstrap_pb.js';
import {
  type Cluster,
  Cluster_DiscoveryType as DiscoveryType,
} from '../../api/gen/envoy/config/cluster/v3/cluster_pb.js';
import type { ConfigSource } from '../../api/gen/envoy/config/core/v3/config_source_pb.js';
import type { ConfigSourceConfig, DynamicResourcesConfig } from '../../model/config-source.ts';
import type { CompileContext, DiscoveryEnvironment } from '../../model/extension.ts';
import { compileAds, compileConfigSource } from './config-source.ts';
import { hasFallback } from './failover-guard.ts';

/** null: nothing is dynamic. `context` is that of `dynamic_resources`. */
export function compileDynamicResources(
  { dynamicResources: message }: Bootstrap,
  context: CompileContext,
): DynamicResourcesConfig | null {
  if (message === undefined) return null;
  const { ldsConfig, cdsConfig, adsConfig } = message;
  return {
    lds: compileTop(ldsConfig, 'lds', context.at('lds_config')),
    cds: compileTop(cdsConfig, 'cds', context.at('cds_config')),
    ads: adsConfig === undefined ? null : compileAds(adsConfig, context.at('ads_config')),
  };
}

/** What sources of a bootstrap's resources may refer to. */
export function discoveryEnvironment(message: Bootstrap): DiscoveryEnvironment {
  return discoveryOf(message, message.staticResources?.clusters ?? []);
}

/** The same where the clusters were taken out of the bootstrap. */
export function discoveryOf(
  { node, layeredRuntime }: Pick<Bootstrap, 'node' | 'layeredRuntime'>,
  clusters: readonly Cluster[],
): DiscoveryEnvironment {
  const known = clusters.filter((cluster) => !isEdsCluster(cluster)).map(({ name }) => name);
  const { id = '', cluster = '' } = node ?? {};
  return {
    hasNode: id !== '' && cluster !== '',
    hasFallback: hasFallback(layeredRuntime),
    clusters: new Set(known),
  };
}

/** A server or a file tells its hosts. */
export function isEdsCluster({ clusterDiscoveryType: type }: Cluster): boolean {
  return type.case === 'type' && type.value === DiscoveryType.EDS;
}

function compileTop(
  message: ConfigSource | undefined,
  subject: string,
  context: CompileContext,
): ConfigSourceConfig | null {
  if (message === undefined) return null;
  const source = compileConfigSource(message, subject, context);
  // Envoy: a file of listeners or clusters that is not there is a slip of the pen.
  if (source?.kind === 'path' && context.environment.readFile(source.path) === null) {
    const rule = `paths must refer to an existing path in the system: '${source.path}' does not exist`;
    context.reject('', rule);
  }
  return source;
}
