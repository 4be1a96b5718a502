// Where the router counts what becomes of a request: in its cluster, and in its virtual cluster and
// its route where the virtual host asks for it.
import { HEADER_ID } from '../../../http/header-names.ts';
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import type { RequestTally } from '../../../routing/virtual-host-stats.ts';
import type { RetryCounters } from '../../../stats/retry-counters.ts';
import type { ClusterStats } from '../../../upstream/cluster-stats.ts';
import type { Host } from '../../../upstream/host.ts';

/** One per request, for all its attempts. */
export class RequestCharges {
  readonly #head: RequestHead;
  /** null: without dynamic_stats nothing is counted by status. */
  readonly #cluster: ClusterStats | null;
  /** null: it is counted in its cluster only. */
  readonly #tally: RequestTally | null;
  /** A canary answered. */
  #isCanary = false;

  constructor(head: RequestHead, cluster: ClusterStats | null, tally: RequestTally | null) {
    this.#head = head;
    this.#cluster = cluster;
    this.#tally = tally;
  }

  /** An attempt is about to be sent. */
  start(): void {
    if (this.#tally === null) return;
    for (const { total } of this.#tally.stats) total.inc();
  }

  /** The route's timeout was over. */
  timeout(): void {
    if (this.#tally === null) return;
    for (const { timeout } of this.#tally.stats) timeout.inc();
  }

  /** The endpoint's metadata or the response itself may say that a canary answered. */
  answeredBy(host: Host, head: ResponseHead): void {
    const id = HEADER_ID['x-envoy-upstream-canary'];
    const says = head.headers.mayHave(id) && head.headers.get(id) === 'true';
    this.#isCanary = says || host.endpoint.isCanary;
  }

  /** One response, informational ones and our own included. */
  response(status: number): void {
    if (this.#cluster === null) return;
    this.#cluster.responses.charge(status, isInternal(this.#head), this.#isCanary);
    if (this.#tally === null) return;
    for (const { responses } of this.#tally.stats) responses.charge(status);
  }

  /** A response that a retry takes the place of. */
  retriedResponse(status: number): void {
    this.#cluster?.responses.chargeRetried(status);
  }

  /** What became of the wish for a retry; the cluster counts it, too. */
  retry(outcome: keyof RetryCounters): void {
    if (this.#tally === null) return;
    for (const { retries } of this.#tally.stats) retries[outcome].inc();
  }

  /** What a complete response took from the request's end, in ms. */
  time(ms: number): void {
    if (this.#cluster === null) return;
    this.#cluster.responses.recordTime(ms, isInternal(this.#head), this.#isCanary);
    if (this.#tally === null) return;
    for (const { responses } of this.#tally.stats) responses.recordTime(ms);
  }
}

function isInternal({ headers }: RequestHead): boolean {
  const id = HEADER_ID['x-envoy-internal'];
  return headers.mayHave(id) && headers.get(id) === 'true';
}
