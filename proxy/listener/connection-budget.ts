// How many downstream connections all listeners of a worker may hold together.

/** Counts them. Upstream connections and files need the rest of the descriptors. */
export class ConnectionBudget {
  readonly limit: number;
  active = 0;

  /** `limit`: overload.global_downstream_max_connections, or half of the descriptors. */
  constructor(limit: number) {
    this.limit = limit;
  }

  get isFull(): boolean {
    return this.active >= this.limit;
  }
}
