// What a pooled connection may carry from one request to the next: nothing. Responses that come
// early, late, twice, without content, or to nobody.
import t, { type Test } from 'tap';
import { routeTo } from '../support/rig-bootstrap.ts';
import { onEnvoy } from '../support/spawn-server.ts';
import { parseEcho, type Rig, withRig } from '../support/with-rig.ts';

const OK_HEAD = 'HTTP/1.1 200 OK\r\n';
const SMALL = `${OK_HEAD}content-length: 2\r\n\r\nok`;

const OPTIONS = {
  routes: [
    routeTo('/brief', { cluster: 'brief' }),
    routeTo('/thrice', { cluster: 'thrice' }),
    routeTo('/aging', { cluster: 'aging' }),
  ],
  clusters: (port: number) => ({
    brief: { port, http: { common_http_protocol_options: { idle_timeout: '0.2s' } } },
    thrice: { port, http: { common_http_protocol_options: { max_requests_per_connection: 3 } } },
    aging: { port, http: { common_http_protocol_options: { max_connection_duration: '0.2s' } } },
  }),
};

t.test('upstream connections', async (t) => {
  await withRig(OPTIONS, async (rig) => {
    await t.test('are reused, the one used last first', (t) => reuse(t, rig));
    await t.test('closed while idle', (t) => closedWhileIdle(t, rig));
    await t.test('bytes while idle', (t) => bytesWhileIdle(t, rig));
    await t.test('bytes behind a response', (t) => surplus(t, rig));
    await t.test('an early response', (t) => earlyResponse(t, rig));
    await t.test('1xx', (t) => informational(t, rig));
    await t.test('responses without content', (t) => bodyless(t, rig));
    await t.test('a response that ends with its connection', (t) => untilClose(t, rig));
    await t.test('a client that goes away', (t) => clientGone(t, rig));
    await t.test('limits of a connection', (t) => limits(t, rig));
  });
});

t.test('1xx pass with proxy_100_continue', async (t) => {
  await withRig({ hcm: { proxy_100_continue: true } }, async (rig) => {
    rig.upstream.on('/expect', async (head, peer) => {
      peer.write('HTTP/1.1 100 Continue\r\n\r\n');
      const { body } = await peer.requestBody(head);
      peer.write(`${OK_HEAD}content-length: 4\r\n\r\n${body}`);
    });
    const client = await rig.client();
    client.write(
      'POST /expect HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n',
    );
    t.equal((await client.response()).head.status, 100, 'the upstream decides');
    client.write('body');
    t.equal((await client.response()).body, 'body');
    rig.upstream.on('/hints', (_head, peer) => {
      peer.write(`HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${SMALL}`);
    });
    client.write('GET /hints HTTP/1.1\r\nhost: a\r\n\r\n');
    const hints = await client.response();
    t.equal(hints.head.status, 103);
    t.equal(hints.head.get('link'), '</a>');
    t.equal((await client.response()).body, 'ok');
    await rig.probe();
  });
});

async function reuse(t: Test, rig: Rig): Promise<void> {
  for (let index = 0; index < 5; index += 1) await rig.probe();
  t.equal(await rig.stat('cluster.main.upstream_cx_total'), 1);
  const client = await rig.client();
  const connections = new Set<number>();
  for (let index = 0; index < 5; index += 1) {
    client.write(`GET /again-${index} HTTP/1.1\r\nhost: a\r\n\r\n`);
    connections.add(parseEcho(await client.response()).connection);
  }
  t.equal(connections.size, 1);
}

async function closedWhileIdle(t: Test, rig: Rig): Promise<void> {
  const ways = {
    fin: (index: number) => rig.upstream.peers[index]?.finish(),
    reset: (index: number) => rig.upstream.peers[index]?.reset(),
  };
  for (const [name, close] of Object.entries(ways)) {
    const { connection } = await rig.echo(`/before-${name}`);
    close(connection - 1);
    await rig.reaches('cluster.main.upstream_cx_active', 0);
    const next = await rig.echo(`/after-${name}`);
    t.not(next.connection, connection, `${name}: a new connection serves the next request`);
  }
  t.equal(await rig.stat('cluster.main.upstream_rq_5xx').catch(() => 0), 0);
}

async function bytesWhileIdle(t: Test, rig: Rig): Promise<void> {
  const texts = {
    timeout: 'HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n',
    answer: `${OK_HEAD}content-length: 4\r\n\r\nevil`,
    noise: '\x00\x01noise',
    line: '\r\n',
  };
  for (const [name, text] of Object.entries(texts)) {
    const { connection } = await rig.echo(`/idle-${name}`);
    rig.upstream.peers[connection - 1]?.write(text);
    await rig.reaches('cluster.main.upstream_cx_active', 0);
    await rig.probe();
  }
  t.equal(await rig.stat('cluster.main.upstream_cx_protocol_error'), 3);
}

async function surplus(t: Test, rig: Rig): Promise<void> {
  rig.upstream.on('/surplus', (_head, peer) => peer.write(`${SMALL}HTTP/1.1 200 OK\r\n`));
  rig.upstream.on('/two', (_head, peer) => peer.write(SMALL + SMALL));
  for (const path of ['/surplus', '/two']) {
    const { head, body } = await rig.get(path);
    t.equal(head.status, 200);
    t.equal(body, 'ok');
    await rig.probe();
  }
}

async function earlyResponse(t: Test, rig: Rig): Promise<void> {
  rig.upstream.on('/early', (_head, peer) => peer.write(SMALL));
  const client = await rig.client();
  client.write('POST /early HTTP/1.1\r\nhost: a\r\ncontent-length: 100\r\n\r\nfirst');
  const { head, body } = await client.response();
  t.equal(body, 'ok', 'relayed at once');
  t.equal(head.get('connection'), 'close');
  t.equal(await client.ended(), 'fin');
  t.equal(await rig.verdict('/early'), '200 - via_upstream');
  t.equal(await rig.stat('http.main.downstream_rq_response_before_rq_complete'), 1);
  await rig.probe();
}

async function informational(t: Test, rig: Rig): Promise<void> {
  const hints = [100, 102, 103, 199]
    .map((status) => `HTTP/1.1 ${status} X\r\na: b\r\n\r\n`)
    .join('');
  rig.upstream.on('/hints', (_head, peer) => peer.write(hints + SMALL));
  t.equal((await rig.get('/hints')).body, 'ok', 'swallowed by default');
  rig.upstream.on('/only-hints', (_head, peer) => {
    peer.write(hints);
    peer.finish();
  });
  t.equal((await rig.get('/only-hints')).head.status, onEnvoy ? 503 : 502);
  rig.upstream.on('/flood', (_head, peer) =>
    peer.write('HTTP/1.1 103 X\r\n\r\n'.repeat(40) + SMALL),
  );
  if (!onEnvoy) t.equal((await rig.get('/flood')).head.status, 502);
  await rig.probe();
}

async function bodyless(t: Test, rig: Rig): Promise<void> {
  const client = await rig.client();
  const ask = async (method: string, target: string) => {
    client.write(`${method} ${target} HTTP/1.1\r\nhost: a\r\n\r\n`);
    return client.response({ method });
  };
  rig.upstream.on('/length', (_head, peer) => peer.write(`${OK_HEAD}content-length: 42\r\n\r\n`));
  t.equal((await ask('HEAD', '/length')).head.get('content-length'), '42');
  rig.upstream.on('/chunks', (_head, peer) =>
    peer.write(`${OK_HEAD}transfer-encoding: chunked\r\n\r\n`),
  );
  t.equal((await ask('HEAD', '/chunks')).head.get('transfer-encoding'), 'chunked');
  rig.upstream.on('/204', (_head, peer) => peer.write('HTTP/1.1 204 No Content\r\n\r\n'));
  const none = (await ask('GET', '/204')).head;
  t.equal(none.get('content-length') ?? none.get('transfer-encoding'), null);
  rig.upstream.on('/304', (_head, peer) =>
    peer.write('HTTP/1.1 304 Not Modified\r\ncontent-length: 42\r\netag: "a"\r\n\r\n'),
  );
  const same = (await ask('GET', '/304')).head;
  t.equal(same.get('content-length'), '42');
  t.equal(same.get('etag'), '"a"');
  rig.upstream.on('/empty', (_head, peer) => peer.write(`${OK_HEAD}content-length: 0\r\n\r\n`));
  t.equal((await ask('GET', '/empty')).head.get('content-length'), '0');
  t.match(parseEcho(await ask('GET', '/last')), { target: '/last' }, 'all on one connection');
  rig.upstream.on('/head-body', (_head, peer) => peer.write(SMALL));
  t.equal((await ask('HEAD', '/head-body')).head.status, 200);
  t.match(parseEcho(await ask('GET', '/behind')), { target: '/behind' }, 'its content is nobody’s');
}

async function untilClose(t: Test, rig: Rig): Promise<void> {
  rig.upstream.on('/close', (_head, peer) => {
    peer.write(`${OK_HEAD}\r\nall of it`);
    peer.finish();
  });
  const { head, body } = await rig.get('/close');
  t.equal(body, 'all of it');
  t.equal(head.get('transfer-encoding'), 'chunked');
  rig.upstream.on('/close-10', (_head, peer) => {
    peer.write('HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nok');
  });
  t.equal((await rig.get('/close-10')).body, 'ok');
  rig.upstream.on('/notify', (_head, peer) =>
    peer.write(`${OK_HEAD}connection: close\r\ncontent-length: 2\r\n\r\nok`),
  );
  const notified = await rig.get('/notify');
  t.equal(notified.head.get('connection'), null, 'the upstream’s end is not the client’s');
  await rig.probe();
}

async function clientGone(t: Test, rig: Rig): Promise<void> {
  let ended: Promise<unknown> = Promise.resolve();
  rig.upstream.on('/held', (_head, peer) => {
    ended = peer.ended();
  });
  for (const leave of ['finish', 'reset'] as const) {
    const client = await rig.client();
    client.write(`GET /held?${leave} HTTP/1.1\r\nhost: a\r\n\r\n`);
    await rig.reaches('cluster.main.upstream_rq_active', 1);
    client[leave]();
    t.equal(await rig.verdict(`/held?${leave}`), '0 DC downstream_remote_disconnect');
    await ended;
    await rig.probe();
  }
  t.equal(await rig.stat('http.main.downstream_cx_destroy_remote_active_rq'), 2);
}

async function limits(t: Test, rig: Rig): Promise<void> {
  const seen: number[] = [];
  for (let index = 0; index < 7; index += 1) seen.push((await rig.echo('/thrice')).connection);
  t.equal(new Set(seen).size, 3, '3 and 3 and 1');
  t.equal(await rig.stat('cluster.thrice.upstream_cx_max_requests'), 2);
  await rig.echo('/brief');
  t.equal(await rig.stat('cluster.brief.upstream_cx_active'), 1);
  await rig.reaches('cluster.brief.upstream_cx_active', 0);
  t.equal(await rig.stat('cluster.brief.upstream_cx_idle_timeout'), 1);
  await rig.echo('/aging');
  await rig.reaches('cluster.aging.upstream_cx_active', 0);
  t.equal(await rig.stat('cluster.aging.upstream_cx_max_duration_reached'), 1);
}
