// Durations between two moments of an exchange.
import type { StreamInfo } from '../../http/stream-info.ts';
import { elapsedMs } from '../elapsed.ts';
import {
  bare,
  type Operator,
  type OperatorArguments,
  type OperatorDefinition,
  type OperatorTable,
} from '../operator.ts';

/** Monotonic ms of a moment, below 0 while it has not come. */
type TimePoint = (info: StreamInfo) => number;

const START: TimePoint = (info) => info.startMs;
const LAST_RESPONSE_BYTE: TimePoint = (info) => info.lastResponseByteMs;
const NEVER: TimePoint = () => -1;

/** Names of moments in %COMMON_DURATION(START:END:PRECISION)%. */
const TIME_POINTS: Readonly<Record<string, TimePoint>> = {
  DS_RX_BEG: START,
  DS_RX_END: (info) => info.lastRequestByteMs,
  US_CX_BEG: (info) => info.upstreamConnectStartMs,
  US_CX_END: (info) => info.upstreamConnectEndMs,
  US_HS_END: NEVER,
  US_TX_BEG: (info) => info.firstUpstreamTxByteMs,
  US_TX_END: (info) => info.lastUpstreamTxByteMs,
  US_RX_BEG: (info) => info.firstUpstreamRxByteMs,
  US_RX_BODY_BEG: NEVER,
  US_RX_END: (info) => info.lastUpstreamRxByteMs,
  DS_TX_BEG: (info) => info.firstResponseByteMs,
  DS_TX_END: LAST_RESPONSE_BYTE,
};

/** Half a nanosecond or so: what a difference of two large floating-point times may lack. */
const CLOCK_GRAIN_MS = 1e-7;
const UNITS_PER_MS: Readonly<Record<string, number>> = { ms: 1, us: 1000, ns: 1_000_000 };

/** Operators that print durations. */
export const DURATION_OPERATORS: OperatorTable = {
  DURATION: bare(elapsedMs),
  REQUEST_DURATION: between(START, (info) => info.lastRequestByteMs),
  REQUEST_TX_DURATION: between(START, (info) => info.lastUpstreamTxByteMs),
  RESPONSE_DURATION: between(START, (info) => info.firstUpstreamRxByteMs),
  RESPONSE_TX_DURATION: between((info) => info.firstUpstreamRxByteMs, LAST_RESPONSE_BYTE),
  // The acknowledgement of the last byte is seen only on QUIC.
  ROUNDTRIP_DURATION: bare(() => null),
  DOWNSTREAM_HANDSHAKE_DURATION: bare(() => null),
  UPSTREAM_CONNECTION_POOL_READY_DURATION: bare(({ info }) =>
    info.upstreamPoolReadyDurationMs < 0 ? null : Math.floor(info.upstreamPoolReadyDurationMs),
  ),
  COMMON_DURATION: { syntax: 'required', takesLength: false, make: makeCommonDuration },
};

function between(from: TimePoint, to: TimePoint): OperatorDefinition {
  return bare(({ info }) => elapsed(from(info), to(info), 1));
}

/** null unless both moments have come, in this order. */
function elapsed(from: number, to: number, unitsPerMs: number): number | null {
  if (from < 0 || to < 0 || to < from) return null;
  return Math.floor((to - from + CLOCK_GRAIN_MS) * unitsPerMs);
}

function makeCommonDuration({
  argument,
}: OperatorArguments): Operator | { readonly error: string } {
  const [start, end, precision = 'ms', ...more] = argument.split(':');
  if (start === undefined || end === undefined || more.length > 0) {
    return { error: `Invalid common duration configuration: ${argument}.` };
  }
  if (!Object.hasOwn(UNITS_PER_MS, precision)) {
    return { error: `Invalid common duration precision: ${precision}.` };
  }
  const unitsPerMs = UNITS_PER_MS[precision] as number;
  const from = timePoint(start);
  const to = timePoint(end);
  return ({ info }) => elapsed(from(info), to(info), unitsPerMs);
}

/** Other names are moments that filters define; none does, so they have never come. */
function timePoint(name: string): TimePoint {
  return Object.hasOwn(TIME_POINTS, name) ? (TIME_POINTS[name] as TimePoint) : NEVER;
}
