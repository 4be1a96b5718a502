// Cookies of requests (RFC 6265 §4.2), read as leniently as Envoy reads them.
import type { HeaderList } from './header-list.ts';
import { HEADER_ID } from './header-names.ts';

const SPACE = 0x20;
const EQUALS = 0x3d;
const QUOTE = 0x22;

/** Value of the first cookie with this name, without the quotes around it; null: there is none. */
export function cookieValue(headers: HeaderList, name: string): string | null {
  if (!headers.mayHave(HEADER_ID.cookie)) return null;
  for (let index = 0; index < headers.length; index += 1) {
    if (headers.nameAt(index) !== 'cookie') continue;
    const value = valueInLine(headers.valueAt(index), name);
    if (value !== null) return value;
  }
  return null;
}

/** Of one field line. */
function valueInLine(line: string, name: string): string | null {
  let start = 0;
  while (start < line.length) {
    const semicolon = line.indexOf(';', start);
    const end = semicolon === -1 ? line.length : semicolon;
    while (line.charCodeAt(start) === SPACE) start += 1;
    const equals = start + name.length;
    if (equals < end && line.charCodeAt(equals) === EQUALS && line.startsWith(name, start)) {
      return withoutQuotes(line.slice(equals + 1, end));
    }
    start = end + 1;
  }
  return null;
}

function withoutQuotes(value: string): string {
  const last = value.length - 1;
  const isQuoted = last > 0 && value.charCodeAt(0) === QUOTE && value.charCodeAt(last) === QUOTE;
  return isQuoted ? value.slice(1, last) : value;
}
