// The timers of a connection manager, with Envoy's defaults; 0 switches a timer off.
import type { HttpConnectionManager } from '../../api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import type { HttpConnectionManagerConfig } from '../../model/http-connection-manager.ts';
import { durationMs } from './field-values.ts';
import { DEFAULT_IDLE_TIMEOUT_MS } from './http1-options.ts';

/** Envoy HttpConnectionManager.stream_idle_timeout. Shorter cuts long polls, longer keeps dead peers. */
export const DEFAULT_STREAM_IDLE_TIMEOUT_MS = 300_000;
/**
 * For an unset HttpConnectionManager.request_headers_timeout. Envoy has none, so that a client that
 * sends a head byte by byte may hold a connection for the stream idle timeout; 0 asks for that.
 */
export const DEFAULT_REQUEST_HEADERS_TIMEOUT_MS = 10_000;
/** Envoy HttpConnectionManager.drain_timeout. Shorter loses requests on their way to us. */
export const DEFAULT_DRAIN_TIMEOUT_MS = 5000;
/** Envoy HttpConnectionManager.delayed_close_timeout. Shorter may reset what the client still reads. */
export const DEFAULT_DELAYED_CLOSE_TIMEOUT_MS = 1000;

/** The names of the model's timers. */
type TimerFields = Pick<
  HttpConnectionManagerConfig,
  | 'idleTimeoutMs'
  | 'maxConnectionDurationMs'
  | 'maxStreamDurationMs'
  | 'streamIdleTimeoutMs'
  | 'streamFlushTimeoutMs'
  | 'requestTimeoutMs'
  | 'requestHeadersTimeoutMs'
  | 'drainTimeoutMs'
  | 'delayedCloseTimeoutMs'
>;

type Field = HttpConnectionManager['drainTimeout'];

/** Compiles every duration of a connection manager. */
export function compileTimers(
  message: HttpConnectionManager,
  context: CompileContext,
): TimerFields {
  const read = (path: string, value: Field, absentMs: number): number =>
    durationMs(context, { path, value }, absentMs);
  const { streamIdleTimeout, requestHeadersTimeout, delayedCloseTimeout } = message;
  const streamIdleTimeoutMs = read(
    'stream_idle_timeout',
    streamIdleTimeout,
    DEFAULT_STREAM_IDLE_TIMEOUT_MS,
  );
  return {
    ...compileCommonTimers(message, context.at('common_http_protocol_options')),
    streamIdleTimeoutMs,
    streamFlushTimeoutMs: read(
      'stream_flush_timeout',
      message.streamFlushTimeout,
      streamIdleTimeoutMs,
    ),
    requestTimeoutMs: read('request_timeout', message.requestTimeout, 0),
    requestHeadersTimeoutMs: read(
      'request_headers_timeout',
      requestHeadersTimeout,
      DEFAULT_REQUEST_HEADERS_TIMEOUT_MS,
    ),
    drainTimeoutMs: read('drain_timeout', message.drainTimeout, DEFAULT_DRAIN_TIMEOUT_MS),
    delayedCloseTimeoutMs: read(
      'delayed_close_timeout',
      delayedCloseTimeout,
      DEFAULT_DELAYED_CLOSE_TIMEOUT_MS,
    ),
  };
}

function compileCommonTimers(
  { commonHttpProtocolOptions: common }: HttpConnectionManager,
  context: CompileContext,
): Pick<TimerFields, 'idleTimeoutMs' | 'maxConnectionDurationMs' | 'maxStreamDurationMs'> {
  const read = (path: string, value: Field, absentMs: number): number =>
    durationMs(context, { path, value }, absentMs);
  return {
    idleTimeoutMs: read('idle_timeout', common?.idleTimeout, DEFAULT_IDLE_TIMEOUT_MS),
    maxConnectionDurationMs: read('max_connection_duration', common?.maxConnectionDuration, 0),
    maxStreamDurationMs: read('max_stream_duration', common?.maxStreamDuration, 0),
  };
}
