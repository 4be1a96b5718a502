// What the router does otherwise for requests that ask for a tunnel.
import type { RequestHead } from '../../../http/message.ts';
import type { ForwardActionConfig } from '../../../model/route.ts';
import type { Cluster, LoadBalancerContext } from '../../../upstream/cluster-manager.ts';
import type { ConnectionPool } from '../../../upstream/conn-pool.ts';
import type { Host } from '../../../upstream/host.ts';
import type { LocalReply } from '../../http-filter.ts';

/**
 * The pool that a request goes to: a tunnel may end here, in plain TCP. null: the cluster may have no
 * further one.
 */
export function poolFor(
  cluster: Cluster,
  host: Host,
  request: LoadBalancerContext & {
    readonly action: ForwardActionConfig;
    readonly head: RequestHead;
  },
): ConnectionPool | null {
  const { action, head } = request;
  return endsTunnel(action, head)
    ? cluster.tunnelPool(host, request)
    : cluster.httpPool(host, head.protocol, request);
}

function endsTunnel(action: ForwardActionConfig, head: RequestHead): boolean {
  const rule = action.upgrades.get('connect');
  const connect = rule?.isEnabled === true ? rule.connect : null;
  if (connect === null) return false;
  return head.method === 'CONNECT' || (connect.allowPost && head.method === 'POST');
}

/** As Envoy: a WebSocket handshake has no end of its request to count the route's timeout from. */
export function isTimedFromHead(head: RequestHead): boolean {
  return head.upgrade === 'websocket';
}

/**
 * The reply when a server answers a WebSocket handshake with success or a redirect, but not with
 * 101; null: the response is passed on. Envoy keeps the status alone.
 */
export function handshakeFailure(head: RequestHead | null, status: number): LocalReply | null {
  if (head?.upgrade !== 'websocket' || status === 101 || status >= 400) return null;
  return {
    status,
    body: '',
    details: 'websocket_handshake_unsuccessful',
    flag: null,
    headers: null,
  };
}
