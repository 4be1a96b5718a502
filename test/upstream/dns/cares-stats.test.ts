// Statistics of questions to DNS servers.
import t from 'tap';
import { StatsStore } from '../../../proxy/stats/store.ts';
import { CountedResolver } from '../../../proxy/upstream/dns/cares-stats.ts';
import type { DnsAnswer, DnsQuestion } from '../../../proxy/upstream/dns/dns-resolver.ts';

const SYSTEM: DnsQuestion = {
  ...{ name: 'a.test', family: 'v4-only', wantsTtl: false },
  resolver: { kind: 'system' },
};

function counted() {
  const stats = new StatsStore(null);
  const waiting: ((answer: DnsAnswer) => void)[] = [];
  const resolver = new CountedResolver({ resolve: (_, done) => void waiting.push(done) }, stats);
  const read = () => {
    const { counters, gauges } = stats.snapshot();
    const all = Object.entries({ ...counters, ...gauges });
    const used = all.filter(([name, value]) => name.startsWith('dns.') && value > 0);
    return used.map(([name, value]) => `${name.replace('dns.cares.', '')}: ${value}`).sort();
  };
  return {
    ask: (q: DnsQuestion) => resolver.resolve(q, () => undefined),
    tell: (a: DnsAnswer) => waiting.shift()?.(a),
    read,
  };
}

t.test('questions are pending, then found or not', async (t) => {
  const { ask, tell, read } = counted();
  t.same(read(), []);
  ask(SYSTEM);
  t.same(read(), ['pending_resolutions: 1']);
  tell({ status: 'completed', ips: ['10.0.0.1'], ttlMs: null });
  t.same(read(), ['resolve_total: 1']);
  ask(SYSTEM);
  tell({ status: 'completed', ips: [], ttlMs: null });
  t.same(read(), ['not_found: 1', 'resolve_total: 2']);
});

t.test('each family that is asked for in turn counts', async (t) => {
  const { ask, tell, read } = counted();
  ask({ ...SYSTEM, family: 'auto' });
  tell({ status: 'completed', ips: ['::1'], ttlMs: null });
  t.same(read(), ['resolve_total: 1']);
  ask({ ...SYSTEM, family: 'auto' });
  tell({ status: 'completed', ips: ['10.0.0.1'], ttlMs: null });
  t.same(read(), ['not_found: 1', 'resolve_total: 3']);
  ask({ ...SYSTEM, family: 'v4-preferred' });
  tell({ status: 'completed', ips: [], ttlMs: null });
  t.same(read(), ['not_found: 3', 'resolve_total: 5']);
});

t.test('failures are late answers, or bad ones', async (t) => {
  const { ask, tell, read } = counted();
  ask(SYSTEM);
  tell({ status: 'failed', reason: 'ETIMEOUT' });
  t.same(read(), ['resolve_total: 1', 'timeouts: 4']);
  ask(SYSTEM);
  tell({ status: 'failed', reason: 'ESERVFAIL' });
  t.same(read(), ['get_addr_failure: 1', 'reinits: 1', 'resolve_total: 2', 'timeouts: 4']);
});

t.test('getaddrinfo has no such statistics, as in Envoy', async (t) => {
  const { ask, tell, read } = counted();
  ask({ ...SYSTEM, resolver: { kind: 'getaddrinfo' } });
  tell({ status: 'completed', ips: [], ttlMs: null });
  t.same(read(), []);
});
