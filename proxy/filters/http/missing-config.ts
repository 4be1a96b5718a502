// Stands where a filter was never told what to do: nobody passes, for it might have been the one that
// keeps people out.
import type { LocalReply } from '../http-filter.ts';
import { type HttpFilterFactory, STOP_ALL } from '../http-filter.ts';

/** Envoy's answer: no body, and no details either. */
const REPLY: LocalReply = Object.freeze({
  ...{ status: 500, body: '', details: '' },
  ...{ flag: 'NFCF', headers: null },
});

/** Answers every request. */
export const MISSING_CONFIG: HttpFilterFactory = Object.freeze({
  create: (callbacks) => ({
    onRequestHead: () => {
      callbacks.sendLocalReply(REPLY);
      return STOP_ALL;
    },
  }),
} satisfies HttpFilterFactory);
