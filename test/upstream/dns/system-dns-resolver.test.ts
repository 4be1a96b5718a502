import { createSocket, type Socket } from 'node:dgram';
import { promises } from 'node:dns';
import { existsSync, readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import type { DnsAnswer, DnsQuestion } from '../../../proxy/upstream/dns/dns-resolver.ts';
import { SystemDnsResolver } from '../../../proxy/upstream/dns/system-dns-resolver.ts';

const TYPE_A = 1;
const TYPE_AAAA = 28;

/** A DNS server on loopback that all questions of this process go to. */
async function withDnsServer(
  test: Test,
  answer: (name: string, type: number) => { rcode: number; records: readonly Buffer[] },
): Promise<void> {
  const server: Socket = createSocket('udp4');
  server.on('message', (message, from) => {
    const { name, type, end } = readQuestion(message);
    const { rcode, records } = answer(name, type);
    const head = Buffer.alloc(12);
    message.copy(head, 0, 0, 2);
    head.writeUInt16BE(0x8180 | rcode, 2);
    head.writeUInt16BE(1, 4);
    head.writeUInt16BE(records.length, 6);
    server.send(
      Buffer.concat([head, message.subarray(12, end), ...records]),
      from.port,
      from.address,
    );
  });
  await new Promise<void>((resolve) => server.bind(0, '127.0.0.1', resolve));
  const before = promises.getServers();
  promises.setServers([`127.0.0.1:${server.address().port}`]);
  test.teardown(() => {
    promises.setServers(before);
    server.close();
  });
}

function readQuestion(message: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at] as number; length > 0; length = message[at] as number) {
    labels.push(message.toString('latin1', at + 1, at + 1 + length));
    at += 1 + length;
  }
  return { name: labels.join('.'), type: message.readUInt16BE(at + 1), end: at + 5 };
}

function record(type: number, ttlSeconds: number, address: readonly number[]): Buffer {
  const head = Buffer.from([0xc0, 12, 0, type, 0, 1, 0, 0, 0, ttlSeconds, 0, address.length]);
  return Buffer.concat([head, Buffer.from(address)]);
}

function ask(question: DnsQuestion): Promise<DnsAnswer> {
  return new Promise((resolve) => new SystemDnsResolver().resolve(question, resolve));
}

const withoutHosts = hostsFileNames('localhost') ? false : 'no localhost in /etc/hosts';

function hostsFileNames(name: string): boolean {
  const file = '/etc/hosts';
  return existsSync(file) && readFileSync(file, 'utf8').split(/\s+/).includes(name);
}

t.test('the hosts file is honoured', { skip: withoutHosts }, async (t) => {
  const answer = await ask({ name: 'localhost', family: 'v4-only', wantsTtl: false });
  t.strictSame(answer, { status: 'completed', ips: ['127.0.0.1'], ttlMs: null });
});

t.test('the smallest time to live of the addresses in use is told', async (t) => {
  await withDnsServer(t, (_name, type) => ({
    rcode: 0,
    records:
      type === TYPE_A
        ? [record(TYPE_A, 30, [10, 0, 0, 1]), record(TYPE_A, 20, [10, 0, 0, 2])]
        : [record(TYPE_AAAA, 10, [...Buffer.alloc(15), 1])],
  }));
  const of = (family: DnsQuestion['family']): Promise<DnsAnswer> =>
    ask({ name: 'app.test', family, wantsTtl: true });
  const v4 = ['10.0.0.1', '10.0.0.2'];
  t.strictSame(await of('v4-only'), { status: 'completed', ips: v4, ttlMs: 20000 });
  t.strictSame(await of('v4-preferred'), { status: 'completed', ips: v4, ttlMs: 20000 });
  t.strictSame(await of('v6-only'), { status: 'completed', ips: ['::1'], ttlMs: 10000 });
  t.strictSame(await of('auto'), { status: 'completed', ips: ['::1'], ttlMs: 10000 });
  t.strictSame(await of('all'), { status: 'completed', ips: ['::1', ...v4], ttlMs: 10000 });
});

t.test('a name that DNS does not have is looked for in the hosts file', async (t) => {
  await withDnsServer(t, () => ({ rcode: 3, records: [] }));
  const answer = await ask({ name: 'localhost', family: 'v4-only', wantsTtl: true });
  t.strictSame(answer, { status: 'completed', ips: ['127.0.0.1'], ttlMs: null });
});

t.test('many questions wait for their turn and all are answered', async (t) => {
  const resolver = new SystemDnsResolver();
  const answers = await Promise.all(
    Array.from(
      { length: 20 },
      () =>
        new Promise<DnsAnswer>((resolve) => {
          resolver.resolve({ name: 'localhost', family: 'v4-only', wantsTtl: false }, resolve);
        }),
    ),
  );
  t.ok(answers.every((answer) => answer.status === 'completed' && answer.ips.length === 1));
});
