import t from 'tap';
import { socketAddress } from '../../proxy/base/address.ts';
import { privateCells } from '../../proxy/base/cells/shared-cells.ts';
import { SILENT_LOG } from '../../proxy/base/log.ts';
import { TimerWheel } from '../../proxy/base/timer-wheel.ts';
import { DiscoveredHub } from '../../proxy/filters/discovered-configs.ts';
import { type CandidateConnection, DONE, WAIT } from '../../proxy/filters/listener-filter.ts';
import type {
  DownstreamConnection,
  NetworkFilterDefinition,
  OverloadState,
  WorkerServices,
} from '../../proxy/filters/network-filter.ts';
import type { FormatContext } from '../../proxy/formatter/formatter.ts';
import { ActiveListener } from '../../proxy/listener/active-listener.ts';
import { ConnectionBudget } from '../../proxy/listener/connection-budget.ts';
import { ServerDrains } from '../../proxy/listener/drain-sequence.ts';
import { type ListenerConfig, MATCH_ALL } from '../../proxy/model/listener.ts';
import { RAW_TRANSPORT } from '../../proxy/model/transport-socket.ts';
import { UNWATCHED } from '../../proxy/model/watched-file.ts';
import type { Connection } from '../../proxy/net/connection.ts';
import { MEMORY_STAGES } from '../../proxy/server/overload-monitor.ts';
import { StatsStore } from '../../proxy/stats/store.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { type FakeConnection, FakeConnector } from '../support/fake-connector.ts';
import { seededRandom } from '../support/seeded-random.ts';

const NOTHING = (): void => undefined;

/** A filter that writes down what its listener asks of it. */
class Probe implements DownstreamConnection {
  readonly asked: string[] = [];
  readonly onConnected = NOTHING;
  readonly onBytes = NOTHING;
  readonly onEnd = NOTHING;
  readonly onDrain = NOTHING;
  readonly onClose = NOTHING;

  drain(lingerMs: number): void {
    this.asked.push(`drain ${lingerMs}`);
  }

  closeIfIdle(): void {
    this.asked.push('close if idle');
  }
}

interface Rig {
  readonly listener: ActiveListener;
  readonly probes: Probe[];
  /** Its access log. */
  readonly lines: string[];
  readonly stats: StatsStore;
  readonly drains: ServerDrains;
  readonly health: { isFailed: boolean; overload: OverloadState };
  accept(): Connection;
}

/** A listener filter that finds that the client meant this address. */
function restores(ip: string): unknown {
  const inspect = (candidate: CandidateConnection): number => {
    candidate.localAddress = socketAddress(ip, 443);
    candidate.isLocalAddressRestored = true;
    return DONE;
  };
  const definition = { factory: () => ({ create: () => ({ inspect }) }) };
  return { name: 'restore', definition, config: null, disabled: false, disabledWhen: null };
}

interface RigOptions {
  readonly limit?: number;
  readonly others?: ReadonlyMap<string, Rig>;
}

function rig(config: Partial<ListenerConfig> = {}, options: RigOptions = {}): Rig {
  const { limit = 100, others = new Map<string, Rig>() } = options;
  const clock = new FakeClock();
  const stats = new StatsStore(null);
  const probes: Probe[] = [];
  const lines: string[] = [];
  const definition = {
    factory: () => ({
      create: () => {
        const probe = new Probe();
        probes.push(probe);
        return probe;
      },
    }),
  } as unknown as NetworkFilterDefinition;
  const timers = new TimerWheel(0);
  const services = {
    clock,
    stats,
    timers,
    cells: privateCells(() => 0),
    log: SILENT_LOG.logger(''),
    discovered: new DiscoveredHub(),
    files: UNWATCHED,
    openAccessLog: () => ({ write: (context: FormatContext) => lines.push(lineOf(context)) }),
  } as unknown as WorkerServices;
  const health = { isFailed: false, overload: MEMORY_STAGES.none };
  const chain = {
    name: '',
    match: MATCH_ALL,
    transport: RAW_TRANSPORT,
    transportConnectTimeoutMs: 0,
    filters: [{ name: 'probe', definition, config: null, disabled: false }],
  };
  const full = {
    name: 'l',
    addresses: [],
    statPrefix: '127.0.0.1_80',
    filterChains: [chain],
    defaultFilterChain: null,
    listenerFilters: [],
    accessLogs: [],
    listenerFiltersTimeoutMs: 0,
    connectionLimit: null,
    ignoreGlobalConnectionLimit: false,
    drainType: 'default',
    perConnectionBufferLimitBytes: 1000,
    ...config,
  } as unknown as ListenerConfig;
  const budget = new ConnectionBudget(limit, null);
  const settings = { timeMs: 10_000, strategy: 'immediate' } as const;
  const drains = new ServerDrains({ settings, clock, random: seededRandom(1) });
  const listener = new ActiveListener(full, services, {
    ...{ budget, health, workerIndex: 0, drains },
    findByAddress: ({ text }) => others.get(text)?.listener ?? null,
  });
  const connector = new FakeConnector();
  const accept = (): Connection => {
    const target = { ip: '127.0.0.1', port: 1, text: '127.0.0.1:1' };
    const options = { bufferLimitBytes: 1, keepalive: null, bindAddress: null };
    const connection = connector.connect(target, options, new Probe());
    listener.serve({ connection, fileDescriptor: -1, start: NOTHING });
    return connection;
  };
  return { listener, probes, stats, health, drains, accept, lines };
}

function lineOf({ info, logType }: FormatContext): string {
  const { flags, responseCodeDetails, downstream } = info;
  return [logType, downstream.localAddress.text, ...(flags ?? []), responseCodeDetails].join(' ');
}

const counter = (stats: StatsStore, name: string): number =>
  stats.counter(`listener.127.0.0.1_80.${name}`).value;

t.test('counts connections while they are there', async (t) => {
  const { listener, stats, accept } = rig();
  let emptied = 0;
  listener.onEmpty = () => {
    emptied += 1;
  };
  const connection = accept();
  t.equal(listener.connectionCount, 1);
  t.equal(counter(stats, 'downstream_cx_total'), 1);
  connection.onGone?.(connection);
  connection.onGone?.(connection);
  t.equal(listener.connectionCount, 0);
  t.equal(counter(stats, 'downstream_cx_destroy'), 1);
  t.equal(emptied, 1);
});

t.test('accepts up to its own limit and counts what is over it', async (t) => {
  const { listener, stats, accept } = rig({ connectionLimit: { value: 1 } });
  t.ok(listener.mayAccept());
  accept();
  t.notOk(listener.mayAccept());
  t.equal(counter(stats, 'downstream_cx_overflow'), 1);
});

t.test('accepts up to the limit of all listeners unless it ignores it', async (t) => {
  const strict = rig({}, { limit: 1 });
  strict.accept();
  t.notOk(strict.listener.mayAccept());
  t.equal(counter(strict.stats, 'downstream_global_cx_overflow'), 1);
  const lenient = rig({ ignoreGlobalConnectionLimit: true }, { limit: 1 });
  lenient.accept();
  t.ok(lenient.listener.mayAccept());
});

t.test('short memory ends connections first and refuses new ones last', async (t) => {
  const { listener, probes, stats, health, accept } = rig();
  accept();
  t.notOk(listener.shouldDrainClose());
  health.overload = MEMORY_STAGES.shedding;
  listener.forEachConnection((connection) => connection.closeIfIdle());
  t.same(probes[0]?.asked, ['close if idle']);
  t.ok(listener.overload.endsConnections);
  t.notOk(listener.shouldDrainClose(), 'which is another reason');
  t.ok(listener.mayAccept());
  health.overload = MEMORY_STAGES.refusing;
  t.notOk(listener.mayAccept());
  t.equal(counter(stats, 'downstream_cx_overload_reject'), 1);
});

t.test('a failed health check drains listeners of the default drain type only', async (t) => {
  const byDefault = rig();
  byDefault.health.isFailed = true;
  t.ok(byDefault.listener.shouldDrainClose());
  const modifyOnly = rig({ drainType: 'modify-only' });
  modifyOnly.health.isFailed = true;
  t.notOk(modifyOnly.listener.shouldDrainClose());
});

t.test('drains with the process, or with inbound listeners only', async (t) => {
  const [inbound, other] = [rig({ trafficDirection: 'inbound' }), rig()];
  for (const { drains } of [inbound, other]) drains.begin(true);
  t.ok(inbound.listener.shouldDrainClose());
  t.notOk(other.listener.shouldDrainClose());
  other.drains.begin(false);
  t.ok(other.listener.shouldDrainClose());
  const alone = rig();
  alone.accept();
  alone.listener.beginDrain();
  t.ok(alone.listener.shouldDrainClose());
  t.same(alone.probes[0]?.asked, [], 'nobody is told before the drain time is over');
});

t.test('draining tells every connection', async (t) => {
  const { listener, probes, accept } = rig();
  accept();
  accept();
  listener.endIdle(null, 50);
  for (const probe of probes) t.same(probe.asked, ['drain 50']);
  t.ok(listener.shouldDrainClose());
});

t.test(
  'who gets its filter chain when its listener drains is drained with the others',
  async (t) => {
    const inspect = (_candidate: CandidateConnection, _bytes: Buffer, length: number): number =>
      length === 0 ? WAIT : DONE;
    const definition = { factory: () => ({ create: () => ({ inspect }) }) };
    const waits = { name: 'w', definition, config: null, disabled: false, disabledWhen: null };
    const { listener, probes, accept } = rig({ listenerFilters: [waits as never] });
    const connection = accept() as FakeConnection;
    connection.accept();
    listener.endIdle(null, 7);
    t.equal(probes.length, 0, 'it has no filter yet');
    connection.receive('x');
    t.same(probes[0]?.asked, ['drain 7']);
  },
);

t.test('without a filter chain a connection is closed and counted', async (t) => {
  const { listener, stats, accept } = rig({ filterChains: [] });
  accept();
  t.equal(listener.connectionCount, 0);
  t.equal(counter(stats, 'no_filter_chain_match'), 1);
});

const ELSEWHERE = { ...MATCH_ALL, destinationPort: 9 };

t.test('hands a connection to the listener of the address that the client meant', async (t) => {
  const target = rig({ listenerFilters: [restores('10.0.0.9')] as never, useOriginalDst: true });
  const others = new Map([['10.0.0.1:443', target]]);
  const options = { useOriginalDst: true, listenerFilters: [restores('10.0.0.1')] as never };
  const first = rig(options, { others });
  const connection = first.accept();
  t.equal(first.listener.connectionCount, 0);
  t.equal(counter(first.stats, 'downstream_cx_total'), 0);
  t.equal(target.listener.connectionCount, 1);
  t.equal(counter(target.stats, 'downstream_cx_total'), 1);
  connection.onGone?.(connection);
  t.equal(target.listener.connectionCount, 0);
  const [alone, unasked] = [rig(options), rig({ ...options, useOriginalDst: false }, { others })];
  for (const stays of [alone, unasked]) {
    stays.accept();
    t.equal(stays.listener.connectionCount, 1);
  }
});

t.test('a connection is handed on once', async (t) => {
  const back = new Map<string, Rig>();
  const listenerFilters = [restores('10.0.0.1')] as never;
  const target = rig({ useOriginalDst: true, listenerFilters }, { others: back });
  const first = rig(
    { useOriginalDst: true, listenerFilters },
    { others: new Map([['10.0.0.1:443', target]]) },
  );
  back.set('10.0.0.1:443', first);
  first.accept();
  t.equal(target.listener.connectionCount, 1);
  t.equal(first.listener.connectionCount, 0);
});

t.test('logs each connection when it ends, and why it got no chain', async (t) => {
  const accessLogs = [{}] as never;
  const served = rig({ accessLogs });
  const connection = served.accept();
  t.same(served.lines, []);
  connection.onGone?.(connection);
  t.match(served.lines, [/^NotSet \S+ $/]);
  const transport = { transport: RAW_TRANSPORT, transportConnectTimeoutMs: 0 };
  const filterChains = [{ name: 'x', match: ELSEWHERE, filters: [], metadata: {}, ...transport }];
  const refused = rig({ accessLogs, filterChains });
  refused.accept();
  t.match(refused.lines, [/^NotSet \S+ NR filter_chain_not_found$/]);
  t.equal(counter(refused.stats, 'no_filter_chain_match'), 1);
  t.equal(refused.listener.connectionCount, 0);
});
