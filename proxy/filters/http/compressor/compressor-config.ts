// What a compressor was configured to do, and its statistics.
import type { StringMatchConfig } from '../../../model/route-match.ts';
import type { Live } from '../../../model/runtime.ts';
import type { Counter, StatsScope } from '../../../stats/metrics.ts';
import type { CodingLibrary } from '../coding/coding-library.ts';

/** Both directions have this. */
export interface DirectionConfig {
  /** Read for each message. */
  readonly enabled: Live<boolean>;
  /** Content-Length below this is not compressed; content without length is. */
  readonly minContentLength: number;
  /** Media types in lower case, without parameters; empty where matchers say it. */
  readonly types: ReadonlySet<string>;
  readonly typeMatchers: readonly StringMatchConfig[];
}

/** What only responses have. */
export interface ResponseDirectionConfig extends DirectionConfig {
  readonly disableOnEtag: boolean;
  readonly weakenEtag: boolean;
  readonly removeAcceptEncoding: boolean;
  readonly uncompressibleCodes: ReadonlySet<number>;
  readonly statusHeader: boolean;
  /** Its statistics have `response.` in their names. */
  readonly hasOwnStats: boolean;
}

/** envoy.extensions.filters.http.compressor.v3.Compressor, complete. */
export interface CompressorConfig {
  /** Of compressor_library: a part of the statistics' names. */
  readonly libraryName: string;
  /** By which it takes part in the choice between several: as in Envoy not changed by routes. */
  readonly coding: string;
  readonly library: CodingLibrary;
  readonly request: DirectionConfig;
  readonly response: ResponseDirectionConfig;
  readonly chooseFirst: boolean;
}

/** Of one direction. */
export class DirectionStats {
  readonly compressed: Counter;
  readonly notCompressed: Counter;
  readonly totalUncompressedBytes: Counter;
  readonly totalCompressedBytes: Counter;
  readonly contentLengthTooSmall: Counter;

  constructor(scope: StatsScope) {
    this.compressed = scope.counter('compressed');
    this.notCompressed = scope.counter('not_compressed');
    this.totalUncompressedBytes = scope.counter('total_uncompressed_bytes');
    this.totalCompressedBytes = scope.counter('total_compressed_bytes');
    this.contentLengthTooSmall = scope.counter('content_length_too_small');
  }
}

/** `http.<stat_prefix>.compressor.<name>.<library>.*` */
export class CompressorStats {
  readonly request: DirectionStats;
  readonly response: DirectionStats;
  readonly noAcceptHeader: Counter;
  readonly identity: Counter;
  readonly used: Counter;
  readonly overshadowed: Counter;
  readonly wildcard: Counter;
  readonly notValid: Counter;
  readonly notCompressedEtag: Counter;

  constructor(http: StatsScope, { libraryName, library, response }: CompressorConfig) {
    const scope = http.scope(`compressor.${libraryName}.${library.statName}`);
    this.request = new DirectionStats(scope.scope('request'));
    this.response = new DirectionStats(response.hasOwnStats ? scope.scope('response') : scope);
    this.noAcceptHeader = scope.counter('no_accept_header');
    this.identity = scope.counter('header_identity');
    this.used = scope.counter('header_compressor_used');
    this.overshadowed = scope.counter('header_compressor_overshadowed');
    this.wildcard = scope.counter('header_wildcard');
    this.notValid = scope.counter('header_not_valid');
    this.notCompressedEtag = scope.counter('not_compressed_etag');
  }
}
