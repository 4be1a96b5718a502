// When keep-alive probes are sent, and how many, tcp(7). Node sets only when the first is sent, and of
// its own accord one a second from then on, ten in all.
import type { TcpKeepaliveConfig } from '../model/listener.ts';
import type { SocketOptionConfig } from '../model/socket-option.ts';
import { optionInt, type SocketOption, socketOptions } from './socket-options.ts';

const SO_KEEPALIVE: SocketOption = { level: 1, name: 9 };
const TCP_KEEPIDLE: SocketOption = { level: 6, name: 4 };
const TCP_KEEPINTVL: SocketOption = { level: 6, name: 5 };
const TCP_KEEPCNT: SocketOption = { level: 6, name: 6 };
const MS_PER_SECOND = 1000;

/** All of keep-alive; none where it is not wanted, or where nobody can set more than Node does. */
export function keepaliveOptions(config: TcpKeepaliveConfig | null): readonly SocketOptionConfig[] {
  if (config === null || typeof socketOptions() === 'string') return [];
  const { probes = null, intervalSeconds = null, idleMs } = config;
  const idleSeconds = idleMs === null ? null : idleMs / MS_PER_SECOND;
  return [
    ...setting(SO_KEEPALIVE, 1),
    ...setting(TCP_KEEPIDLE, idleSeconds),
    ...setting(TCP_KEEPINTVL, intervalSeconds),
    ...setting(TCP_KEEPCNT, probes),
  ];
}

function setting(option: SocketOption, value: number | null): readonly SocketOptionConfig[] {
  return value === null ? [] : [{ ...option, octets: optionInt(value).toString('base64') }];
}
