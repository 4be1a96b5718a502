// Holds a request back until it is complete, so that upstreams never wait for slow clients.
import {
  type Buffer as BufferMessage,
  type BufferPerRoute,
  BufferPerRouteSchema,
  BufferSchema,
} from '../../api/gen/envoy/extensions/filters/http/buffer/v3/buffer_pb.js';
import { HEADER_ID } from '../../http/header-names.ts';
import type { RequestHead } from '../../http/message.ts';
import {
  CONTINUE,
  type FilterStatus,
  type HttpFilter,
  type HttpFilterCallbacks,
  type HttpFilterDefinition,
  STOP,
} from '../http-filter.ts';

/** Per route: null switches the filter off. */
interface BufferConfig {
  readonly maxRequestBytes: number;
}

const BUFFER_SUPPORT = { [BufferSchema.typeName]: { max_request_bytes: 'honoured' } } as const;

/** envoy.filters.http.buffer */
export const bufferDefinition: HttpFilterDefinition<BufferMessage, BufferConfig> = {
  name: 'envoy.filters.http.buffer',
  schema: BufferSchema,
  isTerminal: false,
  support: BUFFER_SUPPORT,
  perRoute: {
    schema: BufferPerRouteSchema,
    support: {
      ...BUFFER_SUPPORT,
      [BufferPerRouteSchema.typeName]: { disabled: 'honoured', buffer: 'honoured' },
    },
    compile: (message) => {
      const { override } = message as BufferPerRoute;
      return { buffer: override.case === 'buffer' ? compileBuffer(override.value) : null };
    },
  },
  compile: compileBuffer,
  onRoute: (_own, [first]: readonly { readonly buffer: BufferConfig | null }[]) =>
    first?.buffer ?? null,
  factory: ({ maxRequestBytes }) => ({
    create: (callbacks) => new BufferFilter(maxRequestBytes, callbacks),
  }),
};

/** The message's rules want a number above 0. */
function compileBuffer({ maxRequestBytes }: BufferMessage): BufferConfig {
  return Object.freeze({ maxRequestBytes: maxRequestBytes ?? 0 });
}

/** One per stream. */
class BufferFilter implements HttpFilter {
  readonly #maxRequestBytes: number;
  readonly #callbacks: HttpFilterCallbacks;
  /** null: the request has no content. */
  #head: RequestHead | null = null;
  #bytes = 0;

  constructor(maxRequestBytes: number, callbacks: HttpFilterCallbacks) {
    this.#maxRequestBytes = maxRequestBytes;
    this.#callbacks = callbacks;
  }

  onRequestHead(head: RequestHead, endStream: boolean): FilterStatus {
    if (endStream) return CONTINUE;
    this.#head = head;
    this.#callbacks.setBufferLimit(this.#maxRequestBytes);
    return STOP;
  }

  onRequestData(data: Buffer, endStream: boolean): FilterStatus {
    this.#bytes += data.length;
    // Too much is held in any case: that is what is answered with 413.
    if (!endStream || this.#bytes > this.#maxRequestBytes) return STOP;
    this.#addLength();
    return CONTINUE;
  }

  onRequestTrailers(): FilterStatus {
    this.#addLength();
    return CONTINUE;
  }

  /** The length is known by now, whatever framing the client used. */
  #addLength(): void {
    const headers = this.#head?.headers;
    if (headers === undefined || headers.get(HEADER_ID['content-length']) !== null) return;
    headers.addKnown(HEADER_ID['content-length'], String(this.#bytes));
  }
}
