// Sends the requests of a session to the host that answered its first one.
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import type { Counter, StatsScope } from '../../../stats/metrics.ts';
import {
  CONTINUE,
  type FilterStatus,
  type HttpFilter,
  type HttpFilterCallbacks,
} from '../../http-filter.ts';
import type { SessionState } from './session-state.ts';

/** `http.<p>.stateful_session.<stat_prefix>.*` */
export class SessionStats {
  readonly routed: Counter;
  readonly failedOpen: Counter;
  readonly failedClosed: Counter;
  readonly noSession: Counter;

  constructor(http: StatsScope, statPrefix: string) {
    const scope = http.scope(`stateful_session.${statPrefix}`);
    this.routed = scope.counter('routed');
    this.failedOpen = scope.counter('failed_open');
    this.failedClosed = scope.counter('failed_closed');
    this.noSession = scope.counter('no_session');
  }
}

/** What the filters of all streams share. */
export interface SessionRuntime {
  /** null: no request belongs to a session. */
  readonly state: SessionState | null;
  readonly isStrict: boolean;
  readonly missingStatus: number;
  /** null: nothing is counted. */
  readonly stats: SessionStats | null;
}

/** One per stream. */
export class SessionFilter implements HttpFilter {
  readonly #runtime: SessionRuntime;
  readonly #callbacks: HttpFilterCallbacks;
  #applies = false;
  /** What the client brought. */
  #address: string | null = null;

  constructor(runtime: SessionRuntime, callbacks: HttpFilterCallbacks) {
    this.#runtime = runtime;
    this.#callbacks = callbacks;
  }

  onRequestHead(head: RequestHead): FilterStatus {
    const { state, isStrict, missingStatus } = this.#runtime;
    if (state === null || !state.appliesTo(head)) return CONTINUE;
    this.#applies = true;
    const address = state.addressIn(head, this.#callbacks.services.clock.wallMs());
    this.#address = address;
    if (address !== null) {
      this.#callbacks.flow.overrideHost = { address, isStrict, missingStatus, isMissing: false };
    }
    return CONTINUE;
  }

  onResponseHead(head: ResponseHead): FilterStatus {
    const { state, isStrict, stats } = this.#runtime;
    const { upstreamHost, flags } = this.#callbacks.info;
    if (upstreamHost === null) {
      if (this.#applies && isStrict && flags?.includes('UH') === true) stats?.failedClosed.inc();
      return CONTINUE;
    }
    if (state === null || !this.#applies) {
      stats?.noSession.inc();
      return CONTINUE;
    }
    const address = upstreamHost.address.text;
    const isNew = address !== this.#address;
    state.tell(head.headers, { address, isNew });
    if (!isNew) stats?.routed.inc();
    else if (!isStrict) stats?.failedOpen.inc();
    return CONTINUE;
  }
}
