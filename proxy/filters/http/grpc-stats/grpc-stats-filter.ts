// Counts one gRPC call. It changes nothing and holds nothing back.
import { hasGrpcType, isGrpcResponse } from '../../../http/grpc.ts';
import { GrpcFrameScanner } from '../../../http/grpc-frames.ts';
import type { HeaderList } from '../../../http/header-list.ts';
import { HEADER_ID } from '../../../http/header-names.ts';
import type { RequestHead, ResponseHead } from '../../../http/message.ts';
import type { GrpcCallStats } from '../../../upstream/cluster-grpc-stats.ts';
import {
  CONTINUE,
  type FilterStatus,
  type HttpFilter,
  type HttpFilterCallbacks,
} from '../../http-filter.ts';
import { clusterOfRoute } from '../route-cluster.ts';
import { GRPC_STATS_STATE, MessageCounts } from './message-counts.ts';
import { type GrpcStatsConfig, selectStats } from './method-selection.ts';

const GRPC_STATUS = HEADER_ID['grpc-status'];

/** One per stream. */
export class GrpcStatsFilter implements HttpFilter {
  readonly #config: GrpcStatsConfig;
  readonly #callbacks: HttpFilterCallbacks;
  /** null: not gRPC, or going nowhere. */
  #stats: GrpcCallStats | null = null;
  /** null: that direction is not gRPC. */
  #requests: GrpcFrameScanner | null = null;
  #responses: GrpcFrameScanner | null = null;
  #counts: MessageCounts | null = null;

  constructor(config: GrpcStatsConfig, callbacks: HttpFilterCallbacks) {
    this.#config = config;
    this.#callbacks = callbacks;
  }

  onRequestHead(head: RequestHead): FilterStatus {
    if (!hasGrpcType(head.headers)) return CONTINUE;
    this.#requests = new GrpcFrameScanner();
    const cluster = clusterOfRoute(this.#callbacks, head);
    if (cluster !== null) {
      this.#stats = selectStats(this.#config.methods, cluster.stats.grpc, head.path);
    }
    return CONTINUE;
  }

  onRequestData(data: Buffer): FilterStatus {
    const begun = this.#requests?.count(data) ?? 0;
    if (begun === 0) return CONTINUE;
    this.#noteCounts();
    this.#stats?.chargeRequestMessages(begun);
    return CONTINUE;
  }

  onResponseHead(head: ResponseHead, endStream: boolean): FilterStatus {
    if (isGrpcResponse(head, endStream)) this.#responses = new GrpcFrameScanner();
    this.#chargeStatus(head.headers);
    if (endStream) this.#chargeTime();
    return CONTINUE;
  }

  onResponseData(data: Buffer): FilterStatus {
    const begun = this.#responses?.count(data) ?? 0;
    if (begun === 0) return CONTINUE;
    this.#noteCounts();
    this.#stats?.chargeResponseMessages(begun);
    return CONTINUE;
  }

  onResponseTrailers(trailers: HeaderList): FilterStatus {
    this.#chargeStatus(trailers);
    this.#chargeTime();
    return CONTINUE;
  }

  #chargeStatus(fields: HeaderList): void {
    if (this.#stats === null || !fields.mayHave(GRPC_STATUS)) return;
    const status = fields.get(GRPC_STATUS);
    if (status !== null) this.#stats.chargeStatus(status);
  }

  /** From the last octet sent upstream to the last one of its response. */
  #chargeTime(): void {
    if (this.#stats === null || !this.#config.recordsUpstreamTime) return;
    const { lastUpstreamTxByteMs, lastUpstreamRxByteMs } = this.#callbacks.info;
    if (lastUpstreamTxByteMs < 0 || lastUpstreamRxByteMs < 0) return;
    this.#stats.recordTime(Math.floor(lastUpstreamRxByteMs - lastUpstreamTxByteMs));
  }

  #noteCounts(): void {
    if (!this.#config.emitsFilterState) return;
    if (this.#counts === null) {
      const { info } = this.#callbacks;
      this.#counts = new MessageCounts();
      info.filterState ??= new Map();
      info.filterState.set(GRPC_STATS_STATE, this.#counts);
    }
    this.#counts.requests = this.#requests?.begun ?? 0;
    this.#counts.responses = this.#responses?.begun ?? 0;
  }
}
