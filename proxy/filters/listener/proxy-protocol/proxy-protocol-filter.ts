// One connection's PROXY header: recognised, counted, taken off.
import {
  type CandidateConnection,
  DONE,
  type ListenerFilter,
  type ListenerFilterStatus,
  REFUSE,
  WAIT,
} from '../../listener-filter.ts';
import type { ProxyProtocolOptions } from './options.ts';
import {
  INCOMPLETE,
  MALFORMED,
  MAX_V1_BYTES,
  type ProxyEnds,
  type ProxyHeader,
  readV1,
  readV2,
  V1_SIGNATURE,
  V2_FIXED_BYTES,
  V2_SIGNATURE,
} from './proxy-header.ts';
import type { ProxyProtocolStats, VersionStats } from './proxy-protocol-stats.ts';
import { readTlvs } from './tlvs.ts';

/** See the file's head. */
export class ProxyProtocolFilter implements ListenerFilter {
  readonly #options: ProxyProtocolOptions;
  readonly #stats: ProxyProtocolStats;

  constructor(options: ProxyProtocolOptions, stats: ProxyProtocolStats) {
    this.#options = options;
    this.#stats = stats;
  }

  inspect(candidate: CandidateConnection, bytes: Buffer, length: number): ListenerFilterStatus {
    if (this.#options.isHeaderOptional && !this.#mayBegin(bytes, length)) {
      this.#stats.notFoundAllowed.inc();
      return DONE;
    }
    if (length >= V2_FIXED_BYTES && begins(bytes, V2_SIGNATURE)) {
      return this.#readVersion2(candidate, bytes, length);
    }
    if (length >= V2_FIXED_BYTES && !begins(bytes, V1_SIGNATURE)) return this.#notFound();
    return this.#readVersion1(candidate, bytes, length);
  }

  /** A header of an allowed version may begin like this. */
  #mayBegin(bytes: Buffer, length: number): boolean {
    const { allowsV1, allowsV2 } = this.#options;
    if (length === 0) return true;
    const v1 = allowsV1 && agrees(bytes, length, V1_SIGNATURE);
    return v1 || (allowsV2 && agrees(bytes, length, V2_SIGNATURE));
  }

  #readVersion2(
    candidate: CandidateConnection,
    bytes: Buffer,
    length: number,
  ): ListenerFilterStatus {
    const stats = this.#stats.v2;
    if (!this.#options.allowsV2) return deny(stats);
    const header = readV2(bytes, length);
    if (header === INCOMPLETE) return WAIT;
    if (header === MALFORMED) return this.#fail(stats);
    const { rules } = this.#options;
    const metadata = candidate.dynamicMetadata ?? new Map();
    if (!readTlvs(header.extensions, rules, metadata)) return this.#fail(stats);
    if (metadata.size > 0) candidate.dynamicMetadata = metadata;
    return accept(candidate, header, stats);
  }

  #readVersion1(
    candidate: CandidateConnection,
    bytes: Buffer,
    length: number,
  ): ListenerFilterStatus {
    const stats = this.#stats.v1;
    const header = readV1(bytes, length);
    if (header === INCOMPLETE) return length < MAX_V1_BYTES ? WAIT : this.#notFound();
    if (!this.#options.allowsV1) return deny(stats);
    if (header === MALFORMED) return this.#fail(stats);
    return accept(candidate, header, stats);
  }

  #notFound(): typeof REFUSE {
    this.#stats.notFoundDisallowed.inc();
    this.#stats.legacyError.inc();
    return REFUSE;
  }

  #fail(stats: VersionStats): typeof REFUSE {
    stats.error.inc();
    this.#stats.legacyError.inc();
    return REFUSE;
  }
}

/** Envoy counts it as found as well. */
function deny(stats: VersionStats): typeof REFUSE {
  stats.found.inc();
  stats.disallowed.inc();
  return REFUSE;
}

function accept(
  candidate: CandidateConnection,
  header: ProxyHeader,
  stats: VersionStats,
): typeof DONE {
  stats.found.inc();
  candidate.consumedBytes += header.length;
  if (header.ends !== null) restore(candidate, header.ends);
  return DONE;
}

function restore(candidate: CandidateConnection, { source, destination }: ProxyEnds): void {
  candidate.remoteAddress = source;
  if (candidate.localAddress.text === destination.text) return;
  candidate.localAddress = destination;
  candidate.isLocalAddressRestored = true;
}

/** `bytes` are at least as long as `signature`. */
function begins(bytes: Buffer, signature: Buffer): boolean {
  return signature.equals(bytes.subarray(0, signature.length));
}

/** As far as `bytes[0, length)` go, they are the signature. */
function agrees(bytes: Buffer, length: number, signature: Buffer): boolean {
  const size = Math.min(length, signature.length);
  return signature.subarray(0, size).equals(bytes.subarray(0, size));
}
