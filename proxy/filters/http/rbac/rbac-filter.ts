// Role-based access control of one request: rules that are only tried first, then those that count.
import type { RequestHead } from '../../../http/message.ts';
import type { StreamInfo } from '../../../http/stream-info.ts';
import type { FilterMetadata } from '../../../model/match-tree.ts';
import {
  CONTINUE,
  type FilterStatus,
  type HttpFilter,
  type HttpFilterCallbacks,
  STOP_ALL,
} from '../../http-filter.ts';
import { applyEffect, type Rbac } from '../../rbac/rbac-effect.ts';
import { type RbacSubject, rbacPathOf } from '../../rbac/rbac-subject.ts';

/** What the filters of a route share. */
export interface RbacRuntime {
  readonly shadow: Rbac | null;
  readonly enforced: Rbac | null;
}

/** One per stream; what rules ask about the request is asked of it. */
export class RbacFilter implements HttpFilter, RbacSubject {
  readonly info: StreamInfo;
  head: RequestHead | null = null;
  path: string | null = null;
  readonly #runtime: RbacRuntime;
  readonly #callbacks: HttpFilterCallbacks;

  constructor(runtime: RbacRuntime, callbacks: HttpFilterCallbacks) {
    this.info = callbacks.info;
    this.#runtime = runtime;
    this.#callbacks = callbacks;
  }

  get routeMetadata(): FilterMetadata | null {
    return this.#callbacks.route?.config.metadata ?? null;
  }

  onRequestHead(head: RequestHead): FilterStatus {
    const { shadow, enforced } = this.#runtime;
    this.head = head;
    this.path = rbacPathOf(head, this.#callbacks.route);
    if (shadow !== null) applyEffect(shadow, shadow.engine.decide(this), this.info);
    if (enforced === null) return CONTINUE;
    const effect = enforced.engine.decide(this);
    applyEffect(enforced, effect, this.info);
    if (effect.isAllowed) return CONTINUE;
    this.#callbacks.sendLocalReply({
      status: 403,
      body: 'RBAC: access denied',
      details: effect.details,
      flag: null,
      headers: null,
    });
    return STOP_ALL;
  }
}
