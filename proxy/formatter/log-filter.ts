// Access-log filters: which exchanges get a line. Built once from config.accesslog.v3.AccessLogFilter,
// asked once a line.

import type { Fraction } from '../base/random.ts';
import { GRPC_STATUS } from '../http/grpc.ts';
import { HeaderList } from '../http/header-list.ts';
import { HEADER_ID } from '../http/header-names.ts';
import { RequestHead } from '../http/message.ts';
import type { ResponseFlag } from '../http/response-flags.ts';
import type { StreamInfo } from '../http/stream-info.ts';
import { elapsedMs } from './elapsed.ts';
import type { AccessLogFilter, AccessLogType, FormatContext } from './formatter.ts';
import { grpcStatusOf } from './grpc-status.ts';

/** config.accesslog.v3.ComparisonFilter.Op */
export type ComparisonOp = 'EQ' | 'GE' | 'LE' | 'NE';

/** Hex digits of a request id that decide whether it is in the sample. */
const SAMPLED_DIGITS = 8;

/** A number that may change between lines. */
interface LiveNumber {
  readonly value: number;
}

/** status_code_filter; a missing response counts as 0. */
export function statusCodeFilter(op: ComparisonOp, status: LiveNumber): AccessLogFilter {
  return { accepts: ({ info }) => compare(op, info.responseCode, status.value) };
}

/** duration_filter: whole milliseconds from the first byte in to the end, or to now. */
export function durationFilter(op: ComparisonOp, limitMs: LiveNumber): AccessLogFilter {
  return { accepts: (context) => compare(op, elapsedMs(context), limitMs.value) };
}

/** not_health_check_filter */
export function notHealthCheckFilter(): AccessLogFilter {
  return { accepts: ({ info }) => !info.isHealthCheck };
}

/** traceable_filter: nothing is traced as long as no tracer exists, so nothing is accepted. */
export function traceableFilter(): AccessLogFilter {
  return { accepts: () => false };
}

/** header_filter; an exchange without a complete request head has no field. */
export function headerFilter(matches: (request: RequestHead) => boolean): AccessLogFilter {
  const target = { path: '', authority: '', scheme: '' };
  const nothing = new RequestHead('HTTP/1.1', '', target, HeaderList.empty());
  return { accepts: ({ request }) => matches(request ?? nothing) };
}

/**
 * runtime_filter: that share of all exchanges, read for each. The first digits of a request id
 * that is a UUID decide, so that proxies along a path agree; else the stream's random number.
 */
export function runtimeFilter(share: Fraction, useIndependentRandomness: boolean): AccessLogFilter {
  return {
    accepts: (context) => {
      const fromId = useIndependentRandomness ? null : requestIdNumber(context);
      return (fromId ?? context.info.streamRandom) % share.denominator < share.numerator;
    },
  };
}

/** response_flag_filter: any of these flags; an empty list accepts every flagged exchange. */
export function responseFlagFilter(flags: readonly ResponseFlag[]): AccessLogFilter {
  return {
    accepts: ({ info }) => {
      if (info.flags === null) return false;
      return flags.length === 0 || info.flags.some((flag) => flags.includes(flag));
    },
  };
}

/** grpc_status_filter: statuses by number; `exclude` turns the answer around. */
export function grpcStatusFilter(statuses: readonly number[], exclude: boolean): AccessLogFilter {
  return {
    accepts: (context) => {
      const status = grpcStatusOf(context) ?? GRPC_STATUS.unknown;
      return statuses.includes(status) !== exclude;
    },
  };
}

/** log_type_filter; `exclude` turns the answer around. */
export function logTypeFilter(types: readonly AccessLogType[], exclude: boolean): AccessLogFilter {
  return { accepts: ({ logType }) => types.includes(logType) !== exclude };
}

/**
 * metadata_filter: what `find` finds in the dynamic metadata has to match; undefined stands for
 * «nothing there», which is answered with `acceptsMissing`.
 */
export function metadataFilter(options: {
  readonly find: (metadata: StreamInfo['dynamicMetadata']) => unknown;
  readonly matches: (value: unknown) => boolean;
  readonly acceptsMissing: boolean;
}): AccessLogFilter {
  const { find, matches, acceptsMissing } = options;
  return {
    accepts: ({ info }) => {
      const value = find(info.dynamicMetadata);
      return value === undefined ? acceptsMissing : matches(value);
    },
  };
}

/** and_filter */
export function andFilter(filters: readonly AccessLogFilter[]): AccessLogFilter {
  return { accepts: (context) => filters.every((filter) => filter.accepts(context)) };
}

/** or_filter */
export function orFilter(filters: readonly AccessLogFilter[]): AccessLogFilter {
  return { accepts: (context) => filters.some((filter) => filter.accepts(context)) };
}

function requestIdNumber(context: FormatContext): number | null {
  const id = context.request?.headers.get(HEADER_ID['x-request-id']) ?? '';
  const digits = id.slice(0, SAMPLED_DIGITS);
  return /^[0-9a-fA-F]{8}$/.test(digits) ? Number.parseInt(digits, 16) : null;
}

function compare(op: ComparisonOp, left: number, right: number): boolean {
  switch (op) {
    case 'EQ':
      return left === right;
    case 'GE':
      return left >= right;
    case 'LE':
      return left <= right;
    case 'NE':
      return left !== right;
  }
}
