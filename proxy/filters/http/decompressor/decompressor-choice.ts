// Decompresses requests and responses, and tells upstreams that they may compress. Content that is
// broken, or grows beyond all measure, ends its exchange: half of it is never passed off as all.
import type { HeaderList } from '../../../http/header-list.ts';
import { HEADER_ID } from '../../../http/header-names.ts';
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import type { Live } from '../../../model/runtime.ts';
import type { Counter, StatsScope } from '../../../stats/metrics.ts';
import type { HttpFilter, HttpFilterCallbacks } from '../../http-filter.ts';
import { BodyCoding, type CodingPlan } from '../coding/body-coding.ts';
import type { BodyChoice } from '../coding/body-filter.ts';
import type { DecompressionLibrary } from '../coding/coding-library.ts';
import { type MessageSide, REQUEST_SIDE, RESPONSE_SIDE } from '../coding/message-side.ts';
import { forbidsTransform, listOf } from '../compressor/content-rules.ts';

const CONTENT_ENCODING = HEADER_ID['content-encoding'];
const CONTENT_LENGTH = HEADER_ID['content-length'];
/**
 * Bodies up to this many octets are decompressed at once: with Envoy's ratio of 100 they become
 * 400 KB at most, which takes less than a millisecond.
 */
const MAX_BYTES_AT_ONCE = 4096;

/** Both directions have this. */
export interface DecompressedDirection {
  /** Read for each message. */
  readonly enabled: Live<boolean>;
  readonly ignoresNoTransform: boolean;
}

/** envoy.extensions.filters.http.decompressor.v3.Decompressor, complete. */
export interface DecompressorConfig {
  /** Of decompressor_library: a part of the statistics' names, and of trailers'. */
  readonly libraryName: string;
  readonly library: DecompressionLibrary;
  readonly request: DecompressedDirection;
  readonly response: DecompressedDirection;
  readonly advertises: boolean;
}

/** Of one direction. */
class DirectionStats {
  readonly decompressed: Counter;
  readonly notDecompressed: Counter;
  readonly totalUncompressedBytes: Counter;
  readonly totalCompressedBytes: Counter;

  constructor(scope: StatsScope) {
    this.decompressed = scope.counter('decompressed');
    this.notDecompressed = scope.counter('not_decompressed');
    this.totalUncompressedBytes = scope.counter('total_uncompressed_bytes');
    this.totalCompressedBytes = scope.counter('total_compressed_bytes');
  }
}

/** What the filters of all streams share. */
export class DecompressorRuntime {
  readonly config: DecompressorConfig;
  readonly requestStats: DirectionStats;
  readonly responseStats: DirectionStats;
  readonly requestPlan: CodingPlan;
  readonly responsePlan: CodingPlan;
  /** By the names that node:zlib gives errors. */
  readonly #errors: ReadonlyMap<string, Counter>;
  readonly #otherErrors: Counter;
  readonly #compressedTrailer: string;
  readonly #uncompressedTrailer: string;

  constructor(config: DecompressorConfig, http: StatsScope) {
    const { library, libraryName } = config;
    const scope = http.scope(`decompressor.${libraryName}.${library.statName}`);
    const errors = scope.scope('decompressor_library');
    this.config = config;
    this.requestStats = new DirectionStats(scope.scope('request'));
    this.responseStats = new DirectionStats(scope.scope('response'));
    this.#otherErrors = errors.counter(library.defaultError);
    this.#errors = new Map(
      Object.entries(library.errors).map(([code, name]) => [code, errors.counter(name)]),
    );
    this.#compressedTrailer = `x-envoy-decompressor-${libraryName}-compressed-bytes`.toLowerCase();
    this.#uncompressedTrailer =
      `x-envoy-decompressor-${libraryName}-uncompressed-bytes`.toLowerCase();
    this.requestPlan = this.#plan(REQUEST_SIDE, this.requestStats, refuseRequest);
    this.responsePlan = this.#plan(RESPONSE_SIDE, this.responseStats, breakOffResponse);
  }

  #plan(side: MessageSide, stats: DirectionStats, end: (coding: BodyCoding) => void): CodingPlan {
    const { library } = this.config;
    return {
      library,
      side,
      maxBytesAtOnce: MAX_BYTES_AT_ONCE,
      maxRatio: library.maxInflateRatio,
      bytesIn: stats.totalCompressedBytes,
      bytesOut: stats.totalUncompressedBytes,
      trailers: ({ totalIn, totalOut }, trailers) => {
        trailers.add(this.#compressedTrailer, String(totalIn));
        trailers.add(this.#uncompressedTrailer, String(totalOut));
      },
      failed: (coding, { code }) => {
        (this.#errors.get(code ?? '') ?? this.#otherErrors).inc();
        end(coding);
      },
    };
  }
}

function refuseRequest({ site }: BodyCoding): void {
  site.callbacks.sendLocalReply({
    status: 400,
    body: 'Bad Request',
    details: 'request_decompression_failed',
    flag: null,
    headers: null,
  });
}

function breakOffResponse({ site }: BodyCoding): void {
  site.callbacks.resetStream('local-reset', 'response_decompression_failed');
}

/** One per stream. */
export class DecompressorChoice implements BodyChoice {
  readonly #runtime: DecompressorRuntime;
  readonly #callbacks: HttpFilterCallbacks;

  constructor(runtime: DecompressorRuntime, callbacks: HttpFilterCallbacks) {
    this.#runtime = runtime;
    this.#callbacks = callbacks;
  }

  ofRequest(filter: HttpFilter, head: RequestHead, endStream: boolean): BodyCoding | null {
    const { config, requestStats, requestPlan } = this.#runtime;
    if (config.response.enabled.value && config.advertises) {
      advertise(head.headers, config.library.coding);
    }
    if (endStream) return null;
    if (!this.#takes(head.headers, config.request)) {
      requestStats.notDecompressed.inc();
      return null;
    }
    requestStats.decompressed.inc();
    return this.#decode(filter, head.headers, requestPlan);
  }

  ofResponse(filter: HttpFilter, head: ResponseHead, endStream: boolean): BodyCoding | null {
    const { config, responseStats, responsePlan } = this.#runtime;
    if (endStream) return null;
    if (!this.#takes(head.headers, config.response)) {
      responseStats.notDecompressed.inc();
      return null;
    }
    responseStats.decompressed.inc();
    return this.#decode(filter, head.headers, responsePlan);
  }

  #takes(headers: HeaderList, direction: DecompressedDirection): boolean {
    if (!direction.enabled.value || !headers.mayHave(CONTENT_ENCODING)) return false;
    if (forbidsTransform(headers) && !direction.ignoresNoTransform) return false;
    const codings = listOf(headers, 'content-encoding') ?? '';
    const [first = ''] = codings.split(',', 1);
    return first.trim().toLowerCase() === this.#runtime.config.library.coding;
  }

  #decode(filter: HttpFilter, headers: HeaderList, plan: CodingPlan): BodyCoding {
    const codings = listOf(headers, 'content-encoding') ?? '';
    const comma = codings.indexOf(',');
    const rest = comma === -1 ? '' : codings.slice(comma + 1).trim();
    if (comma === -1) headers.removeKnown(CONTENT_ENCODING);
    else headers.setKnown(CONTENT_ENCODING, rest);
    headers.removeKnown(CONTENT_LENGTH);
    return new BodyCoding({ filter, callbacks: this.#callbacks }, plan);
  }
}

/** Adds the coding behind all others, without a quality and once. */
function advertise(headers: HeaderList, coding: string): void {
  const accepted = listOf(headers, 'accept-encoding');
  if (accepted === null) {
    headers.addKnown(HEADER_ID['accept-encoding'], coding);
    return;
  }
  const others = accepted.split(',').filter((element) => !names(element, coding));
  headers.setKnown(
    HEADER_ID['accept-encoding'],
    [...others.map((element) => element.trim()), coding].filter((each) => each !== '').join(','),
  );
}

function names(element: string, coding: string): boolean {
  const [name = ''] = element.split(';', 1);
  return name.trim() === coding;
}
