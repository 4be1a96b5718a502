// Which clusters make their hosts themselves.
import type { ClusterConfig } from '../model/cluster.ts';
import type { ClusterStats } from './cluster-stats.ts';
import type { DnsCaches } from './dns/dns-caches.ts';
import { ForwardHosts } from './forward-hosts.ts';
import { OriginalDstHosts } from './original-dst-hosts.ts';
import type { OwnHosts, OwnHostsOwner } from './own-hosts.ts';
import type { UpstreamContext } from './upstream-context.ts';

/** What they are made with. */
export interface OwnHostsParts {
  readonly context: UpstreamContext;
  readonly dnsCaches: DnsCaches;
  readonly owner: OwnHostsOwner & { readonly stats: ClusterStats };
}

/** null: the cluster has endpoints, or is made of others. */
export function makeOwnHosts(config: ClusterConfig, parts: OwnHostsParts): OwnHosts | null {
  const { originalDst, forwardProxy } = config;
  const { context, dnsCaches, owner } = parts;
  if (forwardProxy !== undefined) {
    return new ForwardHosts({ ...config, forwardProxy }, dnsCaches, owner);
  }
  if (originalDst === null) return null;
  const invalidHost = owner.stats.originalDstHostInvalid;
  return new OriginalDstHosts({ config, originalDst, context, invalidHost }, owner);
}
