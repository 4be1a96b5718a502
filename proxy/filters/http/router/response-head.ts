// What the router adds to the head of an upstream's response.
import { HEADER_ID } from '../../../http/header-names.ts';
import type { ResponseHead } from '../../../http/message.ts';
import { finalizeResponseHead } from '../../../routing/finalize-head.ts';
import type { TerminalFilterCallbacks } from '../../http-filter.ts';

/** What a response's head is told. */
export interface ResponseAdditions {
  /** What the upstream took since the request's end; -1: that has not come, or is a secret. */
  readonly serviceMs: number;
  /** Values of Set-Cookie. */
  readonly cookies: readonly string[];
}

/** In front of the route's header work, and that. */
export function finishResponseHead(
  callbacks: TerminalFilterCallbacks,
  head: ResponseHead,
  { serviceMs, cookies }: ResponseAdditions,
): void {
  const { route } = callbacks;
  const { headers } = head;
  if (serviceMs >= 0) {
    headers.setKnown(HEADER_ID['x-envoy-upstream-service-time'], String(Math.floor(serviceMs)));
  }
  for (const cookie of cookies) headers.add('set-cookie', cookie);
  if (route === null) return;
  if (route.virtualHost.includeAttemptCountInResponse) {
    const count = String(callbacks.info.attemptCount);
    headers.setKnown(HEADER_ID['x-envoy-attempt-count'], count);
  }
  callbacks.response = head;
  callbacks.info.responseCode = head.status;
  finalizeResponseHead(route, head, callbacks);
}
