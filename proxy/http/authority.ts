// Checks `uri-host [":" port]` (RFC 9110 §7.2, RFC 3986 §3.2.2), the one form in which a host may
// come: in Host, in absolute-form and in authority-form.
import { COLON, HEX, REG_NAME } from './char-tables.ts';

const PERCENT = 0x25;
const LEFT_BRACKET = 0x5b;
const RIGHT_BRACKET = 0x5d;
const MAX_PORT = 65535;
const MAX_PORT_DIGITS = 5;

/** True when `buffer[start, end)` is a non-empty host with an optional port from 0 to 65535. */
export function isAuthority(buffer: Buffer, start: number, end: number): boolean {
  const hostEnd = endOfHost(buffer, start, end);
  if (hostEnd <= start) return false;
  return hostEnd === end || isPort(buffer, hostEnd, end);
}

/** True when the authority `buffer[start, end)`, known to be valid, names a port. */
export function hasPort(buffer: Buffer, start: number, end: number): boolean {
  return endOfHost(buffer, start, end) !== end;
}

/** Offset behind the host; -1 when there is none. */
function endOfHost(buffer: Buffer, start: number, end: number): number {
  if (buffer[start] === LEFT_BRACKET) return endOfIpLiteral(buffer, start + 1, end);
  let at = start;
  while (at < end) {
    const byte = buffer[at]!;
    if (REG_NAME[byte] === 1) at += 1;
    else if (byte === PERCENT && isEncodedOctet(buffer, at, end)) at += 3;
    else break;
  }
  return at;
}

function isEncodedOctet(buffer: Buffer, at: number, end: number): boolean {
  return at + 2 < end && HEX[buffer[at + 1]!] !== 0 && HEX[buffer[at + 2]!] !== 0;
}

/** IPv6 in brackets; RFC 3986's IPvFuture has no registered use and is refused. */
function endOfIpLiteral(buffer: Buffer, start: number, end: number): number {
  let colons = 0;
  for (let at = start; at < end; at += 1) {
    const byte = buffer[at]!;
    if (byte === COLON) colons += 1;
    else if (byte === RIGHT_BRACKET) return colons >= 2 ? at + 1 : -1;
    else if (HEX[byte] === 0 && byte !== 0x2e) return -1;
  }
  return -1;
}

function isPort(buffer: Buffer, colonAt: number, end: number): boolean {
  const digits = end - colonAt - 1;
  if (buffer[colonAt] !== COLON || digits === 0 || digits > MAX_PORT_DIGITS) return false;
  let port = 0;
  for (let at = colonAt + 1; at < end; at += 1) {
    const digit = buffer[at]! - 0x30;
    if (digit < 0 || digit > 9) return false;
    port = port * 10 + digit;
  }
  return port <= MAX_PORT;
}
