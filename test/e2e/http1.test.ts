// HTTP/1.1 between a client and the proxy: order, persistence, expectations, old versions, forms of
// the target, trailers, and what belongs to one hop only.
import t, { type Test } from 'tap';
import type { RawPeer } from '../support/raw-peer.ts';
import { onEnvoy } from '../support/spawn-server.ts';
import { parseEcho, type Rig, withRig } from '../support/with-rig.ts';

const OPTIONS = {
  listeners: {
    old: {
      hcm: {
        http_protocol_options: { accept_http_10: true, default_host_for_http_10: 'old.example' },
      },
    },
    trailers: { hcm: { http_protocol_options: { enable_trailers: true } } },
    relative: { hcm: { http_protocol_options: { allow_absolute_url: false } } },
  },
  http: { explicit_http_config: { http_protocol_options: { enable_trailers: true } } },
};

t.test('HTTP/1.1', async (t) => {
  await withRig(OPTIONS, async (rig) => {
    await t.test('pipelined requests are answered in order', (t) => pipelining(t, rig));
    await t.test('connections persist until somebody says close', (t) => persistence(t, rig));
    await t.test('a client that ends its side is gone', (t) => halfClose(t, rig));
    await t.test('Expect', (t) => expectations(t, rig));
    await t.test('forms of the target', (t) => targets(t, rig));
    await t.test('HTTP/1.0', (t) => oldVersion(t, rig));
    await t.test('chunks and trailers', (t) => chunks(t, rig));
    await t.test('upgrades and CONNECT are refused', (t) => upgrades(t, rig));
    await t.test('fields of one hop', (t) => hopByHop(t, rig));
    await t.test('what is not HTTP', (t) => notHttp(t, rig));
  });
});

const get = (target: string, fields = '') => `GET ${target} HTTP/1.1\r\nhost: a\r\n${fields}\r\n`;

async function pipelining(t: Test, rig: Rig): Promise<void> {
  rig.upstream.on('/first', (_head, peer) =>
    peer.write('HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nfirst'),
  );
  const client = await rig.client();
  client.write(
    get('/first') +
      'POST /second HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc' +
      get('/third') +
      get('/fourth', 'connection: close\r\n') +
      get('/never'),
  );
  t.equal((await client.response()).body, 'first');
  t.match(parseEcho(await client.response()), { target: '/second', body: 'abc' });
  t.match(parseEcho(await client.response()), { target: '/third' });
  const last = await client.response();
  t.match(parseEcho(last), { target: '/fourth' });
  t.equal(last.head.get('connection'), 'close');
  t.equal(await client.ended(), 'fin');
  t.equal(client.unread, '', 'nothing is read behind the last request');
  await rig.probe();
}

async function persistence(t: Test, rig: Rig): Promise<void> {
  const client = await rig.client();
  for (const fields of ['', 'connection: keep-alive\r\n', 'keep-alive: timeout=5\r\n']) {
    client.write(get('/keep', fields));
    t.equal((await client.response()).head.get('connection'), null);
  }
  for (const field of ['connection: close', 'Connection: foo, CLOSE', 'proxy-connection: close']) {
    const other = await rig.client();
    other.write(get('/last', `${field}\r\n`));
    t.equal((await other.response()).head.get('connection'), 'close', field);
    t.equal(await other.ended(), 'fin');
  }
  client.write(`\r\n\r\n${get('/behind-empty-lines')}`);
  t.match(parseEcho(await client.response()), { target: '/behind-empty-lines' });
  // One octet at a time.
  for (const octet of 'POST /slowly HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nok') {
    client.write(octet);
  }
  t.match(parseEcho(await client.response()), { target: '/slowly', body: 'ok' });
}

async function halfClose(t: Test, rig: Rig): Promise<void> {
  const before = await rig.stat('http.main.downstream_cx_destroy_remote');
  const idle = await rig.client();
  idle.write(get('/one'));
  await idle.response();
  idle.finish();
  t.equal(await idle.ended(), 'fin');
  await rig.reaches('http.main.downstream_cx_destroy_remote', before + 1);
  const inside = await rig.client();
  inside.write('POST /unfinished HTTP/1.1\r\nhost: a\r\ncontent-length: 10\r\n\r\nhalf');
  await rig.reaches('cluster.main.upstream_rq_active', 1);
  inside.finish();
  await inside.ended();
  t.equal(inside.unread, '', 'no answer to half a request');
  t.equal(await rig.verdict('/unfinished'), '0 DC downstream_remote_disconnect');
  await rig.reaches('cluster.main.upstream_rq_active', 0);
  await rig.probe();
}

async function expectations(t: Test, rig: Rig): Promise<void> {
  const client = await rig.client();
  const head =
    'POST /expect HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 4\r\n\r\n';
  client.write(head);
  t.equal((await client.response()).head.startLine, 'HTTP/1.1 100 Continue');
  client.write('body');
  const seen = parseEcho(await client.response());
  t.equal(seen.body, 'body');
  t.notOk(
    seen.fields.some(([name]) => name === 'expect'),
    'the proxy met the expectation itself',
  );
  client.write(`${head}body`);
  t.equal((await client.response()).head.status, 100);
  t.equal(parseEcho(await client.response()).body, 'body', 'a client that does not wait');
  if (onEnvoy) return;
  client.write(head.replace('100-continue', 'miracles'));
  t.equal((await client.response()).head.status, 417);
  t.equal(await client.ended(), 'fin');
}

async function targets(t: Test, rig: Rig): Promise<void> {
  const client = await rig.client();
  client.write('GET http://b.example:8080/path?q=1 HTTP/1.1\r\nhost: a\r\n\r\n');
  const absolute = parseEcho(await client.response());
  t.equal(absolute.target, '/path?q=1');
  t.same(hosts(absolute), ['b.example:8080'], 'the target names the host');
  client.write('GET HTTP://b.example HTTP/1.1\r\nhost: a\r\n\r\n');
  t.equal(parseEcho(await client.response()).target, '/');
  client.write(get('/%7Euser/a%2Fb/../c?x=%20y'));
  t.equal(parseEcho(await client.response()).target, '/%7Euser/a%2Fb/../c?x=%20y', 'as it came');
  for (const target of ['*', 'rubbish', 'ftp://a/', '/a b', '/caf\xe9']) {
    await refused(t, rig, `GET ${target} HTTP/1.1\r\nhost: a\r\n\r\n`, onEnvoy ? null : 400);
  }
  await refused(t, rig, 'GET / HTTP/1.1\r\n\r\n', 400);
  if (!onEnvoy) await refused(t, rig, 'GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\n\r\n', 400);
  const relative = await rig.client('relative');
  relative.write('GET http://b.example/path HTTP/1.1\r\nhost: a\r\n\r\n');
  t.equal((await relative.response()).head.status, 404);
  t.equal(await rig.verdict('http://b.example/path'), '404 - absolute_path_rejected');
}

/** null: any 4xx. The connection ends behind it. */
async function refused(t: Test, rig: Rig, request: string, status: number | null): Promise<void> {
  const client = await rig.client();
  client.write(request);
  const { head } = await client.response();
  const line = JSON.stringify(request.slice(0, 60));
  if (status === null) t.ok(head.status >= 400 && head.status < 500, line);
  else t.equal(head.status, status, line);
  if (head.get('connection') === 'close') await client.ended();
}

async function oldVersion(t: Test, rig: Rig): Promise<void> {
  const client = await rig.client();
  client.write('GET /old HTTP/1.0\r\nhost: a\r\n\r\n');
  const refusal = await client.response();
  t.equal(refusal.head.startLine, 'HTTP/1.1 426 Upgrade Required');
  t.equal(refusal.body, 'Upgrade Required');
  t.equal(await client.ended(), 'fin');
  const plain = await rig.client('old');
  plain.write('GET /old-1 HTTP/1.0\r\n\r\n');
  const answer = await plain.response();
  t.match(answer.head.startLine, /^HTTP\/1\.0 200 /);
  t.same(hosts(parseEcho(answer)), ['old.example']);
  t.equal(answer.head.get('connection'), 'close');
  t.equal(await plain.ended(), 'fin');
  rig.upstream.on('/streamed', (_head, peer) =>
    peer.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n'),
  );
  const kept = await rig.client('old');
  kept.write('GET /old-2 HTTP/1.0\r\nhost: a\r\nconnection: keep-alive\r\n\r\n');
  t.equal((await kept.response()).head.get('connection'), 'keep-alive');
  kept.write('GET /streamed HTTP/1.0\r\nhost: a\r\nconnection: keep-alive\r\n\r\n');
  const streamed = await kept.response();
  t.equal(streamed.head.get('transfer-encoding'), null, 'never chunks for HTTP/1.0');
  t.equal(streamed.body, 'ok');
  if (!onEnvoy) await cutWithoutFraming(t, rig);
}

/** Where the connection's end says it all, a cut must not look like one. */
async function cutWithoutFraming(t: Test, rig: Rig): Promise<void> {
  let cut: () => void = () => undefined;
  rig.upstream.on('/streamed-cut', (_head, peer) => {
    peer.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n');
    cut = () => peer.finish();
  });
  const client = await rig.client('old');
  client.write('GET /streamed-cut HTTP/1.0\r\nhost: a\r\n\r\n');
  // libuv takes an RST that comes with the last data for a FIN: the data must be read before.
  await client.takeThrough('ok');
  cut();
  t.equal(await client.ended(), 'reset');
}

async function chunks(t: Test, rig: Rig): Promise<void> {
  const client = await rig.client('trailers');
  const post = 'POST /chunks HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n';
  client.write(`${post}3\r\nabc\r\n0A;x=y\r\n0123456789\r\n0\r\nx-sum: 13\r\n\r\n`);
  const seen = parseEcho(await client.response());
  t.equal(seen.body, 'abc0123456789');
  t.same(seen.trailers, [['x-sum', '13']]);
  rig.upstream.on('/trailers', (_head, peer) =>
    peer.write(
      'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nx-sum: 2\r\n\r\n',
    ),
  );
  client.write(get('/trailers'));
  t.same((await client.response()).trailers, [['x-sum', '2']]);
  const plain = await rig.client();
  plain.write(`${post}1\r\na\r\n0\r\nx-sum: 1\r\n\r\n${get('/trailers')}`);
  t.same(parseEcho(await plain.response()).trailers, [], 'dropped unless enabled');
  t.same((await plain.response()).trailers, []);
  for (const bad of ['xyz\r\n', '-1\r\n', ...(onEnvoy ? [] : ['2\r\nabc\r\n', 'f'.repeat(17)])]) {
    const broken = await rig.client();
    broken.write(`${post.replace('/chunks', '/bad-chunk')}${bad}`);
    t.equal((await broken.response()).head.status, 400, JSON.stringify(bad));
    await broken.ended();
    await rig.probe();
  }
  t.match(await rig.verdict('/bad-chunk'), /^400 DPE http1.codec_error/);
}

async function upgrades(t: Test, rig: Rig): Promise<void> {
  const websocket = await rig.client();
  websocket.write(get('/ws', 'connection: Upgrade\r\nupgrade: websocket\r\n'));
  const { head } = await websocket.response();
  t.equal(head.status, 403);
  t.equal(head.get('connection'), 'close');
  t.equal(await websocket.ended(), 'fin');
  t.equal(await rig.verdict('/ws'), '403 - upgrade_failed');
  const tunnel = await rig.client();
  tunnel.write('CONNECT a:443 HTTP/1.1\r\nhost: a:443\r\n\r\n');
  const refusal = (await tunnel.response({ method: 'CONNECT' })).head;
  t.equal(refusal.status, 404, 'no route is for CONNECT');
  t.equal(refusal.get('connection'), 'close');
  await tunnel.ended();
  t.equal(await rig.stat('http.main.downstream_rq_ws_on_non_ws_route'), 1);
  const h2c = await rig.echo(
    '/h2c',
    'connection: Upgrade, HTTP2-Settings\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABk\r\n',
  );
  t.same(
    names(h2c).filter((name) => /upgrade|http2|connection/.test(name)),
    [],
  );
}

async function hopByHop(t: Test, rig: Rig): Promise<void> {
  const seen = await rig.echo(
    '/hop',
    'connection: x-private, keep-alive, TE\r\nx-private: 1\r\nx-public: 2\r\nkeep-alive: 5\r\n' +
      'proxy-connection: keep-alive\r\nte: gzip, trailers\r\nx-empty:\r\n',
  );
  t.notOk(names(seen).some((name) => /private|connection|keep-alive/.test(name)));
  t.same(valuesOf(seen, 'x-public'), ['2']);
  t.same(valuesOf(seen, 'x-empty'), ['']);
  t.same(valuesOf(seen, 'te'), ['trailers']);
  const bad = await rig.client();
  bad.write(get('/nominates', 'connection: x-forwarded-for\r\nx-forwarded-for: 1.2.3.4\r\n'));
  t.equal((await bad.response()).body, 'Bad Request');
  await bad.ended();
  if (!onEnvoy) {
    t.equal(await rig.verdict('/nominates'), '400 DPE http1.connection_header_rejected');
  }
  rig.upstream.on('/hop-back', (_head, peer) =>
    peer.write(
      'HTTP/1.1 200 Whatever\r\nConnection: keep-alive, x-private\r\nKeep-Alive: timeout=5\r\n' +
        'Proxy-Connection: keep-alive\r\nX-Mixed: Case\r\nset-cookie: a\r\nset-cookie: b\r\n' +
        'content-length: 0\r\n\r\n',
    ),
  );
  const { head } = await rig.get('/hop-back');
  t.equal(head.startLine, 'HTTP/1.1 200 OK');
  t.equal(head.get('connection') ?? head.get('keep-alive') ?? head.get('proxy-connection'), null);
  t.same(head.values('set-cookie'), ['a', 'b'], 'never joined');
  t.ok(
    head.fields.some(([name]) => name === 'x-mixed'),
    'names in lower case',
  );
}

async function notHttp(t: Test, rig: Rig): Promise<void> {
  const cases: Record<string, number> = {
    '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03': 400,
    'PRI * HTTP/1.1\r\n\r\nSM\r\n\r\n': 400,
    'PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\nGET / HTTP/1.1\r\nhost: a\r\n\r\n': 400,
    'GET / HTTP/1.1\nhost: a\n\n': 400,
    'GET /a HTTP/1.1\r\nhost: a\r\nx y: 1\r\n\r\n': 400,
    'GET /a HTTP/1.1\r\nhost: a\r\nx: a\x00b\r\n\r\n': 400,
    'POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n': 400,
    'POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\n': 400,
    'POST /a HTTP/1.1\r\nhost: a\r\ncontent-length: +3\r\n\r\n': 400,
    'POST /a HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip, chunked\r\n\r\n': 501,
    'BREW /a HTTP/1.1\r\nhost: a\r\n\r\n': 400,
  };
  for (const [bytes, status] of Object.entries(cases)) {
    // Envoy takes a bare LF for the end of a line, and an HTTP/2 preface for HTTP/2.
    if (onEnvoy && /^GET.*\n|^PRI/.test(bytes) && !bytes.includes('\r\nx')) continue;
    const before = await rig.stat('cluster.main.upstream_rq_total');
    const client = await rig.client();
    client.write(bytes);
    t.equal((await answer(client)).head.status, status, JSON.stringify(bytes.slice(0, 70)));
    await client.ended();
    t.equal(await rig.stat('cluster.main.upstream_rq_total'), before, 'nothing went upstream');
  }
  const behind = await rig.client();
  behind.write(`${get('/good')}rubbish\r\n\r\n${get('/smuggled')}`);
  t.match(parseEcho(await behind.response()), { target: '/good' }, 'the good one is answered');
  const { head, body } = await behind.response();
  t.equal(head.status, 400);
  t.equal(body, 'Bad Request');
  t.equal(await behind.ended(), 'fin');
  t.equal(behind.unread, '');
  await rig.probe();
}

const answer = (client: RawPeer) => client.response();

function names({ fields }: ReturnType<typeof parseEcho>): readonly string[] {
  return fields.map(([name]) => name);
}

function valuesOf({ fields }: ReturnType<typeof parseEcho>, name: string): readonly string[] {
  return fields.filter(([key]) => key === name).map(([, value]) => value);
}

function hosts(echo: ReturnType<typeof parseEcho>): readonly string[] {
  return valuesOf(echo, 'host');
}
