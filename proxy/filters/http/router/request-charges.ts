// Where the router counts what becomes of a request: in its cluster, and in its virtual cluster and
// its route where the virtual host asks for it.
import { HEADER_ID } from '../../../http/header-names.ts';
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import type { RequestTally } from '../../../routing/virtual-host-stats.ts';
import type { ClusterStats } from '../../../upstream/cluster-stats.ts';
import type { Host } from '../../../upstream/host.ts';

/** A request as it is charged. */
export interface ChargedRequest {
  readonly head: RequestHead | null;
  /** null: it is counted in its cluster only. */
  readonly tally: RequestTally | null;
  /** A canary answered it. */
  readonly isCanary: boolean;
}

/** It is about to be sent. */
export function chargeStart(tally: RequestTally): void {
  for (const { total } of tally.stats) total.inc();
}

/** The route's timeout was over. */
export function chargeTimeout(tally: RequestTally): void {
  for (const { timeout } of tally.stats) timeout.inc();
}

/** One response, informational ones included; `cluster` is null where nothing is counted. */
export function chargeResponse(
  to: ChargedRequest,
  cluster: ClusterStats | null,
  status: number,
): void {
  if (cluster === null) return;
  cluster.responses.charge(status, isInternal(to.head), to.isCanary);
  if (to.tally === null) return;
  for (const { responses } of to.tally.stats) responses.charge(status);
}

/** What a complete response took from the request's end, in ms. */
export function chargeTime(to: ChargedRequest, cluster: ClusterStats | null, ms: number): void {
  if (cluster === null) return;
  cluster.responses.recordTime(ms, isInternal(to.head), to.isCanary);
  if (to.tally === null) return;
  for (const { responses } of to.tally.stats) responses.recordTime(ms);
}

/** The endpoint's metadata or the response itself may say that a canary answered. */
export function isFromCanary(head: ResponseHead, host: Host | null): boolean {
  if (host?.endpoint.isCanary === true) return true;
  const id = HEADER_ID['x-envoy-upstream-canary'];
  return head.headers.mayHave(id) && head.headers.get(id) === 'true';
}

function isInternal(head: RequestHead | null): boolean {
  const id = HEADER_ID['x-envoy-internal'];
  return head?.headers.mayHave(id) === true && head.headers.get(id) === 'true';
}
