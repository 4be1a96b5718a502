// The DNS server fails: what was found before stays in use, and the name is not asked for all the time.
import { setTimeout as delay } from 'node:timers/promises';
import { DnsServer, record, TYPE_A } from '../support/dns-server.ts';
import { spawnServer } from '../support/spawn-server.ts';
import { chaosBootstrap, dnsCluster, PLAIN } from './chaos-bootstrap.ts';
import { Load } from './client.ts';
import { SickUpstream } from './sick-upstream.ts';
import type { Verdict } from './verdict.ts';

const WATCH_MS = 11_000;
/** A name is not asked for again before this, by a cluster with default intervals. */
const MIN_INTERVAL_MS = 5000;
/** Clocks and timers are only so exact. */
const SLACK_MS = 50;
const CLUSTERS = 3;
const LOAD = { clients: 2, pauseMs: 50 };
const FOUND = { rcode: 0, records: [record(TYPE_A, 1, [127, 0, 0, 1])] };
const FAILING = { rcode: 2, records: [] };

/** Three clusters share a name whose answers live for a second. */
export async function dnsFailure(): Promise<readonly Verdict[]> {
  const upstream = await SickUpstream.start();
  const dns = new DnsServer((_, type) => (type === TYPE_A ? FOUND : { rcode: 0, records: [] }));
  const names = Array.from({ length: CLUSTERS }, (_, index) => (index === 0 ? 'c' : `c${index}`));
  const place = { port: upstream.port, dnsPort: await dns.listen() };
  const clusters = names.map((name) => dnsCluster(name, place));
  const server = await spawnServer(() => chaosBootstrap(clusters, { route: PLAIN }));
  try {
    dns.script = () => FAILING;
    const port = Number((await server.listener('main')).split(':').at(-1));
    const load = new Load(port, LOAD);
    await delay(WATCH_MS);
    const outcomes = await load.stop();
    const failed = outcomes.filter(({ status }) => status !== 200).length;
    const times = dns.questions.map(({ atMs }) => atMs);
    const gaps = times.slice(1).map((atMs, index) => atMs - (times[index] ?? 0));
    const least = Math.min(...gaps);
    return [
      {
        what: 'DNS server answers SERVFAIL',
        goal: 'last addresses stay: 0 failed GETs',
        measured: `${failed} of ${outcomes.length} failed`,
        passed: failed === 0 && outcomes.length > 0,
      },
      {
        what: `${CLUSTERS} clusters with one name`,
        goal: `a query per name in ${MIN_INTERVAL_MS} ms`,
        measured: `${times.length} queries, ${Math.round(least)} ms apart at least`,
        passed: gaps.length > 0 && least >= MIN_INTERVAL_MS - SLACK_MS,
      },
    ];
  } finally {
    server.kill('SIGKILL');
    await server.exited;
    dns.close();
    await upstream.stop();
  }
}
