// Sockets with options that Node cannot set: made by socket(2), given their options, and handed to
// Node before they are bound or connected.
import { closeSync } from 'node:fs';
import { Socket, type SocketConstructorOpts } from 'node:net';
import type { SocketOptionConfig } from '../model/socket-option.ts';
import { IP_TRANSPARENT, IPV6_TRANSPARENT, socketOptions } from './socket-options.ts';

/** A socket that may be connected; a text says why there is none. */
export function preparedSocket(
  ip: string,
  wanted: readonly SocketOptionConfig[],
  options: SocketConstructorOpts,
): Socket | string {
  const system = socketOptions();
  if (typeof system === 'string') return `cannot set socket options: ${system}`;
  const family = ip.includes(':') ? 6 : 4;
  const fd = system.open(family);
  if (typeof fd === 'string') return fd;
  for (const option of wanted) {
    if ((option.family ?? family) !== family) continue;
    const error = system.write(fd, option, Buffer.from(option.octets, 'base64'));
    if (error === '') continue;
    closeSync(fd);
    return `cannot set socket option ${option.level}/${option.name}: ${error}${advice(option)}`;
  }
  // Nothing is read before it is connected.
  return new Socket({ ...options, fd, manualStart: true } as SocketConstructorOpts);
}

/** What a container that may not do so lacks. */
function advice({ level, name }: SocketOptionConfig): string {
  return PRIVILEGED.some((option) => option.level === level && option.name === name)
    ? ' (it takes CAP_NET_ADMIN)'
    : '';
}

/** SO_MARK, see socket(7), and both of TPROXY. */
const PRIVILEGED = [{ level: 1, name: 36 }, IP_TRANSPARENT, IPV6_TRANSPARENT];
