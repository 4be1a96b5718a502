// Recognises numeric IP addresses without node:net, which rooms free of I/O may not import.

const V4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
const V6_GROUP = /^[0-9a-f]{1,4}$/i;
const V6_GROUPS = 8;

/** The version of a numeric IP address without brackets or zone; 0 when `text` is none. */
export function ipVersion(text: string): 0 | 4 | 6 {
  if (V4.test(text)) return 4;
  return text.includes(':') && isV6(text) ? 6 : 0;
}

/** RFC 4291 §2.2: eight groups, one run of zero groups may be `::`, the last two may be IPv4. */
function isV6(text: string): boolean {
  const halves = text.split('::');
  if (halves.length > 2) return false;
  let count = 0;
  for (let index = 0; index < halves.length; index += 1) {
    const half = halves[index] as string;
    if (half === '') continue;
    const groups = countGroups(half.split(':'), index === halves.length - 1);
    if (groups === -1) return false;
    count += groups;
  }
  return halves.length === 2 ? count < V6_GROUPS : count === V6_GROUPS;
}

function countGroups(groups: readonly string[], mayEndInV4: boolean): number {
  let count = 0;
  for (let index = 0; index < groups.length; index += 1) {
    const group = groups[index] as string;
    if (mayEndInV4 && index === groups.length - 1 && V4.test(group)) return count + 2;
    if (!V6_GROUP.test(group)) return -1;
    count += 1;
  }
  return count;
}
