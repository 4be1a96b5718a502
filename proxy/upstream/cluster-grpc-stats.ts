// What a cluster counts of gRPC: by method, or all methods together. As in Envoy, each name appears
// with its first use. Clients choose the names of methods, so there is a bound to how many are kept.
import type { GrpcMethod } from '../http/grpc.ts';
import type { Counter, Histogram, StatsScope } from '../stats/metrics.ts';

/** Methods of a cluster that are counted on their own, in one worker; the others count together. */
export const MAX_GRPC_METHODS = 1_000;
/** No service has a longer name; what is longer would only fill memory. */
export const MAX_GRPC_NAME_LENGTH = 256;
/** Statuses of one method that are counted on their own: all that have names, and a few more. */
const MAX_STATUSES = 32;
const MAX_STATUS_LENGTH = 16;

/** How the client speaks it: the first part of the names. */
export type GrpcDialect = 'grpc' | 'grpc-web';

/** The cells of one method, or of all that have none of their own. */
export class GrpcCallStats {
  readonly #scope: StatsScope;
  readonly #prefix: string;
  readonly #byStatus = new Map<string, Counter>();
  #success: Counter | null = null;
  #failure: Counter | null = null;
  #total: Counter | null = null;
  #requestMessages: Counter | null = null;
  #responseMessages: Counter | null = null;
  #time: Histogram | null = null;

  /** `prefix` is dotted, with its final dot. */
  constructor(scope: StatsScope, prefix: string) {
    this.#scope = scope;
    this.#prefix = prefix;
  }

  /** Counts a response by its grpc-status as it was sent. */
  chargeStatus(status: string): void {
    this.#statusCounter(status)?.inc();
    const isSuccess = status === '0';
    if (isSuccess) this.#success ??= this.#counter('success');
    else this.#failure ??= this.#counter('failure');
    (isSuccess ? this.#success : this.#failure)?.inc();
    this.#total ??= this.#counter('total');
    this.#total.inc();
  }

  chargeRequestMessages(amount: number): void {
    this.#requestMessages ??= this.#counter('request_message_count');
    this.#requestMessages.add(amount);
  }

  chargeResponseMessages(amount: number): void {
    this.#responseMessages ??= this.#counter('response_message_count');
    this.#responseMessages.add(amount);
  }

  /** Records what the upstream took from the request's end to the response's, in ms. */
  recordTime(ms: number): void {
    this.#time ??= this.#scope.histogram(`${this.#prefix}upstream_rq_time`, 'ms');
    this.#time.record(ms);
  }

  /** null: there are enough of them. */
  #statusCounter(status: string): Counter | null {
    const known = this.#byStatus.get(status);
    if (known !== undefined) return known;
    if (this.#byStatus.size >= MAX_STATUSES || status.length > MAX_STATUS_LENGTH) return null;
    const made = this.#counter(status);
    this.#byStatus.set(status, made);
    return made;
  }

  #counter(name: string): Counter {
    return this.#scope.counter(this.#prefix + name);
  }
}

/** `cluster.<name>.grpc.` and `cluster.<name>.grpc-web.` */
export class ClusterGrpcStats {
  readonly #scope: StatsScope;
  /** By dialect. */
  readonly #all = new Map<GrpcDialect, GrpcCallStats>();
  /** By dialect, service and method. */
  readonly #byMethod = new Map<string, GrpcCallStats>();

  /** `scope` is `cluster.<observability name>.` */
  constructor(scope: StatsScope) {
    this.#scope = scope;
  }

  /** Of all methods that are not counted on their own. */
  all(dialect: GrpcDialect): GrpcCallStats {
    const known = this.#all.get(dialect);
    if (known !== undefined) return known;
    const made = new GrpcCallStats(this.#scope, `${dialect}.`);
    this.#all.set(dialect, made);
    return made;
  }

  /** Of one method; of all when too many methods, or too long ones, were called. */
  of(dialect: GrpcDialect, { service, method }: GrpcMethod): GrpcCallStats {
    const prefix = `${dialect}.${service}.${method}.`;
    const known = this.#byMethod.get(prefix);
    if (known !== undefined) return known;
    const isTooMuch = this.#byMethod.size >= MAX_GRPC_METHODS;
    if (isTooMuch || prefix.length > MAX_GRPC_NAME_LENGTH) return this.all(dialect);
    const made = new GrpcCallStats(this.#scope, prefix);
    this.#byMethod.set(prefix, made);
    return made;
  }
}
