// The substitution formatter's surface: command operators over one exchange, compiled once.
// It serves access logs, header values and local replies.
import type { HeaderList } from '../http/header-list.ts';
import type { RequestHead, ResponseHead } from '../http/message.ts';
import type { NamespacedMetadata, StreamInfo } from '../http/stream-info.ts';

/** When a log line is written, with Envoy's names for `%ACCESS_LOG_TYPE%`. */
export type AccessLogType =
  | 'NotSet'
  | 'TcpUpstreamConnected'
  | 'TcpPeriodic'
  | 'TcpConnectionEnd'
  | 'DownstreamStart'
  | 'DownstreamPeriodic'
  | 'DownstreamEnd'
  | 'UpstreamPoolReady'
  | 'UpstreamPeriodic'
  | 'UpstreamEnd'
  | 'DownstreamTunnelSuccessfullyEstablished';

/** A matched route as operators see it. */
export interface RouteFacts {
  readonly config: { readonly metadata: NamespacedMetadata };
  readonly virtualHost: { readonly metadata: NamespacedMetadata };
}

/** What operators read. A missing message is null. */
export interface FormatContext {
  readonly info: StreamInfo;
  readonly request: RequestHead | null;
  readonly response: ResponseHead | null;
  readonly responseTrailers: HeaderList | null;
  /** null or absent: none was matched, or there are no routes. */
  readonly route?: RouteFacts | null;
  readonly logType: AccessLogType;
  /** The body, as a byte string, of a reply that is being made; '' at any other time. */
  readonly localReplyBody: string;
  /** Wall-clock ms now, for `%EMIT_TIME%` and log durations. */
  readonly wallMs: number;
}

/** A compiled format string or JSON format. */
export interface Formatter {
  format(context: FormatContext): string;
}

/** Decides whether a line is written. */
export interface AccessLogFilter {
  accepts(context: FormatContext): boolean;
}
