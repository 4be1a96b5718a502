// What workers are to be told of endpoints: what comes in one turn is a few messages, however many
// clusters it is about, and of each cluster what came last.
import type { EndpointPolicy } from '../model/cluster.ts';
import type { ResolvedEndpoint } from '../upstream/resolved-endpoint.ts';
import type { ToldEndpoints, ToWorker } from './link.ts';

/** A message is a copy on its way: of so many clusters, not of all that there are. */
const CLUSTERS_AT_ONCE = 100;

/** See the file's head. Whoever tells workers something else about clusters calls `flush` first. */
export class EndpointsOutbox {
  readonly #send: (message: ToWorker) => void;
  readonly #planned = () => this.flush();
  #told = new Map<string, ToldEndpoints>();

  constructor(send: (message: ToWorker) => void) {
    this.#send = send;
  }

  /** What is said of the cluster's endpoints as a whole. */
  setPolicy(cluster: string, policy: EndpointPolicy): void {
    const endpoints = this.#told.get(cluster)?.endpoints ?? null;
    this.#add({ cluster, policy, endpoints });
  }

  set(cluster: string, endpoints: readonly ResolvedEndpoint[]): void {
    const policy = this.#told.get(cluster)?.policy ?? null;
    this.#add({ cluster, policy, endpoints });
  }

  /** Sends what there is, at the end of the turn if nobody asks before. */
  flush(): void {
    if (this.#told.size === 0) return;
    const told = this.#told;
    this.#told = new Map();
    for (const message of endpointMessages(told.values())) this.#send(message);
  }

  #add(told: ToldEndpoints): void {
    if (this.#told.size === 0) queueMicrotask(this.#planned);
    this.#told.set(told.cluster, told);
  }
}

/** Messages that tell a worker so. */
export function* endpointMessages(all: Iterable<ToldEndpoints>): Generator<ToWorker> {
  let told: ToldEndpoints[] = [];
  for (const each of all) {
    told.push(each);
    if (told.length < CLUSTERS_AT_ONCE) continue;
    yield { kind: 'endpoints', told };
    told = [];
  }
  if (told.length > 0) yield { kind: 'endpoints', told };
}
