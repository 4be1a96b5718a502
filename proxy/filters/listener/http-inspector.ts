// Tells HTTP from other protocols by a connection's first line.
import {
  type HttpInspector,
  HttpInspectorSchema,
} from '../../api/gen/envoy/extensions/filters/listener/http_inspector/v3/http_inspector_pb.js';
import type { Counter, StatsScope } from '../../stats/metrics.ts';
import {
  type CandidateConnection,
  DONE,
  type ListenerFilter,
  type ListenerFilterDefinition,
  type ListenerFilterStatus,
  REFUSE,
  WAIT,
} from '../listener-filter.ts';
import { RequestLineReader } from './request-line.ts';

/** Envoy's limit on a first line; a longer one is nobody's request. */
const MAX_INSPECTED_BYTES = 64 * 1024;

const NO_OPTIONS = Object.freeze({});

/** envoy.filters.listener.http_inspector */
export const httpInspectorDefinition: ListenerFilterDefinition<HttpInspector> = {
  name: 'envoy.filters.listener.http_inspector',
  schema: HttpInspectorSchema,
  support: { [HttpInspectorSchema.typeName]: {} },
  compile: () => NO_OPTIONS,
  factory: (_config, services) => {
    const stats = new HttpInspectorStats(services.stats.scope('http_inspector'));
    return { create: () => new HttpInspectorFilter(stats) };
  },
};

/** `http_inspector.*` */
class HttpInspectorStats {
  readonly readError: Counter;
  readonly http10Found: Counter;
  readonly http11Found: Counter;
  readonly http2Found: Counter;
  readonly httpNotFound: Counter;

  constructor(scope: StatsScope) {
    this.readError = scope.counter('read_error');
    this.http10Found = scope.counter('http10_found');
    this.http11Found = scope.counter('http11_found');
    this.http2Found = scope.counter('http2_found');
    this.httpNotFound = scope.counter('http_not_found');
  }
}

/** One connection's. */
class HttpInspectorFilter implements ListenerFilter {
  readonly #stats: HttpInspectorStats;
  readonly #reader = new RequestLineReader();

  constructor(stats: HttpInspectorStats) {
    this.#stats = stats;
  }

  inspect(candidate: CandidateConnection, bytes: Buffer, length: number): ListenerFilterStatus {
    const { transportProtocol } = candidate;
    if (transportProtocol !== '' && transportProtocol !== 'raw_buffer') return DONE;
    const verdict = this.#reader.read(bytes, Math.min(length, MAX_INSPECTED_BYTES));
    switch (verdict) {
      case 'more':
        if (length < MAX_INSPECTED_BYTES) return WAIT;
        this.#stats.readError.inc();
        return REFUSE;
      case 'other':
        this.#stats.httpNotFound.inc();
        return DONE;
      case 'HTTP/2':
        this.#stats.http2Found.inc();
        candidate.applicationProtocols = ['h2c'];
        return DONE;
      case 'HTTP/1.1':
        this.#stats.http11Found.inc();
        candidate.applicationProtocols = ['http/1.1'];
        return DONE;
      case 'HTTP/1.0':
        this.#stats.http10Found.inc();
        candidate.applicationProtocols = ['http/1.0'];
        return DONE;
    }
  }
}
