// Numeric IP addresses as text and octets, without node:net, which rooms free of I/O may not import.

const V4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
const V6_GROUP = /^[0-9a-f]{1,4}$/i;
const V6_OCTETS = 16;

/** The version of a numeric IP address without brackets or zone; 0 when `text` is none. */
export function ipVersion(text: string): 0 | 4 | 6 {
  if (V4.test(text)) return 4;
  return text.includes(':') && parseV6(text) !== null ? 6 : 0;
}

/** 4 or 16 octets; null when `text` is no numeric address without brackets or zone. */
export function parseIp(text: string): number[] | null {
  if (V4.test(text)) return text.split('.').map(Number);
  return text.includes(':') ? parseV6(text) : null;
}

/** The canonical text of 4 or 16 octets: RFC 5952, embedded IPv4 as inet_ntop(3) shows it. */
export function printIp(octets: readonly number[]): string {
  if (octets.length === 4) return octets.join('.');
  const groups: string[] = [];
  for (let index = 0; index + 1 < octets.length; index += 2) {
    groups.push((((octets[index] ?? 0) << 8) | (octets[index + 1] ?? 0)).toString(16));
  }
  const [start, length] = longestZeroRun(groups);
  const isMapped = start === 0 && length === 5 && groups[5] === 'ffff';
  if (isMapped || (start === 0 && length === 6)) {
    return `${isMapped ? '::ffff:' : '::'}${octets.slice(12).join('.')}`;
  }
  if (length < 2) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}

/** True for the addresses that never leave the host. */
export function isLoopbackIp(ip: string): boolean {
  return ip === '::1' || ip.startsWith('127.') || ip.startsWith('::ffff:127.');
}

/** RFC 4291 §2.2: eight groups, one run of zero groups may be `::`, the last two may be IPv4. */
function parseV6(text: string): number[] | null {
  const halves = text.split('::');
  const [before = '', after = ''] = halves;
  if (halves.length === 1) {
    const octets = groupOctets(before, true);
    return octets?.length === V6_OCTETS ? octets : null;
  }
  const head = groupOctets(before, false);
  const tail = groupOctets(after, true);
  if (halves.length > 2 || head === null || tail === null) return null;
  const missing = V6_OCTETS - head.length - tail.length;
  return missing < 2 ? null : [...head, ...new Array<number>(missing).fill(0), ...tail];
}

function groupOctets(text: string, mayEndInV4: boolean): number[] | null {
  const octets: number[] = [];
  if (text === '') return octets;
  const groups = text.split(':');
  for (const [index, group] of groups.entries()) {
    if (V6_GROUP.test(group)) {
      const value = Number.parseInt(group, 16);
      octets.push(value >> 8, value & 0xff);
    } else if (mayEndInV4 && index === groups.length - 1 && V4.test(group)) {
      octets.push(...group.split('.').map(Number));
    } else {
      return null;
    }
  }
  return octets;
}

function longestZeroRun(groups: readonly string[]): readonly [start: number, length: number] {
  let best = 0;
  let bestLength = 0;
  let length = 0;
  for (const [index, group] of groups.entries()) {
    length = group === '0' ? length + 1 : 0;
    if (length > bestLength) {
      bestLength = length;
      best = index - length + 1;
    }
  }
  return [best, bestLength];
}
