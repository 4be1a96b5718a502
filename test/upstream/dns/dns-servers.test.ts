// Names by DNS servers that a configuration names.
import t, { type Test } from 'tap';
import type { DnsServersConfig } from '../../../proxy/model/dns.ts';
import type { DnsAnswer, DnsQuestion } from '../../../proxy/upstream/dns/dns-resolver.ts';
import { SystemDnsResolver } from '../../../proxy/upstream/dns/system-dns-resolver.ts';
import { type DnsScript, DnsServer, record, TYPE_A } from '../../support/dns-server.ts';

const KNOWN = { rcode: 0, records: [record(TYPE_A, 30, [10, 0, 0, 1])] };

async function server(test: Test, script: DnsScript): Promise<DnsServer & { port: number }> {
  const made = new DnsServer(script);
  const port = await made.listen();
  test.teardown(() => made.close());
  return Object.assign(made, { port });
}

function ask(
  ports: readonly number[],
  more: Partial<DnsServersConfig> & { readonly name?: string } = {},
): Promise<DnsAnswer> {
  const { name = 'app.test', ...config } = more;
  const question: DnsQuestion = {
    ...{ name, family: 'v4-only', wantsTtl: false },
    resolver: {
      ...{ kind: 'servers', servers: ports.map((port) => `127.0.0.1:${port}`) },
      ...{
        isFallback: false,
        rotates: false,
        noSearch: true,
        timeoutMs: 300,
        tries: 2,
        filtersUnroutable: false,
      },
      ...config,
    },
  };
  return new Promise((resolve) => new SystemDnsResolver().resolve(question, resolve));
}

t.test('asks the servers that are named, and tells the time to live', async (t) => {
  const named = await server(t, () => KNOWN);
  const answer = await ask([named.port]);
  t.strictSame(answer, { status: 'completed', ips: ['10.0.0.1'], ttlMs: 30_000 });
  t.same(
    named.questions.map(({ text }) => text),
    ['A app.test'],
  );
});

t.test('goes to the next server when one is silent', async (t) => {
  const silent = await server(t, () => null);
  const named = await server(t, () => KNOWN);
  t.match(await ask([silent.port, named.port], { timeoutMs: 100 }), { ips: ['10.0.0.1'] });
});

t.test('rotate_nameservers begins with another server each time', async (t) => {
  const one = await server(t, () => KNOWN);
  const other = await server(t, () => KNOWN);
  for (let count = 0; count < 4; count += 1) {
    await ask([one.port, other.port], { rotates: true });
  }
  t.same([one.questions.length, other.questions.length], [2, 2]);
  await ask([one.port, other.port]);
  await ask([one.port, other.port]);
  t.same([one.questions.length, other.questions.length], [4, 2], 'as written without it');
});

t.test('asks so often and no more, and then it has failed', async (t) => {
  const silent = await server(t, () => null);
  const answer = await ask([silent.port], { timeoutMs: 50, tries: 2 });
  t.match(answer, { status: 'failed', reason: 'ETIMEOUT' });
  t.equal(silent.questions.length, 2);
});

t.test(
  'a name that does not exist has no addresses; a server in trouble says nothing',
  async (t) => {
    const missing = await server(t, () => ({ rcode: 3, records: [] }));
    t.strictSame(await ask([missing.port]), { status: 'completed', ips: [], ttlMs: null });
    const broken = await server(t, () => ({ rcode: 2, records: [] }));
    t.match(await ask([broken.port], { tries: 1 }), { status: 'failed' });
  },
);

t.test('the hosts file goes before the servers', async (t) => {
  const named = await server(t, () => KNOWN);
  t.match(await ask([named.port], { name: 'localhost' }), { ips: ['127.0.0.1'] });
  t.equal(named.questions.length, 0);
});

t.test('families without an interface are left out where that is asked for', async (t) => {
  const named = await server(t, () => KNOWN);
  const { ips } = {
    ips: [] as readonly string[],
    ...(await ask([named.port], { filtersUnroutable: true })),
  };
  t.ok(ips.length <= 1, 'an address of a family that may be there');
});
