// Fields of a request by name, the pseudo-fields among them.
import type { RequestHead } from './message.ts';

/** First value of the field or pseudo-field with this lower-case name (`host` is the authority). */
export function requestField(head: RequestHead, name: string): string | null {
  return isPseudoField(name) ? pseudoField(head, name) : head.headers.getByName(name);
}

/** The same with all lines of the field, joined by commas; null: there is none. */
export function joinedRequestField(head: RequestHead, name: string): string | null {
  if (isPseudoField(name)) return pseudoField(head, name);
  const first = head.headers.getByName(name);
  if (first === null) return null;
  const values = head.headers.values(name);
  return values.length === 1 ? first : values.join(',');
}

/** True for `:path` and its like, and for `host`, which are no lines of the list. */
export function isPseudoField(name: string): boolean {
  return name.startsWith(':') || name === 'host';
}

/** Value of a pseudo-field; null when it is empty or there is no such. */
export function pseudoField(head: RequestHead, name: string): string | null {
  switch (name) {
    case ':path':
      return emptyIsMissing(head.path);
    case ':method':
      return head.method;
    case ':authority':
    case 'host':
      return emptyIsMissing(head.authority);
    case ':scheme':
      return emptyIsMissing(head.scheme);
    default:
      return null;
  }
}

function emptyIsMissing(text: string): string | null {
  return text === '' ? null : text;
}
