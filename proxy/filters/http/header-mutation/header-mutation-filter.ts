// Applies mutations to the messages of one stream.
import type { HeaderList } from '../../../http/header-list.ts';
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import {
  CONTINUE,
  type FilterStatus,
  type HttpFilter,
  type HttpFilterCallbacks,
  type LocalReply,
  STOP_ALL,
} from '../../http-filter.ts';
import { mutateFields } from './mutate-fields.ts';
import { mutateParameters } from './mutate-parameters.ts';
import type { MutationSet } from './mutation-set.ts';

/** What a request cannot do without; null: it has it all. */
function missingField(head: RequestHead): string | null {
  if (head.method === '') return ':method';
  return head.path === '' && head.method !== 'CONNECT' ? ':path' : null;
}

/** What Envoy's router says then. */
function missingFieldReply(name: string): LocalReply {
  return {
    status: 503,
    body: `missing required header: ${name}`,
    details: `filter_removed_required_request_headers{missing_required_header:_${name}}`,
    flag: 'DPE',
    headers: null,
  };
}

/** One per stream. */
export class HeaderMutationFilter implements HttpFilter {
  /** In their order. */
  readonly #sets: readonly MutationSet[];
  readonly #callbacks: HttpFilterCallbacks;

  constructor(sets: readonly MutationSet[], callbacks: HttpFilterCallbacks) {
    this.#sets = sets;
    this.#callbacks = callbacks;
  }

  onRequestHead(head: RequestHead): FilterStatus {
    for (const { request, parameters } of this.#sets) {
      mutateFields(request, { headers: head.headers, head }, this.#callbacks);
      if (parameters.length > 0) {
        head.path = mutateParameters(parameters, head.path, this.#callbacks);
      }
    }
    const missing = missingField(head);
    if (missing === null) return CONTINUE;
    this.#callbacks.sendLocalReply(missingFieldReply(missing));
    return STOP_ALL;
  }

  onRequestTrailers(trailers: HeaderList): FilterStatus {
    for (const { requestTrailers } of this.#sets) {
      mutateFields(requestTrailers, { headers: trailers, head: null }, this.#callbacks);
    }
    return CONTINUE;
  }

  onResponseHead(head: ResponseHead): FilterStatus {
    for (const { response } of this.#sets) {
      mutateFields(response, { headers: head.headers, head }, this.#callbacks);
    }
    return CONTINUE;
  }

  onResponseTrailers(trailers: HeaderList): FilterStatus {
    for (const { responseTrailers } of this.#sets) {
      mutateFields(responseTrailers, { headers: trailers, head: null }, this.#callbacks);
    }
    return CONTINUE;
  }
}
