// config.core.v3.TcpKeepalive.
import type { TcpKeepalive } from '../../api/gen/envoy/config/core/v3/address_pb.js';
import type { TcpKeepaliveConfig } from '../../model/listener.ts';

const MS_PER_SECOND = 1000;

/** null: none is wanted; as in Envoy a 0 in any field says so, too. */
export function compileKeepalive(message: TcpKeepalive | undefined): TcpKeepaliveConfig | null {
  if (message === undefined) return null;
  const { keepaliveTime, keepaliveProbes, keepaliveInterval } = message;
  if (keepaliveTime === 0 || keepaliveProbes === 0 || keepaliveInterval === 0) return null;
  return {
    idleMs: keepaliveTime === undefined ? null : keepaliveTime * MS_PER_SECOND,
    ...(keepaliveProbes !== undefined && { probes: keepaliveProbes }),
    ...(keepaliveInterval !== undefined && { intervalSeconds: keepaliveInterval }),
  };
}
