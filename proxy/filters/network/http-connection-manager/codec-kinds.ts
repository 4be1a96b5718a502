// The protocols that a downstream connection may speak: what makes their codecs, and what is counted
// for each. Nothing else in the connection manager knows a codec.
import type { ByteSink, ServerCodec, ServerCodecHandler } from '../../../http/codec.ts';
import type { H1ServerOptions } from '../../../http/h1/options.ts';
import { H1ServerCodec } from '../../../http/h1/server-codec.ts';
import { H2_ERROR } from '../../../http/h2/errors.ts';
import type { H2ServerOptions } from '../../../http/h2/options.ts';
import { H2ServerCodec } from '../../../http/h2/server-codec.ts';
import type { Protocol } from '../../../http/message.ts';
import type { ProtocolError } from '../../../http/protocol-error.ts';
import type { HttpConnectionManagerConfig } from '../../../model/http-connection-manager.ts';
import { Http2CodecStats } from '../../../stats/http2-codec-stats.ts';
import type { Counter, Gauge } from '../../../stats/metrics.ts';
import type { WorkerServices } from '../../network-filter.ts';
import { h1CodecOptions, h2CodecOptions } from './codec-options.ts';
import { type HcmStats, Http1CodecStats } from './hcm-stats.ts';

/** The response code details of a field name that headers_with_underscores_action refuses. */
const UNDERSCORE_DETAILS = 'http1.unexpected_underscore';

/** One protocol in one connection manager. */
export interface CodecKind {
  /** Of an exchange whose head never came. */
  readonly protocol: Protocol;
  readonly cxTotal: Counter;
  readonly cxActive: Gauge;
  readonly rqTotal: Counter;
  create(sink: ByteSink, handler: ServerCodecHandler, isTls: boolean): ServerCodec;
  /** A connection ended with this error. */
  countError(error: ProtocolError): void;
  /** Fields were dropped that the codec does not count itself. */
  countDroppedFields(amount: number): void;
}

/** What a connection manager can speak. */
export interface CodecKinds {
  readonly http1: CodecKind;
  readonly http2: CodecKind;
}

/** Both kinds, made with a connection manager. */
export function codecKinds(
  config: HttpConnectionManagerConfig,
  services: WorkerServices,
  stats: HcmStats,
): CodecKinds {
  return {
    http1: new Http1Kind(config, services, stats),
    http2: new Http2Kind(config, services, stats),
  };
}

class Http1Kind implements CodecKind {
  readonly protocol = 'HTTP/1.1';
  readonly cxTotal: Counter;
  readonly cxActive: Gauge;
  readonly rqTotal: Counter;
  readonly #clearOptions: H1ServerOptions;
  readonly #tlsOptions: H1ServerOptions;
  readonly #codecStats: Http1CodecStats;

  constructor(config: HttpConnectionManagerConfig, services: WorkerServices, stats: HcmStats) {
    this.cxTotal = stats.cxHttp1Total;
    this.cxActive = stats.cxHttp1Active;
    this.rqTotal = stats.rqHttp1Total;
    this.#clearOptions = h1CodecOptions(config, false);
    this.#tlsOptions = h1CodecOptions(config, true);
    this.#codecStats = new Http1CodecStats(services.stats);
  }

  create(sink: ByteSink, handler: ServerCodecHandler, isTls: boolean): ServerCodec {
    return new H1ServerCodec(isTls ? this.#tlsOptions : this.#clearOptions, sink, handler);
  }

  countError(error: ProtocolError): void {
    if (error.details === UNDERSCORE_DETAILS) this.#codecStats.rejectedForUnderscores.inc();
  }

  countDroppedFields(amount: number): void {
    this.#codecStats.droppedHeadersWithUnderscores.add(amount);
  }
}

class Http2Kind implements CodecKind {
  readonly protocol = 'HTTP/2';
  readonly cxTotal: Counter;
  readonly cxActive: Gauge;
  readonly rqTotal: Counter;
  readonly #options: H2ServerOptions;
  readonly #tooManyPrematureResets: Counter;
  readonly #services: WorkerServices;
  /** As in Envoy, `http2.*` is there once somebody spoke it. */
  #counters: Http2CodecStats | null = null;

  constructor(config: HttpConnectionManagerConfig, services: WorkerServices, stats: HcmStats) {
    this.cxTotal = stats.cxHttp2Total;
    this.cxActive = stats.cxHttp2Active;
    this.rqTotal = stats.rqHttp2Total;
    this.#options = h2CodecOptions(config);
    this.#tooManyPrematureResets = stats.rqTooManyPrematureResets;
    this.#services = services;
  }

  create(sink: ByteSink, handler: ServerCodecHandler): ServerCodec {
    const { stats, codecServices } = this.#services;
    this.#counters ??= new Http2CodecStats(stats);
    const io = { sink, services: codecServices, counters: this.#counters };
    return new H2ServerCodec(this.#options, io, handler);
  }

  countError(error: ProtocolError): void {
    if (error === H2_ERROR.prematureResets) this.#tooManyPrematureResets.inc();
  }

  countDroppedFields(): void {
    // The codec counts in `http2.*` itself.
  }
}
