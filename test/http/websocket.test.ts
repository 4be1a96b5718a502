import t from 'tap';
import { HeaderList } from '../../proxy/http/header-list.ts';
import { type Protocol, RequestHead } from '../../proxy/http/message.ts';
import {
  addAccept,
  keyLines,
  missingKey,
  takeAccept,
  websocketKey,
} from '../../proxy/http/websocket.ts';
import { seededRandom } from '../support/seeded-random.ts';

/** The example of RFC 6455 §1.3. */
const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo=';

function request(protocol: Protocol, upgrade: string, ...fields: readonly string[]): RequestHead {
  const target = { path: '/', authority: 'h', scheme: 'http' };
  const head = new RequestHead(protocol, 'GET', target, HeaderList.of(...fields));
  head.upgrade = upgrade;
  return head;
}

t.test('only a WebSocket handshake over HTTP/2 lacks a key', async (t) => {
  const random = seededRandom(1);
  const made = missingKey(request('HTTP/2', 'websocket'), random);
  t.equal(Buffer.from(made, 'base64').length, 16);
  t.not(missingKey(request('HTTP/2', 'websocket'), random), made);
  t.equal(missingKey(request('HTTP/1.1', 'websocket'), random), '');
  t.equal(missingKey(request('HTTP/2', 'other'), random), '');
  t.equal(missingKey(request('HTTP/2', 'websocket', 'sec-websocket-key', KEY), random), '');
});

t.test('a key comes with the version, unless the client named one', async (t) => {
  t.equal(
    keyLines(KEY, HeaderList.empty()),
    `sec-websocket-key: ${KEY}\r\nsec-websocket-version: 13\r\n`,
  );
  const versioned = HeaderList.of('sec-websocket-version', '8');
  t.equal(keyLines(KEY, versioned), `sec-websocket-key: ${KEY}\r\n`);
});

t.test('the server’s answer is checked and kept to ourselves', async (t) => {
  const right = HeaderList.of('sec-websocket-accept', ACCEPT, 'a', 'b');
  t.ok(takeAccept(right, KEY));
  t.equal(right.toFieldLines(), 'a: b\r\n');
  t.notOk(takeAccept(HeaderList.of('sec-websocket-accept', KEY), KEY));
  t.notOk(takeAccept(HeaderList.empty(), KEY));
});

t.test('a client that has a key gets its answer, whoever makes it', async (t) => {
  const key = websocketKey(request('HTTP/1.1', 'websocket', 'sec-websocket-key', KEY));
  const bare = HeaderList.empty();
  addAccept(bare, key);
  t.equal(bare.getByName('sec-websocket-accept'), ACCEPT);
  const answered = HeaderList.of('sec-websocket-accept', 'x');
  addAccept(answered, key);
  t.same(answered.values('sec-websocket-accept'), ['x']);
  t.equal(websocketKey(request('HTTP/1.1', 'other', 'sec-websocket-key', KEY)), '');
});
