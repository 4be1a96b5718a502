// The route of a stream and what it says about the stream as a whole: its times and how much of it may
// be held. A filter that changes the request has it routed anew.
import { HeaderList } from '../../../http/header-list.ts';
import type { RequestHead } from '../../../http/message.ts';
import type { StreamInfo } from '../../../http/stream-info.ts';
import type { ForwardActionConfig, StreamDurationConfig } from '../../../model/route.ts';
import { bufferLimitOf } from '../../../routing/buffer-limit.ts';
import { httpsLocation } from '../../../routing/redirect.ts';
import type { Route } from '../../../routing/route-table.ts';
import type { LocalReply } from '../../http-filter.ts';
import type { HcmRuntime } from './hcm-runtime.ts';
import { emptyReply } from './local-reply.ts';
import type { Refusal } from './refusal.ts';
import type { RoutesInUse } from './routes-in-use.ts';
import { boundStream } from './stream-duration.ts';
import { timeoutReply } from './stream-timers.ts';

/** A stream that is being routed. */
export interface RoutedStream {
  readonly runtime: HcmRuntime;
  /** Those of the moment at which the stream began. */
  readonly routes: RoutesInUse;
  readonly info: StreamInfo;
  /** null: none matches. */
  route: Route | null;
  streamRandom: number;
  readonly isRequestComplete: boolean;
  readonly bufferLimitBytes: number;
  /** 0: off. */
  readonly idleTimeoutMs: number;
  setBufferLimit(bytes: number): void;
  setIdleTimeout(timeoutMs: number): void;
  setDuration(limitMs: number | null): void;
}

/** Finds the route and does what it asks; not null: the request goes no further. */
export function routeRequest(stream: RoutedStream, head: RequestHead): Refusal | null {
  const { info } = stream;
  const lookup = stream.routes.table.match(head, stream);
  stream.route = lookup.kind === 'route' ? lookup.route : null;
  info.routeResolutions += 1;
  info.routeName = stream.route?.config.name ?? '';
  if (lookup.kind === 'tls-required') return redirectToTls(head);
  if (stream.route === null) return null;
  raiseBufferLimit(stream, stream.route);
  const { action } = stream.route.config;
  return action.kind === 'forward' ? applyTimes(stream, head, action) : null;
}

function redirectToTls(head: RequestHead): Refusal {
  const reply: LocalReply = {
    ...emptyReply(301, 'direct_response'),
    headers: HeaderList.of('location', httpsLocation(head)),
  };
  return { reply, closesConnection: false };
}

/** Envoy: a route lets filters hold more than its listener does, and never less. */
function raiseBufferLimit(stream: RoutedStream, route: Route): void {
  const limitBytes = bufferLimitOf(route);
  if (limitBytes !== null && limitBytes > stream.bufferLimitBytes) {
    stream.setBufferLimit(limitBytes);
  }
}

function applyTimes(
  stream: RoutedStream,
  head: RequestHead,
  { idleTimeoutMs, streamDuration }: ForwardActionConfig,
): Refusal | null {
  const idleMs = idleTimeoutMs ?? stream.runtime.config.streamIdleTimeoutMs;
  if (idleMs !== stream.idleTimeoutMs) stream.setIdleTimeout(idleMs);
  return streamDuration?.bounds === 'stream' ? boundByRoute(stream, head, streamDuration) : null;
}

/** A call whose deadline leaves no time need not be sent. */
function boundByRoute(
  stream: RoutedStream,
  head: RequestHead,
  duration: StreamDurationConfig,
): Refusal | null {
  const { runtime, isRequestComplete } = stream;
  const limitMs = boundStream(head, duration, runtime.config.maxStreamDurationMs);
  if (limitMs !== 0) {
    stream.setDuration(limitMs);
    return null;
  }
  const reply = timeoutReply('duration', runtime.stats, isRequestComplete);
  return { reply, closesConnection: !isRequestComplete };
}
