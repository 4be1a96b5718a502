// config.core.v3.Http2ProtocolOptions, as both sides of the proxy use it.
import type {
  Http2ProtocolOptions,
  KeepaliveSettings,
} from '../../api/gen/envoy/config/core/v3/protocol_pb.js';
import {
  DEFAULT_H2_PROTOCOL_OPTIONS as DEFAULTS,
  type H2KeepaliveOptions,
  type H2ProtocolOptions,
} from '../../http/h2/options.ts';
import type { CompileContext } from '../../model/extension.ts';
import { durationMs, refuseTrue } from './field-values.ts';
import { compileCustomSettings } from './http2-settings.ts';

/** Envoy core.v3.KeepaliveSettings.interval_jitter: spreads the PINGs of many connections. */
const DEFAULT_INTERVAL_JITTER_PERCENT = 15;

/** What surrounds the message. */
export interface Http2OptionsPlace {
  /**
   * HttpConnectionManager.stream_error_on_invalid_http_message: holds where the options themselves
   * say nothing, and wins over their deprecated stream_error_on_invalid_http_messaging.
   */
  readonly streamError: boolean | undefined;
  /** The limit of a whole head that the author set or that holds; null: none that Envoy compares. */
  readonly maxHeadKib: { readonly field: string; readonly value: number } | null;
}

/** Compiled Http2ProtocolOptions; Envoy's defaults for an absent message. */
export function compileHttp2Options(
  message: Http2ProtocolOptions | undefined,
  place: Http2OptionsPlace,
  context: CompileContext,
): H2ProtocolOptions {
  if (message === undefined) {
    if (place.streamError !== true) return DEFAULTS;
    return { ...DEFAULTS, streamErrorOnInvalidHttpMessage: place.streamError ?? false };
  }
  refuseUnsupported(message, place, context);
  const custom = compileCustomSettings(message, context);
  return {
    ...windowFields(message, custom.named),
    allowConnect: message.allowConnect,
    ...floodFields(message),
    streamErrorOnInvalidHttpMessage:
      message.overrideStreamErrorOnInvalidHttpMessage ??
      place.streamError ??
      message.streamErrorOnInvalidHttpMessaging,
    keepalive: compileKeepalive(message.connectionKeepalive, context.at('connection_keepalive')),
    customSettings: custom.others,
  };
}

type WindowFields = Pick<
  H2ProtocolOptions,
  | 'hpackTableSize'
  | 'maxConcurrentStreams'
  | 'initialStreamWindowSize'
  | 'initialConnectionWindowSize'
>;

/** A custom parameter stands in for the named field of the same meaning; both at once are refused. */
function windowFields(message: Http2ProtocolOptions, custom: Partial<WindowFields>): WindowFields {
  return {
    hpackTableSize: message.hpackTableSize ?? custom.hpackTableSize ?? DEFAULTS.hpackTableSize,
    maxConcurrentStreams:
      message.maxConcurrentStreams ?? custom.maxConcurrentStreams ?? DEFAULTS.maxConcurrentStreams,
    initialStreamWindowSize:
      message.initialStreamWindowSize ??
      custom.initialStreamWindowSize ??
      DEFAULTS.initialStreamWindowSize,
    initialConnectionWindowSize:
      message.initialConnectionWindowSize ?? DEFAULTS.initialConnectionWindowSize,
  };
}

type FloodFields = Pick<
  H2ProtocolOptions,
  | 'maxOutboundFrames'
  | 'maxOutboundControlFrames'
  | 'maxConsecutiveInboundFramesWithEmptyPayload'
  | 'maxInboundPriorityFramesPerStream'
  | 'maxInboundWindowUpdateFramesPerDataFrameSent'
  | 'streamResetBurst'
  | 'streamResetRate'
>;

function floodFields(message: Http2ProtocolOptions): FloodFields {
  return {
    maxOutboundFrames: message.maxOutboundFrames ?? DEFAULTS.maxOutboundFrames,
    maxOutboundControlFrames: message.maxOutboundControlFrames ?? DEFAULTS.maxOutboundControlFrames,
    maxConsecutiveInboundFramesWithEmptyPayload:
      message.maxConsecutiveInboundFramesWithEmptyPayload ??
      DEFAULTS.maxConsecutiveInboundFramesWithEmptyPayload,
    maxInboundPriorityFramesPerStream:
      message.maxInboundPriorityFramesPerStream ?? DEFAULTS.maxInboundPriorityFramesPerStream,
    maxInboundWindowUpdateFramesPerDataFrameSent:
      message.maxInboundWindowUpdateFramesPerDataFrameSent ??
      DEFAULTS.maxInboundWindowUpdateFramesPerDataFrameSent,
    streamResetBurst: Number(message.streamResetBurst ?? DEFAULTS.streamResetBurst),
    streamResetRate: Number(message.streamResetRate ?? DEFAULTS.streamResetRate),
  };
}

function compileKeepalive(
  message: KeepaliveSettings | undefined,
  context: CompileContext,
): H2KeepaliveOptions | null {
  if (message === undefined) return null;
  const read = (path: string, value: KeepaliveSettings['interval']): number =>
    durationMs(context, { path, value }, 0);
  return {
    intervalMs: read('interval', message.interval),
    timeoutMs: read('timeout', message.timeout),
    intervalJitterPercent: message.intervalJitter?.value ?? DEFAULT_INTERVAL_JITTER_PERCENT,
    connectionIdleIntervalMs: read('connection_idle_interval', message.connectionIdleInterval),
  };
}

function refuseUnsupported(
  message: Http2ProtocolOptions,
  { maxHeadKib }: Http2OptionsPlace,
  context: CompileContext,
): void {
  refuseTrue(context, 'disallow_obs_text', message.disallowObsText);
  const field = message.maxHeaderFieldSizeKb;
  if (field !== undefined && maxHeadKib !== null && field > maxHeadKib.value) {
    const reason = `max_header_field_size_kb must not exceed ${maxHeadKib.field}`;
    context.reject('max_header_field_size_kb', `${reason}, which is ${maxHeadKib.value}`);
  }
}
