import { promises } from 'node:dns';
import { existsSync, readFileSync } from 'node:fs';
import t, { type Test } from 'tap';
import type { DnsAnswer, DnsQuestion } from '../../../proxy/upstream/dns/dns-resolver.ts';
import { SystemDnsResolver } from '../../../proxy/upstream/dns/system-dns-resolver.ts';
import { type DnsScript, DnsServer, record, TYPE_A, TYPE_AAAA } from '../../support/dns-server.ts';

/** All questions of this process go to it. */
async function withDnsServer(test: Test, script: DnsScript): Promise<void> {
  const server = new DnsServer(script);
  const port = await server.listen();
  const before = promises.getServers();
  promises.setServers([`127.0.0.1:${port}`]);
  test.teardown(() => {
    promises.setServers(before);
    server.close();
  });
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
  const answer = await ask({
    name: 'localhost',
    family: 'v4-only',
    wantsTtl: false,
    resolver: { kind: 'system' },
  });
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
    ask({ name: 'app.test', family, wantsTtl: true, resolver: { kind: 'system' } });
  const v4 = ['10.0.0.1', '10.0.0.2'];
  t.strictSame(await of('v4-only'), { status: 'completed', ips: v4, ttlMs: 20000 });
  t.strictSame(await of('v4-preferred'), { status: 'completed', ips: v4, ttlMs: 20000 });
  t.strictSame(await of('v6-only'), { status: 'completed', ips: ['::1'], ttlMs: 10000 });
  t.strictSame(await of('auto'), { status: 'completed', ips: ['::1'], ttlMs: 10000 });
  t.strictSame(await of('all'), { status: 'completed', ips: ['::1', ...v4], ttlMs: 10000 });
});

t.test('a name that DNS does not have is looked for in the hosts file', async (t) => {
  await withDnsServer(t, () => ({ rcode: 3, records: [] }));
  const answer = await ask({
    name: 'localhost',
    family: 'v4-only',
    wantsTtl: true,
    resolver: { kind: 'system' },
  });
  t.strictSame(answer, { status: 'completed', ips: ['127.0.0.1'], ttlMs: null });
});

t.test('many questions wait for their turn and all are answered', async (t) => {
  const resolver = new SystemDnsResolver();
  const answers = await Promise.all(
    Array.from(
      { length: 20 },
      () =>
        new Promise<DnsAnswer>((resolve) => {
          resolver.resolve(
            { name: 'localhost', family: 'v4-only', wantsTtl: false, resolver: { kind: 'system' } },
            resolve,
          );
        }),
    ),
  );
  t.ok(answers.every((answer) => answer.status === 'completed' && answer.ips.length === 1));
});
