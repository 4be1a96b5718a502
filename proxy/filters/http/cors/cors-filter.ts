// CORS on one stream: Fetch standard §3.3, as Envoy applies it.
import type { Random } from '../../../base/random.ts';
import type { CorsPolicyConfig } from '../../../config/compile/cors-policy.ts';
import { HeaderList } from '../../../http/header-list.ts';
import { HEADER_ID } from '../../../http/header-names.ts';
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import { matchesString } from '../../../model/match-value.ts';
import type { Counter } from '../../../stats/metrics.ts';
import {
  CONTINUE,
  type FilterStatus,
  type HttpFilter,
  type HttpFilterCallbacks,
  STOP_ALL,
} from '../../http-filter.ts';
import { drawPolicyMode } from '../policy-mode.ts';

/** What the filters of a route share. */
export interface CorsRuntime {
  readonly policy: CorsPolicyConfig;
  readonly random: Random;
  readonly originValid: Counter;
  readonly originInvalid: Counter;
}

/** One per stream. */
export class CorsFilter implements HttpFilter {
  readonly #runtime: CorsRuntime;
  readonly #callbacks: HttpFilterCallbacks;
  /** Who may read the response; '' for nobody in particular. */
  #origin = '';

  constructor(runtime: CorsRuntime, callbacks: HttpFilterCallbacks) {
    this.#runtime = runtime;
    this.#callbacks = callbacks;
  }

  onRequestHead(head: RequestHead): FilterStatus {
    const { policy, random, originValid, originInvalid } = this.#runtime;
    const kind = this.#callbacks.route?.config.action.kind;
    // As Envoy: redirects and direct responses are for everybody.
    if (kind !== 'forward' && kind !== 'non-forwarding') return CONTINUE;
    const origin = head.headers.get(HEADER_ID.origin);
    if (origin === null || origin === '') return CONTINUE;
    const mode = drawPolicyMode(policy, random);
    if (mode === 'off') return CONTINUE;
    const isAllowed = allowsOrigin(policy, origin);
    (isAllowed ? originValid : originInvalid).inc();
    if (mode === 'shadow') return CONTINUE;
    if (isAllowed) this.#origin = origin;
    else if (policy.forwardNotMatchingPreflights !== false) return CONTINUE;
    return isPreflight(head) ? this.#answer(head.headers) : CONTINUE;
  }

  onResponseHead({ headers }: ResponseHead): FilterStatus {
    if (this.#origin === '') return CONTINUE;
    const { allowCredentials, exposeHeaders } = this.#runtime.policy;
    headers.set('access-control-allow-origin', this.#origin);
    if (allowCredentials === true) headers.set('access-control-allow-credentials', 'true');
    if (exposeHeaders !== '') headers.set('access-control-expose-headers', exposeHeaders);
    return CONTINUE;
  }

  #answer(request: HeaderList): FilterStatus {
    const headers = preflightFields(this.#runtime.policy, request, this.#origin);
    this.#callbacks.sendLocalReply({
      ...{ status: 200, body: '', details: 'cors_response', flag: null, headers },
      isFinal: true,
    });
    return STOP_ALL;
  }
}

function allowsOrigin(policy: CorsPolicyConfig, origin: string): boolean {
  return (
    policy.allowsAnyOrigin || policy.allowOrigins.some((match) => matchesString(match, origin))
  );
}

function isPreflight({ method, headers }: RequestHead): boolean {
  if (method !== 'OPTIONS') return false;
  return (headers.getByName('access-control-request-method') ?? '') !== '';
}

/** What a preflight is told; `origin` is '' for one that is not allowed. */
function preflightFields(
  policy: CorsPolicyConfig,
  request: HeaderList,
  origin: string,
): HeaderList {
  const fields = HeaderList.empty();
  const add = (name: string, value: string): void => {
    if (value !== '') fields.add(`access-control-${name}`, value);
  };
  const asked = (name: string): string => request.getByName(`access-control-request-${name}`) ?? '';
  const { allowMethods, allowHeaders } = policy;
  add('allow-origin', origin);
  if (policy.allowCredentials === true) add('allow-credentials', 'true');
  add('allow-methods', allowMethods === '*' ? asked('method') : allowMethods);
  // As Envoy: with `*` the field is there even when nothing was asked for.
  if (allowHeaders === '*') fields.add('access-control-allow-headers', asked('headers'));
  else add('allow-headers', allowHeaders);
  add('max-age', policy.maxAge);
  if (policy.allowPrivateNetworkAccess === true && asked('private-network') === 'true') {
    add('allow-private-network', 'true');
  }
  return fields;
}
