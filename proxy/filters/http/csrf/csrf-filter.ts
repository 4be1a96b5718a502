// CSRF protection on one stream: where a request comes from must be where it goes.
import type { Random } from '../../../base/random.ts';
import { HEADER_ID } from '../../../http/header-names.ts';
import type { RequestHead } from '../../../http/message.ts';
import { matchesString } from '../../../model/match-value.ts';
import type { StringMatchConfig } from '../../../model/route-match.ts';
import type { Counter } from '../../../stats/metrics.ts';
import {
  CONTINUE,
  type FilterStatus,
  type HttpFilter,
  type HttpFilterCallbacks,
  type LocalReply,
  STOP_ALL,
} from '../../http-filter.ts';
import { drawPolicyMode, type PolicyShares } from '../policy-mode.ts';
import { hostAndPort } from './host-and-port.ts';

/** extensions.filters.http.csrf.v3.CsrfPolicy */
export interface CsrfPolicyConfig extends PolicyShares {
  readonly additionalOrigins: readonly StringMatchConfig[];
}

/** What the filters of a route share. */
export interface CsrfRuntime {
  readonly policy: CsrfPolicyConfig;
  readonly random: Random;
  readonly missingSourceOrigin: Counter;
  readonly requestInvalid: Counter;
  readonly requestValid: Counter;
}

const REFUSAL: LocalReply = Object.freeze({
  status: 403,
  body: 'Invalid origin',
  details: 'csrf_origin_mismatch',
  flag: null,
  headers: null,
});

/** One per stream. */
export class CsrfFilter implements HttpFilter {
  readonly #runtime: CsrfRuntime;
  readonly #callbacks: HttpFilterCallbacks;

  constructor(runtime: CsrfRuntime, callbacks: HttpFilterCallbacks) {
    this.#runtime = runtime;
    this.#callbacks = callbacks;
  }

  onRequestHead(head: RequestHead): FilterStatus {
    if (!changesSomething(head.method)) return CONTINUE;
    const { policy, random } = this.#runtime;
    const mode = drawPolicyMode(policy, random);
    if (mode === 'off' || this.#isValid(head) || mode === 'shadow') return CONTINUE;
    this.#callbacks.sendLocalReply(REFUSAL);
    return STOP_ALL;
  }

  #isValid(head: RequestHead): boolean {
    const { policy, missingSourceOrigin, requestInvalid, requestValid } = this.#runtime;
    const source = sourceOf(head);
    if (source === '') {
      missingSourceOrigin.inc();
      return false;
    }
    const isValid =
      source === targetOf(head) ||
      policy.additionalOrigins.some((match) => matchesString(match, source));
    (isValid ? requestValid : requestInvalid).inc();
    return isValid;
  }
}

function changesSomething(method: string): boolean {
  return method === 'POST' || method === 'PUT' || method === 'DELETE' || method === 'PATCH';
}

/** Host and port of Origin, or else of Referer; '' when neither says anything. */
function sourceOf({ headers }: RequestHead): string {
  const origin = headers.get(HEADER_ID.origin);
  // Browsers send `null` where they hide where they come from (RFC 6454 §7.3).
  if (origin !== null && origin !== '' && origin !== 'null') return hostAndPort(origin);
  return hostAndPort(headers.getByName('referer') ?? '');
}

function targetOf({ scheme, authority }: RequestHead): string {
  return authority === '' ? '' : hostAndPort(`${scheme === '' ? 'http' : scheme}://${authority}`);
}
