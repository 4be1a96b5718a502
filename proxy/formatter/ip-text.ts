// IP addresses as octets and back, for printing networks.

/** 4 or 16 octets, or null when `text` is no IP address. */
export function parseIp(text: string): number[] | null {
  return text.includes(':') ? parseIpv6(text) : parseIpv4(text);
}

/** The canonical text of 4 or 16 octets (RFC 5952). */
export function printIp(octets: readonly number[]): string {
  if (octets.length === 4) return octets.join('.');
  const groups: string[] = [];
  for (let index = 0; index + 1 < octets.length; index += 2) {
    groups.push(((octets[index]! << 8) | octets[index + 1]!).toString(16));
  }
  const [start, length] = longestZeroRun(groups);
  if (length < 2) return groups.join(':');
  return `${groups.slice(0, start).join(':')}::${groups.slice(start + length).join(':')}`;
}

function parseIpv4(text: string): number[] | null {
  const parts = text.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part))) return null;
  const octets = parts.map(Number);
  return octets.every((octet) => octet < 256) ? octets : null;
}

function parseIpv6(text: string): number[] | null {
  const [address = ''] = text.split('%');
  const halves = address.split('::');
  if (halves.length > 2) return null;
  const head = groupOctets(halves[0] ?? '');
  const tail = halves.length === 2 ? groupOctets(halves[1] ?? '') : [];
  if (head === null || tail === null) return null;
  const missing = 16 - head.length - tail.length;
  if (halves.length === 1 ? missing !== 0 : missing < 0) return null;
  return [...head, ...new Array<number>(missing).fill(0), ...tail];
}

function groupOctets(text: string): number[] | null {
  if (text === '') return [];
  const octets: number[] = [];
  for (const group of text.split(':')) {
    if (group.includes('.')) {
      const v4 = parseIpv4(group);
      if (v4 === null) return null;
      octets.push(...v4);
    } else if (/^[0-9a-fA-F]{1,4}$/.test(group)) {
      const value = Number.parseInt(group, 16);
      octets.push(value >> 8, value & 0xff);
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
