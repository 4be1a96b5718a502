// What WebSocket's handshake needs where HTTP/2 meets HTTP/1.1: RFC 8441 §5 does without the key and
// its answer, RFC 6455 §4 does not, so whoever stands between makes up what the other side lacks.
import { createHash } from 'node:crypto';
import type { Random } from '../base/random.ts';
import type { HeaderList } from './header-list.ts';
import type { RequestHead } from './message.ts';

/** RFC 6455 §1.3 */
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const ACCEPT = 'sec-websocket-accept';

/** The request's own key, '' when it has none or is no WebSocket handshake. */
export function websocketKey({ upgrade, headers }: RequestHead): string {
  return upgrade === 'websocket' ? (headers.getByName('sec-websocket-key') ?? '') : '';
}

/**
 * A key for a handshake that came over HTTP/2 without; '' when it needs none. What came over HTTP/1.1
 * without is the client's mistake, and its server's to tell.
 */
export function missingKey(head: RequestHead, random: Random): string {
  if (head.upgrade !== 'websocket' || head.protocol !== 'HTTP/2') return '';
  if (websocketKey(head) !== '') return '';
  return Buffer.from(random.uuid().replaceAll('-', ''), 'hex').toString('base64');
}

/** Field lines of a made-up key, for a request that says the rest itself. */
export function keyLines(key: string, headers: HeaderList): string {
  const version = headers.getByName('sec-websocket-version') === null;
  return `sec-websocket-key: ${key}\r\n${version ? 'sec-websocket-version: 13\r\n' : ''}`;
}

/** Takes the server's answer to a made-up key out; false: it is none to this key. */
export function takeAccept(headers: HeaderList, key: string): boolean {
  const isRight = headers.getByName(ACCEPT) === acceptOf(key);
  headers.remove(ACCEPT);
  return isRight;
}

/** Answers a client's key where the server did not have to. */
export function addAccept(headers: HeaderList, key: string): void {
  if (headers.getByName(ACCEPT) === null) headers.add(ACCEPT, acceptOf(key));
}

function acceptOf(key: string): string {
  return createHash('sha1')
    .update(key + ACCEPT_SUFFIX)
    .digest('base64');
}
