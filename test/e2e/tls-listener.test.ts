// A listener with TLS and nothing but defaults, as strangers find it: what it agrees to, what it keeps
// apart, and what it never tells.
import { readFileSync } from 'node:fs';
import tls from 'node:tls';
import t, { type Test } from 'tap';
import { makeAuthority, makeCertificate } from '../support/certificates.ts';
import { eventually } from '../support/eventually.ts';
import { RawPeer } from '../support/raw-peer.ts';
import { secureListener } from '../support/secure-listener.ts';
import { probe, scan, withoutTool } from '../support/tls-scan.ts';
import { echoWebSocket, OPCODE, openWebSocket } from '../support/websocket.ts';
import { runCommand, TestDirectory } from '../support/with-process.ts';
import { type Rig, withRig } from '../support/with-rig.ts';

const authority = makeAuthority();
const others = makeAuthority({ subject: 'others' });
const certificate = makeCertificate({ issuer: authority, altNames: [{ dns: 'localhost' }] });
const rsa = makeCertificate({
  ...{ issuer: authority, altNames: [{ dns: 'rsa.test' }], key: 'rsa2048', keyUsage: [0, 2] },
});
const client = makeCertificate({ issuer: authority, keyLabel: 'client' });

const OPTIONS = {
  ...secureListener({ certificate }, { hcm: { upgrade_configs: [{ upgrade_type: 'websocket' }] } }),
  listeners: {
    rsa: secureListener({ certificate: rsa }),
    mutual: secureListener({ certificate, trusts: authority }),
    elsewhere: secureListener({ certificate, trusts: others }),
  },
};
const noOpenssl = withoutTool('openssl', 'apt-get install openssl');
const noScanner =
  process.env['OUTRIGGER_TESTSSL'] === '1'
    ? withoutTool('testssl', 'apt-get install testssl.sh')
    : 'takes minutes: OUTRIGGER_TESTSSL=1';

t.test('a listener with TLS', { timeout: 400_000 }, async (t) => {
  await withRig(OPTIONS, async (rig) => {
    await t.test('nothing old or weak', { skip: noOpenssl }, (t) => weakClients(t, rig));
    await t.test('testssl.sh finds nothing', { skip: noScanner }, (t) => scanned(t, rig));
    await t.test('sessions stay in their context', (t) => sessions(t, rig));
    await t.test('what ALPN chose is what is spoken', (t) => protocols(t, rig));
    await t.test('a WebSocket', (t) => webSocket(t, rig));
    await t.test('keys are shown nowhere', (t) => keys(t, rig));
  });
});

t.test('a key that does not fit is not shown either', async (t) => {
  const directory = new TestDirectory();
  t.teardown(() => directory.remove());
  const misfit = { ...certificate, keyPem: client.keyPem };
  const listener = secureListener({ certificate: misfit }).transportSocket;
  const chain = { filters: [], transport_socket: listener };
  const address = { socket_address: { address: '127.0.0.1', port_value: 0 } };
  const listeners = [{ name: 'l', address, filter_chains: [chain] }];
  const config = directory.write('c.json', { static_resources: { listeners } });
  const { code, stdout, stderr } = await runCommand('-c', config, '--mode', 'validate');
  t.not(code, 0);
  t.match(stderr + stdout, 'private_key');
  t.notOk(showsKey(stdout + stderr, client.keyPem));
});

async function portOf(rig: Rig, listener = 'main'): Promise<number> {
  return Number((await rig.address(listener)).split(':').at(-1));
}

async function weakClients(t: Test, rig: Rig): Promise<void> {
  for (const listener of ['main', 'rsa']) {
    const port = await portOf(rig, listener);
    for (const version of ['-tls1', '-tls1_1']) {
      const { isConnected } = await probe(port, [version, '-cipher', 'ALL:@SECLEVEL=0']);
      t.notOk(isConnected, `${listener} ${version}`);
    }
    const weak = [
      'eNULL',
      'aNULL',
      'AES128-SHA',
      'AES256-GCM-SHA384',
      'SHA1',
      'SHA256',
      'SHA384',
      'DHE',
    ];
    for (const cipher of weak) {
      const flags = ['-tls1_2', '-cipher', `${cipher}:@SECLEVEL=0`];
      t.notOk((await probe(port, flags)).isConnected, `${listener} ${cipher}`);
    }
    const { isConnected, output } = await probe(port, ['-tls1_2']);
    t.ok(isConnected, listener);
    t.match(output, /^Compression: NONE$/m);
    t.match(output, /^Server Temp Key: X25519/m, 'forward secrecy');
    t.match(output, /^Secure Renegotiation IS supported$/m, 'RFC 5746');
  }
  const { output } = await probe(await portOf(rig), ['-tls1_2'], 'R\n');
  t.match(output, /RENEGOTIATING[\s\S]*no renegotiation/, 'and yet there is none');
}

async function scanned(t: Test, rig: Rig): Promise<void> {
  for (const listener of ['main', 'rsa']) {
    const findings = await scan(await portOf(rig, listener));
    t.ok(findings.length > 50, `${findings.length} findings`);
    // The certificate is a test's: nobody trusts it, nobody revokes it.
    const ours = findings.filter(({ id }) => !/^(cert|DNS_CAA|OCSP)/i.test(id));
    const bad = ours.filter(({ severity }) => /MEDIUM|HIGH|CRITICAL/.test(severity));
    t.same(bad, [], listener);
  }
}

interface Handshake {
  readonly isResumed: boolean;
  readonly session: Buffer | null;
}

/** One connection with a request, on which a session may be taken up or handed out. */
async function connect(
  port: number,
  options: tls.ConnectionOptions,
  session: Buffer | null,
): Promise<Handshake> {
  const socket = tls.connect({
    ...{ port, host: '127.0.0.1', rejectUnauthorized: false },
    ...options,
    ...(session === null ? {} : { session }),
  });
  let fresh: Buffer | null = null;
  socket.on('session', (handed: Buffer) => {
    fresh = handed;
  });
  const peer = new RawPeer(socket);
  await new Promise((resolve, reject) => {
    socket.once('secureConnect', resolve);
    socket.once('error', reject);
  });
  peer.write('GET /x HTTP/1.1\r\nhost: a\r\n\r\n');
  const { head } = await peer.response();
  if (head.status !== 200) throw new Error(head.startLine);
  const isResumed = socket.isSessionReused();
  await eventually(() => fresh !== null || isResumed);
  socket.destroy();
  return { isResumed, session: fresh };
}

async function sessions(t: Test, rig: Rig): Promise<void> {
  const [main, mutual] = [await portOf(rig), await portOf(rig, 'mutual')];
  const elsewhere = await portOf(rig, 'elsewhere');
  const own = { cert: client.chainPem, key: client.keyPem };
  const stranger = makeCertificate({ issuer: others, keyLabel: 'client' });
  const theirs = { cert: stranger.chainPem, key: stranger.keyPem };
  for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
    const first = await connect(mutual, { ...own, maxVersion }, null);
    t.notOk(first.isResumed);
    const again = await connect(mutual, { ...own, maxVersion }, first.session);
    t.ok(again.isResumed, `${maxVersion}: where it came from`);
    const before = await connect(mutual, { ...own, maxVersion }, null);
    for (const [port, identity] of [
      [elsewhere, theirs],
      [main, {}],
    ] as const) {
      const other = await connect(port, { ...identity, maxVersion }, before.session);
      t.notOk(other.isResumed, `${maxVersion}: nowhere else`);
    }
    const nobody = await connect(main, { maxVersion }, null);
    const refused = connect(mutual, { maxVersion }, nobody.session);
    await t.rejects(refused, `${maxVersion}: a session without an identity gives none`);
  }
}

async function protocols(t: Test, rig: Rig): Promise<void> {
  const port = await portOf(rig);
  const speak = async (alpn: readonly string[], text: string): Promise<string> => {
    const socket = tls.connect({
      ...{ port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: [...alpn] },
    });
    await new Promise((resolve) => socket.once('secureConnect', resolve));
    let heard = '';
    socket.setEncoding('latin1').on('data', (part: string) => {
      heard += part;
    });
    socket.on('error', () => undefined);
    socket.write(text);
    await eventually(() => socket.closed || heard.includes('\r\n\r\n'));
    socket.destroy();
    return `${socket.alpnProtocol || 'none'} ${heard.split('\r\n')[0]}`;
  };
  const get = 'GET /x HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n';
  const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n';
  t.match(await speak(['http/1.1'], get), 'http/1.1 HTTP/1.1 200');
  t.match(await speak([], get), 'none HTTP/1.1 200');
  t.match(await speak(['unheard-of'], get), 'none HTTP/1.1 200', 'no overlap, no ALPN');
  t.notMatch(await speak(['h2'], get), 'HTTP/1.1 200', 'h2 was agreed on');
  t.match(await speak(['http/1.1'], preface), /HTTP\/1\.1 [45]/, 'HTTP/1.1 was agreed on');
}

async function webSocket(t: Test, rig: Rig): Promise<void> {
  rig.upstream.on('/echo', echoWebSocket);
  const socket = tls.connect({
    ...{ port: await portOf(rig), host: '127.0.0.1', rejectUnauthorized: false },
    ...{ ALPNProtocols: ['http/1.1'], allowHalfOpen: true },
  });
  const peer = new RawPeer(socket);
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  const web = await openWebSocket(peer, '/echo');
  for (const payload of [Buffer.from('hello'), Buffer.alloc(200_000, 0xff)]) {
    web.send(OPCODE.binary, payload);
    t.ok((await web.receive()).payload.equals(payload), `${payload.length} octets`);
  }
  web.send(OPCODE.close, Buffer.from([3, 232]));
  t.equal((await web.receive()).opcode, OPCODE.close);
  peer.close();
}

/** The secret number in a key's text, whatever stands around it. What follows it is public. */
function showsKey(text: string, keyPem: string): boolean {
  const [, first = ''] = keyPem.split('\n');
  return text.includes(first);
}

async function keys(t: Test, rig: Rig): Promise<void> {
  const pages = [
    '/config_dump',
    '/certs',
    '/listeners',
    '/clusters',
    '/stats',
    '/stats/prometheus',
  ];
  const others = ['/server_info', '/runtime', '/help', '/init_dump', '/memory'];
  for (const page of [...pages, ...others]) {
    t.notOk(showsKey(await rig.server.admin(page), certificate.keyPem), page);
  }
  t.ok(showsKey(JSON.stringify(OPTIONS), certificate.keyPem), 'it would be found');
  t.match(await rig.server.admin('/config_dump'), '[redacted]');
  for (const what of ['cmdline', 'environ']) {
    const text = readFileSync(`/proc/${rig.server.pid}/${what}`, 'latin1');
    t.notOk(showsKey(text, certificate.keyPem), what);
  }
  t.notOk(showsKey(rig.server.stderr(), certificate.keyPem), 'log');
}
