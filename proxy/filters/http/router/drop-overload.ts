// Requests that a cluster's drop_overloads refuse before a host is looked for.
import { isDrawn, type Random } from '../../../base/random.ts';
import { HeaderList } from '../../../http/header-list.ts';
import type { Cluster } from '../../../upstream/cluster-manager.ts';
import type { LocalReply } from '../../http-filter.ts';

/** null: this one is served. `suppresses`: the reply carries no `x-envoy-*` fields. */
export function dropReply(
  cluster: Cluster,
  random: Random,
  suppresses: boolean,
): LocalReply | null {
  const { dropOverload: share } = cluster.config;
  if (share === undefined || !isDrawn(random, share)) return null;
  cluster.droppedRequests += 1;
  const isAll = share.numerator >= share.denominator;
  const headers = HeaderList.empty();
  const field = isAll ? 'x-envoy-unconditional-drop-overload' : 'x-envoy-drop-overload';
  if (!suppresses) headers.add(field, 'true');
  return {
    status: 503,
    body: isAll ? 'unconditional drop overload' : 'drop overload',
    details: isAll ? 'unconditional_drop_overload' : 'drop_overload',
    flag: isAll ? 'UDO' : 'DO',
    headers,
  };
}
