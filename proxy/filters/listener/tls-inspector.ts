// Tells TLS from clear text, and what a TLS client asks for: server name and protocols.
import {
  type TlsInspector,
  TlsInspectorSchema,
} from '../../api/gen/envoy/extensions/filters/listener/tls_inspector/v3/tls_inspector_pb.js';
import { refuseTrue } from '../../config/compile/field-values.ts';
import type { Counter, Histogram, StatsScope } from '../../stats/metrics.ts';
import { ClientHelloReader, type HelloVerdict } from '../../tls/client-hello.ts';
import {
  type CandidateConnection,
  DONE,
  type ListenerFilter,
  type ListenerFilterDefinition,
  type ListenerFilterStatus,
  REFUSE,
  WAIT,
} from '../listener-filter.ts';

const NAME = 'envoy.filters.listener.tls_inspector';
/** Default and limit of max_client_hello_size: no TLS server takes more. */
const MAX_CLIENT_HELLO_BYTES = 16_384;

/** RFC 8446 §5.1. */
const HANDSHAKE_RECORD = 22;
const LONGEST_METHOD = 5;
/** BoringSSL knows those by sight. */
const HTTP_METHODS = ['GET ', 'POST ', 'HEAD ', 'PUT '] as const;
const HTTP_REQUEST = inspectorFailure('1000009c', 'HTTP_REQUEST');
const HTTPS_PROXY_REQUEST = inspectorFailure('1000009b', 'HTTPS_PROXY_REQUEST');
const WRONG_VERSION = inspectorFailure('100000f7', 'WRONG_VERSION_NUMBER');

/** Envoy's text, with the number in hexadecimal, other than behind a handshake. */
function inspectorFailure(code: string, reason: string): string {
  return `TLS_error|error:${code}:SSL routines:OPENSSL_internal:${reason}:TLS_error_end`;
}

/** tls_inspector.v3.TlsInspector */
export interface TlsInspectorConfig {
  /** Octets within which the ClientHello must end. */
  readonly maxClientHelloBytes: number;
  readonly closesOnParsingErrors: boolean;
}

/** envoy.filters.listener.tls_inspector */
export const tlsInspectorDefinition: ListenerFilterDefinition<TlsInspector, TlsInspectorConfig> = {
  name: NAME,
  schema: TlsInspectorSchema,
  support: {
    [TlsInspectorSchema.typeName]: {
      enable_ja3_fingerprinting: { partly: 'only false, the default' },
      enable_ja4_fingerprinting: { partly: 'only false, the default' },
      initial_read_buffer_size: { accepted: 'the buffer is always as large as what arrived' },
      close_connection_on_client_hello_parsing_errors: 'honoured',
      max_client_hello_size: 'honoured',
    },
  },
  compile: (message, context) => {
    refuseTrue(context, 'enable_ja3_fingerprinting', message.enableJa3Fingerprinting);
    refuseTrue(context, 'enable_ja4_fingerprinting', message.enableJa4Fingerprinting);
    return Object.freeze({
      maxClientHelloBytes: message.maxClientHelloSize ?? MAX_CLIENT_HELLO_BYTES,
      closesOnParsingErrors: message.closeConnectionOnClientHelloParsingErrors,
    });
  },
  factory: (config, services) => {
    const stats = new TlsInspectorStats(services.stats.scope('tls_inspector'));
    return { create: () => new TlsInspectorFilter(config, stats) };
  },
};

/** `tls_inspector.*` */
class TlsInspectorStats {
  readonly clientHelloTooLarge: Counter;
  readonly tlsFound: Counter;
  readonly tlsNotFound: Counter;
  readonly alpnFound: Counter;
  readonly alpnNotFound: Counter;
  readonly sniFound: Counter;
  readonly sniNotFound: Counter;
  readonly bytesProcessed: Histogram;

  constructor(scope: StatsScope) {
    this.clientHelloTooLarge = scope.counter('client_hello_too_large');
    this.tlsFound = scope.counter('tls_found');
    this.tlsNotFound = scope.counter('tls_not_found');
    this.alpnFound = scope.counter('alpn_found');
    this.alpnNotFound = scope.counter('alpn_not_found');
    this.sniFound = scope.counter('sni_found');
    this.sniNotFound = scope.counter('sni_not_found');
    this.bytesProcessed = scope.histogram('bytes_processed', 'bytes');
  }
}

/** One connection's. */
class TlsInspectorFilter implements ListenerFilter {
  readonly #config: TlsInspectorConfig;
  readonly #stats: TlsInspectorStats;
  readonly #reader = new ClientHelloReader();

  constructor(config: TlsInspectorConfig, stats: TlsInspectorStats) {
    this.#config = config;
    this.#stats = stats;
  }

  inspect(candidate: CandidateConnection, bytes: Buffer, length: number): ListenerFilterStatus {
    const limit = this.#config.maxClientHelloBytes;
    const verdict = this.#reader.read(bytes, Math.min(length, limit));
    if (verdict === 'more' && length < limit) return WAIT;
    this.#stats.bytesProcessed.record(verdict === 'more' ? limit : this.#reader.bytesProcessed);
    if (verdict === 'not-tls') candidate.transportFailure = failureOf(bytes);
    return this.#finish(candidate, verdict);
  }

  #finish(candidate: CandidateConnection, verdict: HelloVerdict): ListenerFilterStatus {
    switch (verdict) {
      case 'hello':
        this.#found(candidate);
        return DONE;
      case 'not-tls':
        this.#stats.tlsNotFound.inc();
        setFailure(candidate, 'ClientHelloNotDetected');
        return this.#config.closesOnParsingErrors ? REFUSE : DONE;
      case 'more':
        this.#stats.clientHelloTooLarge.inc();
        setFailure(candidate, 'ClientHelloTooLarge');
        return REFUSE;
    }
  }

  #found(candidate: CandidateConnection): void {
    const { serverName, protocols } = this.#reader;
    this.#stats.tlsFound.inc();
    (serverName === '' ? this.#stats.sniNotFound : this.#stats.sniFound).inc();
    (protocols === null ? this.#stats.alpnNotFound : this.#stats.alpnFound).inc();
    candidate.transportProtocol = 'tls';
    if (serverName !== '') candidate.serverName = serverName;
    if (protocols !== null) candidate.applicationProtocols = protocols;
  }
}

/** BoringSSL's words for what begins like this instead of with a record of a handshake. */
function failureOf(bytes: Buffer): string {
  if (bytes[0] === HANDSHAKE_RECORD) return '';
  const start = bytes.toString('latin1', 0, LONGEST_METHOD);
  if (HTTP_METHODS.some((method) => start.startsWith(method))) return HTTP_REQUEST;
  return start === 'CONNE' ? HTTPS_PROXY_REQUEST : WRONG_VERSION;
}

/** Envoy's dynamic metadata on why it is not TLS. */
function setFailure(candidate: CandidateConnection, reason: string): void {
  candidate.dynamicMetadata ??= new Map();
  candidate.dynamicMetadata.set(NAME, { failure_reason: reason });
}
