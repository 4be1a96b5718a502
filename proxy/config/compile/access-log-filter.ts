// config.accesslog.v3.AccessLogFilter: which exchanges get a line.
import {
  type ComparisonFilter,
  type AccessLogFilter as FilterMessage,
  type HeaderFilter,
  type MetadataFilter,
  ComparisonFilter_Op as Op,
  type RuntimeFilter,
} from '../../api/gen/envoy/config/accesslog/v3/accesslog_pb.js';
import { AccessLogType as LogTypeNumber } from '../../api/gen/envoy/data/accesslog/v3/accesslog_pb.js';
import type { AccessLogFilter, AccessLogType } from '../../formatter/formatter.ts';
import {
  andFilter,
  type ComparisonOp,
  durationFilter,
  grpcStatusFilter,
  headerFilter,
  logTypeFilter,
  metadataFilter,
  notHealthCheckFilter,
  orFilter,
  responseFlagFilter,
  runtimeFilter,
  statusCodeFilter,
  traceableFilter,
} from '../../formatter/log-filter.ts';
import { RESPONSE_FLAGS, type ResponseFlag } from '../../http/response-flags.ts';
import type { CompileContext } from '../../model/extension.ts';
import { matchesMetadataValue, metadataAt } from '../../model/match-metadata.ts';
import { matchesHeader } from '../../model/match-value.ts';
import type { Live } from '../../model/runtime.ts';
import { compileCelFilter } from './cel-filter.ts';
import { compileEach } from './compile-each.ts';
import { compileHeaderMatcher } from './header-matcher.ts';
import { liveFraction, liveValue } from './live-value.ts';
import { compileMetadataMatcher } from './metadata-matcher.ts';
import { runtimeFraction, runtimeInteger } from './runtime-values.ts';

/** Short names of all response flags. */
const FLAG_NAMES: ReadonlySet<string> = new Set(RESPONSE_FLAGS.map(([short]) => short));

/** Types of lines about UDP sessions are absent: none is ever written. */
const LOG_TYPES: Readonly<Partial<Record<LogTypeNumber, AccessLogType>>> = {
  [LogTypeNumber.NotSet]: 'NotSet',
  [LogTypeNumber.TcpUpstreamConnected]: 'TcpUpstreamConnected',
  [LogTypeNumber.TcpPeriodic]: 'TcpPeriodic',
  [LogTypeNumber.TcpConnectionEnd]: 'TcpConnectionEnd',
  [LogTypeNumber.DownstreamStart]: 'DownstreamStart',
  [LogTypeNumber.DownstreamPeriodic]: 'DownstreamPeriodic',
  [LogTypeNumber.DownstreamEnd]: 'DownstreamEnd',
  [LogTypeNumber.UpstreamPoolReady]: 'UpstreamPoolReady',
  [LogTypeNumber.UpstreamPeriodic]: 'UpstreamPeriodic',
  [LogTypeNumber.UpstreamEnd]: 'UpstreamEnd',
  [LogTypeNumber.DownstreamTunnelSuccessfullyEstablished]:
    'DownstreamTunnelSuccessfullyEstablished',
};

/** A compiled access-log filter; null and a rejection when it cannot be evaluated as asked. */
export function compileAccessLogFilter(
  message: FilterMessage,
  context: CompileContext,
): AccessLogFilter | null {
  const specifier = message.filterSpecifier;
  switch (specifier.case) {
    case 'statusCodeFilter':
      return comparison(specifier.value.comparison, statusCodeFilter, context);
    case 'durationFilter':
      return comparison(specifier.value.comparison, durationFilter, context);
    case 'notHealthCheckFilter':
      return notHealthCheckFilter();
    case 'traceableFilter':
      return traceableFilter();
    case 'runtimeFilter':
      return compileRuntimeFilter(specifier.value, context);
    case 'andFilter':
      return andFilter(compileAll(specifier.value.filters, context.at('and_filter')));
    case 'orFilter':
      return orFilter(compileAll(specifier.value.filters, context.at('or_filter')));
    case 'headerFilter':
      return compileHeaderFilter(specifier.value, context.at('header_filter'));
    case 'responseFlagFilter':
      return compileFlagFilter(specifier.value.flags, context.at('response_flag_filter'));
    case 'grpcStatusFilter':
      return grpcStatusFilter(specifier.value.statuses, specifier.value.exclude);
    case 'metadataFilter':
      return compileMetadataFilter(specifier.value, context.at('metadata_filter'));
    case 'extensionFilter':
      return compileCelFilter(specifier.value, context.at('extension_filter'));
    case 'logTypeFilter': {
      const types = specifier.value.types.map((type) => LOG_TYPES[type]);
      const written = types.filter((type) => type !== undefined);
      return logTypeFilter(written, specifier.value.exclude);
    }
    default:
      context.reject('', 'filter_specifier is required');
      return null;
  }
}

function comparison(
  message: ComparisonFilter | undefined,
  make: (op: ComparisonOp, limit: Live<number>) => AccessLogFilter,
  context: CompileContext,
): AccessLogFilter {
  const { defaultValue = 0, runtimeKey = '' } = message?.value ?? {};
  const { runtime } = context.environment;
  const limit =
    runtimeKey === ''
      ? { value: defaultValue }
      : liveValue(runtime, () => runtimeInteger(runtime, runtimeKey, defaultValue));
  return make(Op[message?.op ?? Op.EQ] as ComparisonOp, limit);
}

function compileAll(
  filters: readonly FilterMessage[],
  context: CompileContext,
): readonly AccessLogFilter[] {
  return compileEach({ path: 'filters', items: filters }, context, compileAccessLogFilter);
}

function compileRuntimeFilter(message: RuntimeFilter, context: CompileContext): AccessLogFilter {
  const { runtime } = context.environment;
  const { runtimeKey, percentSampled } = message;
  const share = liveFraction(runtime, () => runtimeFraction(runtime, runtimeKey, percentSampled));
  return runtimeFilter(share, message.useIndependentRandomness);
}

function compileHeaderFilter(
  message: HeaderFilter,
  context: CompileContext,
): AccessLogFilter | null {
  if (message.header === undefined) {
    context.reject('header', 'is required');
    return null;
  }
  const match = compileHeaderMatcher(message.header, context.at('header'));
  return match === null ? null : headerFilter((request) => matchesHeader(match, request));
}

/** As Envoy: `invert` of the matcher is not looked at here. */
function compileMetadataFilter(
  { matcher, matchIfKeyNotFound }: MetadataFilter,
  context: CompileContext,
): AccessLogFilter | null {
  const acceptsMissing = matchIfKeyNotFound ?? true;
  if (matcher === undefined) {
    return metadataFilter({ find: () => undefined, matches: () => false, acceptsMissing });
  }
  const config = compileMetadataMatcher(matcher, context.at('matcher'));
  if (config === null) return null;
  return metadataFilter({
    find: (metadata) => metadataAt(config, metadata),
    matches: (value) => matchesMetadataValue(config.match, value),
    acceptsMissing,
  });
}

function compileFlagFilter(flags: readonly string[], context: CompileContext): AccessLogFilter {
  flags.forEach((flag, index) => {
    if (FLAG_NAMES.has(flag)) return;
    context.reject(
      `flags[${index}]`,
      `'${flag}' is no response flag: use ${[...FLAG_NAMES].join(', ')}`,
    );
  });
  return responseFlagFilter(flags as readonly ResponseFlag[]);
}
