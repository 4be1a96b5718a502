// Compares what two proxies count: which names there are, and what has changed after an exchange.
import { eventually } from '../support/eventually.ts';
import type { AnyTwinCase, Twin, Twins } from '../support/with-twins.ts';
import type { Assertions } from './compare-cases.ts';

/** Whole subtrees that Outrigger does not have: see docs/differences.md. */
const NOT_OURS =
  /^(envoy\.|http\.(admin|async-client)\.|listener\.admin\.|main_thread\.|overload\.|runtime\.|server\.|thread_local_cluster_manager\.|workers\.)|\.worker_\d+\.|\.total_match_count$|^listener_manager\.workers_pinned$/;
/**
 * What says how long, not what, and what differs on purpose: Envoy sends its FIN behind
 * delayed_close_timeout, Outrigger at once.
 */
const NOT_COMPARED =
  /delayed_close_timeout|rx_bytes_buffered|^(cluster_manager|dns|filesystem|http1|listener_manager)\./;
const COMPARED = /^(cluster|http|http1|http2|listener)\./;
const NONE = /^$/;

type Stats = Readonly<Record<string, string>>;

async function statsOf(twin: Twin): Promise<Stats> {
  const text = await (await fetch(`${twin.admin}/stats`)).text();
  const pairs = text.split('\n').flatMap((line) => {
    const colon = line.indexOf(': ');
    return colon === -1
      ? []
      : [[twin.mask(line.slice(0, colon)), comparable(line.slice(colon + 2))]];
  });
  return Object.fromEntries(pairs);
}

/** Histograms are compared by whether there is anything in them. */
function comparable(text: string): string {
  return text.startsWith('P0') ? 'some values' : text.replace('No recorded values', '0');
}

/** What is not 0, but for what is not compared. */
function used(stats: Stats, areHistograms: boolean, ignored: RegExp): Stats {
  const entries = Object.entries(stats).filter(
    ([name, value]) =>
      value !== '0' &&
      (value === 'some values') === areHistograms &&
      COMPARED.test(name) &&
      !NOT_OURS.test(name) &&
      !ignored.test(name) &&
      !NOT_COMPARED.test(name),
  );
  return Object.fromEntries(entries.sort());
}

/** Nothing is open any more but what the pool keeps. */
async function settled(twin: Twin): Promise<void> {
  await eventually(async () => {
    const open = Object.entries(await statsOf(twin)).filter(
      ([name, value]) =>
        value !== '0' && /^(http\.(?!admin)|listener\.127|cluster\.).*(cx|rq)_active$/.test(name),
    );
    return open.every(([name]) => /^cluster\.pooled\w*\.upstream_cx_active$/.test(name));
  });
}

/** Names of Envoy's statistics that Outrigger has not, where both are idle. */
export async function missingNames({ ours, envoy }: Twins): Promise<readonly string[]> {
  const idle = await statsOf(ours);
  return Object.keys(await statsOf(envoy)).filter(
    (name) => !(name in idle) && !NOT_OURS.test(name),
  );
}

/** Asserts case by case, each run alone on both, that the same counters changed. */
export async function compareStats(
  t: Assertions,
  { ours, envoy }: Twins,
  cases: readonly AnyTwinCase[],
  ignored = NONE,
): Promise<void> {
  for (const each of cases) {
    for (const twin of [ours, envoy]) {
      await fetch(`${twin.admin}/reset_counters`, { method: 'POST' });
      await twin.runOne(each);
      await settled(twin);
    }
    const counters = async (twin: Twin) => used(await statsOf(twin), false, ignored);
    t.same(await counters(ours), await counters(envoy), each.title);
  }
  const histograms = async (twin: Twin) => Object.keys(used(await statsOf(twin), true, ignored));
  const filled = await histograms(ours);
  await eventually(async () => (await histograms(envoy)).length >= filled.length).catch(
    () => undefined,
  );
  t.same(filled, await histograms(envoy), 'histograms');
}
