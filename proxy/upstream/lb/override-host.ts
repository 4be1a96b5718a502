// The host that a request's session asks for, where the cluster has it and its health allows it.
import type { ClusterConfig } from '../../model/cluster.ts';
import type { OverrideHost } from '../cluster-manager.ts';
import type { Host } from '../host.ts';
import { healthOf } from '../host-health.ts';
import type { HostSet } from '../host-set.ts';

/** null: there is none such; `isMissing` says whether it is no member at all. */
export function overrideHostOf(
  hostSet: HostSet,
  wanted: OverrideHost,
  allowed: ClusterConfig['overrideHostHealth'],
): Host | null {
  const host = hostSet.byAddress(wanted.address);
  wanted.isMissing = host === null;
  return host !== null && allowed.includes(healthOf(host.healthFlags)) ? host : null;
}
