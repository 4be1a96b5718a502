// Where a request was tried, and which hosts and priorities a retry avoids for it.
import type { RetryHostPredicateConfig, RetryPolicyConfig } from '../../../model/retry-policy.ts';
import type { Host } from '../../../upstream/host.ts';

const BALANCER_NAMESPACE = 'envoy.lb';

/** Of one request. */
export class TriedHosts {
  readonly #policy: RetryPolicyConfig;
  /** In order; those that come later are added. */
  readonly hosts: Host[] = [];
  readonly connectionIds: number[] = [];
  /** Those whose priorities are avoided. */
  #avoided: readonly Host[] | null = null;
  /** Priorities of as many hosts are forgotten. */
  #forgotten = 0;

  constructor(policy: RetryPolicyConfig) {
    this.#policy = policy;
  }

  get hostSelectionAttempts(): number {
    return this.#policy.hostSelectionAttempts;
  }

  add(host: Host): void {
    this.hosts.push(host);
  }

  addConnection(id: number): void {
    this.connectionIds.push(id);
  }

  /** A predicate wants another host; never for the first attempt. */
  rejects(host: Host): boolean {
    if (this.hosts.length === 0) return false;
    const { hostPredicates } = this.#policy;
    return hostPredicates.some((predicate) => this.#isRejected(predicate, host));
  }

  /** Envoy previous_priorities: brought up to date with every update_frequency attempts. */
  ofTriedPriorities(): readonly Host[] | null {
    const { priorityUpdateFrequency } = this.#policy;
    const attempts = this.hosts.length - this.#forgotten;
    if (priorityUpdateFrequency === 0 || attempts < priorityUpdateFrequency) return null;
    if (attempts % priorityUpdateFrequency === 0) this.#avoided = this.hosts.slice(this.#forgotten);
    return this.#avoided;
  }

  /** As Envoy, where none is left: the next attempts count from here. */
  forgetPriorities(): void {
    this.#forgotten = this.hosts.length;
    this.#avoided = null;
  }

  #isRejected(predicate: RetryHostPredicateConfig, host: Host): boolean {
    switch (predicate.kind) {
      case 'previous-hosts':
        return this.hosts.includes(host);
      case 'omit-canary':
        return host.endpoint.isCanary;
      case 'omit-metadata':
        return hasAll(host, predicate.match);
    }
  }
}

/** Envoy's metadata match with list_as_any: one member of a list is enough. */
function hasAll(host: Host, match: Readonly<Record<string, unknown>>): boolean {
  const entries = Object.entries(match);
  if (entries.length === 0) return false;
  const own = (host.endpoint.metadata[BALANCER_NAMESPACE] ?? {}) as Record<string, unknown>;
  return entries.every(([key, wanted]) => {
    const value = own[key];
    const values = Array.isArray(value) && !Array.isArray(wanted) ? value : [value];
    return values.some((each) => JSON.stringify(each) === JSON.stringify(wanted));
  });
}
