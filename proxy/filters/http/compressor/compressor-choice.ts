// Compresses requests and responses, where the client or the configuration asks for it and the
// content is worth it.
import type { HeaderList } from '../../../http/header-list.ts';
import { HEADER_ID } from '../../../http/header-names.ts';
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import { agreesToTunnel, tunnelKind } from '../../../http/tunnel.ts';
import type { HttpFilter, HttpFilterCallbacks } from '../../http-filter.ts';
import { BodyCoding, type CodingPlan } from '../coding/body-coding.ts';
import type { BodyChoice } from '../coding/body-filter.ts';
import { MAX_BYTES_AT_ONCE } from '../coding/coding-library.ts';
import { type MessageSide, REQUEST_SIDE, RESPONSE_SIDE } from '../coding/message-side.ts';
import type { CompressorConfig, CompressorStats, DirectionStats } from './compressor-config.ts';
import {
  addVary,
  adjustEtag,
  forbidsTransform,
  hasAllowedType,
  isCoded,
  isLongEnough,
  listOf,
  mediaType,
} from './content-rules.ts';
import { encodingChoice, joinCompressors } from './encoding-choice.ts';

const ACCEPT_ENCODING = HEADER_ID['accept-encoding'];
const CONTENT_ENCODING = HEADER_ID['content-encoding'];
const CONTENT_LENGTH = HEADER_ID['content-length'];
const STATUS_HEADER = 'x-envoy-compression-status';

/** Why a response is not compressed, as `x-envoy-compression-status` says it; null: it may be. */
type Obstacle =
  | 'ContentLengthTooSmall'
  | 'ContentTypeNotAllowed'
  | 'EtagNotAllowed'
  | 'StatusCodeNotAllowed'
  /** A tunnel, `no-transform`, or content that is coded already: not said. */
  | 'Untouchable'
  | null;

/** What the filters of all streams share. */
export class CompressorRuntime {
  readonly config: CompressorConfig;
  readonly stats: CompressorStats;
  readonly requestPlan: CodingPlan;
  readonly responsePlan: CodingPlan;

  constructor(config: CompressorConfig, stats: CompressorStats) {
    this.config = config;
    this.stats = stats;
    this.requestPlan = planOf(config, REQUEST_SIDE, stats.request);
    this.responsePlan = planOf(config, RESPONSE_SIDE, stats.response);
  }
}

function planOf(config: CompressorConfig, side: MessageSide, stats: DirectionStats): CodingPlan {
  return {
    library: config.library,
    side,
    maxBytesAtOnce: MAX_BYTES_AT_ONCE,
    maxRatio: 0,
    bytesIn: stats.totalUncompressedBytes,
    bytesOut: stats.totalCompressedBytes,
    trailers: null,
    failed: ({ site }, { code }) =>
      site.callbacks.resetStream('local-reset', `compression_failed:${code}`),
  };
}

/** One per stream. */
export class CompressorChoice implements BodyChoice {
  readonly #runtime: CompressorRuntime;
  readonly #callbacks: HttpFilterCallbacks;
  /** What the client accepts; null: it does not say. */
  #acceptEncoding: string | null = null;

  constructor(runtime: CompressorRuntime, callbacks: HttpFilterCallbacks) {
    this.#runtime = runtime;
    this.#callbacks = callbacks;
    joinCompressors(callbacks.info, runtime.config);
  }

  ofRequest(filter: HttpFilter, head: RequestHead, endStream: boolean): BodyCoding | null {
    const { config, stats } = this.#runtime;
    const { headers } = head;
    if (headers.mayHave(ACCEPT_ENCODING)) {
      this.#acceptEncoding = listOf(headers, 'accept-encoding');
      const { enabled, removeAcceptEncoding } = config.response;
      if (enabled.value && removeAcceptEncoding) headers.removeKnown(ACCEPT_ENCODING);
    }
    if (endStream || !this.#compressesRequest(head)) {
      stats.request.notCompressed.inc();
      return null;
    }
    stats.request.compressed.inc();
    this.#announce(headers);
    return this.#code(filter, this.#runtime.requestPlan);
  }

  ofResponse(filter: HttpFilter, head: ResponseHead, endStream: boolean): BodyCoding | null {
    const { stats } = this.#runtime;
    if (!this.#compressesResponse(head, endStream)) {
      stats.response.notCompressed.inc();
      return null;
    }
    stats.response.compressed.inc();
    const { headers } = head;
    const { statusHeader, weakenEtag } = this.#runtime.config.response;
    adjustEtag(headers, weakenEtag);
    if (statusHeader) {
      const length = headers.get(CONTENT_LENGTH) ?? '';
      this.#report(headers, `Compressed;OriginalLength=${length}`);
    }
    this.#announce(headers);
    return this.#code(filter, this.#runtime.responsePlan);
  }

  #code(filter: HttpFilter, plan: CodingPlan): BodyCoding {
    return new BodyCoding({ filter, callbacks: this.#callbacks }, plan);
  }

  #announce(headers: HeaderList): void {
    headers.removeKnown(CONTENT_LENGTH);
    headers.setKnown(CONTENT_ENCODING, this.#runtime.config.library.coding);
  }

  #compressesRequest(head: RequestHead): boolean {
    const { config, stats } = this.#runtime;
    const { request } = config;
    if (!request.enabled.value || head.asksForTunnel) return false;
    if (!isLongEnough(request, head.headers)) {
      stats.request.contentLengthTooSmall.inc();
      return false;
    }
    return hasAllowedType(request, head.headers) && !isCoded(head.headers);
  }

  /** Also tells caches and, where asked for, the client why not. */
  #compressesResponse(head: ResponseHead, endStream: boolean): boolean {
    const { enabled, statusHeader } = this.#runtime.config.response;
    if (!enabled.value) return false;
    const { headers } = head;
    const obstacle = this.#obstacle(head);
    this.#countObstacle(obstacle, endStream);
    if (obstacle === null) addVary(headers);
    if (endStream) return false;
    if (!statusHeader) {
      const isLong = obstacle !== 'ContentLengthTooSmall';
      return isLong && this.#isChosen(headers) && obstacle === null;
    }
    if (obstacle === null) return this.#isChosen(headers);
    if (!this.#isUntouchable(head)) this.#report(headers, obstacle);
    return false;
  }

  /** The first in Envoy's order. */
  #obstacle(head: ResponseHead): Obstacle {
    const { response } = this.#runtime.config;
    const { headers } = head;
    if (!isLongEnough(response, headers)) return 'ContentLengthTooSmall';
    if (!hasAllowedType(response, headers)) return 'ContentTypeNotAllowed';
    if (this.#isTunnel(head) || forbidsTransform(headers)) return 'Untouchable';
    const forbidsEtag = response.disableOnEtag && !response.weakenEtag;
    if (forbidsEtag && headers.getByName('etag') !== null) return 'EtagNotAllowed';
    if (response.uncompressibleCodes.has(head.status)) return 'StatusCodeNotAllowed';
    return isCoded(headers) ? 'Untouchable' : null;
  }

  #countObstacle(obstacle: Obstacle, endStream: boolean): void {
    const { config, stats } = this.#runtime;
    if (obstacle === 'ContentLengthTooSmall') stats.response.contentLengthTooSmall.inc();
    // As Envoy: where the client is told why, only what has content is looked at.
    const isLookedAt = !endStream || !config.response.statusHeader;
    if (obstacle === 'EtagNotAllowed' && isLookedAt) stats.notCompressedEtag.inc();
  }

  /** Nobody is told why: it is not this filter's configuration that decides. */
  #isUntouchable(head: ResponseHead): boolean {
    return this.#isTunnel(head) || forbidsTransform(head.headers) || isCoded(head.headers);
  }

  /** True when the client wants this coding, and no other compressor's more. */
  #isChosen(headers: HeaderList): boolean {
    const { config, stats } = this.#runtime;
    if (this.#acceptEncoding === null) {
      stats.noAcceptHeader.inc();
      return false;
    }
    const { info } = this.#callbacks;
    const { coding, verdict } = encodingChoice(info, this.#acceptEncoding, mediaType(headers));
    const isOurs = coding === config.library.coding;
    if (verdict === 'compressor') (isOurs ? stats.used : stats.overshadowed).inc();
    else if (verdict === 'identity') stats.identity.inc();
    else if (verdict === 'wildcard') stats.wildcard.inc();
    else stats.notValid.inc();
    return isOurs;
  }

  #isTunnel(head: ResponseHead): boolean {
    const { request } = this.#callbacks;
    return request !== null && agreesToTunnel(tunnelKind(request), head.status);
  }

  #report(headers: HeaderList, what: string): void {
    headers.add(STATUS_HEADER, `${this.#runtime.config.library.coding};${what}`);
  }
}
