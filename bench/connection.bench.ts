// What a new connection costs on its way to its filter chain: one listener with one chain, against
// a sidecar that restores the original destination, hands over among 500 listeners and chooses
// among 1,000 chains. Run: node dist/bench/connection.bench.js [rounds]

import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { type SocketAddress, socketAddress } from '../proxy/base/address.ts';
import { privateCells } from '../proxy/base/cells/shared-cells.ts';
import { SILENT_LOG } from '../proxy/base/log.ts';
import { TimerWheel } from '../proxy/base/timer-wheel.ts';
import { originalDstDefinition } from '../proxy/filters/listener/original-dst.ts';
import {
  type CandidateConnection,
  DONE,
  type ListenerFilterDefinition,
} from '../proxy/filters/listener-filter.ts';
import type {
  DownstreamConnection,
  NetworkFilterDefinition,
  WorkerServices,
} from '../proxy/filters/network-filter.ts';
import { NO_OVERLOAD } from '../proxy/filters/network-filter.ts';
import { ActiveListener } from '../proxy/listener/active-listener.ts';
import { ConnectionBudget } from '../proxy/listener/connection-budget.ts';
import { ServerDrains } from '../proxy/listener/drain-sequence.ts';
import { ListenersByAddress } from '../proxy/listener/listeners-by-address.ts';
import {
  type FilterChainConfig,
  type FilterChainMatchConfig,
  type ListenerConfig,
  MATCH_ALL,
} from '../proxy/model/listener.ts';
import { RAW_TRANSPORT } from '../proxy/model/transport-socket.ts';
import { descriptorOf } from '../proxy/net/accepted-socket.ts';
import type { Connection } from '../proxy/net/connection.ts';
import { StatsStore } from '../proxy/stats/store.ts';

const LOOP = 20_000;
const LISTENERS = 500;
const CHAINS = 1_000;
const NOTHING = (): void => undefined;

const NO_BYTES = Buffer.alloc(0);

let consumed = 0;

/** The descriptor of a real connection for the kernel to look at. */
async function openConnection(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  connect(port, '127.0.0.1').unref();
  const [socket] = (await once(server, 'connection')) as [Socket];
  socket.unref();
  server.unref();
  return descriptorOf(socket);
}

const fileDescriptor = await openConnection();

const TERMINAL = {
  factory: () => ({
    create: (): DownstreamConnection => {
      consumed += 1;
      return {
        ...{ onConnected: NOTHING, onBytes: NOTHING, onEnd: NOTHING, onDrain: NOTHING },
        ...{ onClose: NOTHING, drain: NOTHING, closeIfIdle: NOTHING },
      };
    },
  }),
} as unknown as NetworkFilterDefinition;

/** Where the next connection was going; stands for the kernel's answer. */
let destination: SocketAddress = socketAddress('10.0.0.1', 80);

/** Asks the kernel as the real filter does; what it would say of a redirected one is made up. */
const ORIGINAL_DESTINATION: ListenerFilterDefinition = {
  ...originalDstDefinition,
  factory: (config, services, scope) => {
    const real = originalDstDefinition.factory(config, services, scope).create();
    const inspect = (candidate: CandidateConnection): typeof DONE => {
      real.inspect(candidate, NO_BYTES, 0);
      candidate.localAddress = destination;
      candidate.isLocalAddressRestored = true;
      return DONE;
    };
    return { create: () => ({ inspect }) };
  },
} as ListenerFilterDefinition;

function chain(match: Partial<FilterChainMatchConfig>): FilterChainConfig {
  const filters = [{ name: 'terminal', definition: TERMINAL, config: null, disabled: false }];
  return {
    name: '',
    filters: filters as FilterChainConfig['filters'],
    match: { ...MATCH_ALL, ...match },
    metadata: {},
    transport: RAW_TRANSPORT,
    transportConnectTimeoutMs: 0,
  };
}

/** Ports, networks and protocols as a sidecar's inbound listener has them. */
function manyChains(): FilterChainConfig[] {
  return Array.from({ length: CHAINS }, (_, index) => {
    const kind = index % 4;
    return chain({
      destinationPort: 1000 + Math.floor(index / 4),
      ...(kind < 2 ? {} : { prefixRanges: [{ octets: [10, 0, 0, 0], length: 8 }] }),
      transportProtocol: kind % 2 === 0 ? 'tls' : 'raw_buffer',
    });
  });
}

const clock = { nowMs: () => 0, wallMs: () => 0 };
const services = {
  clock,
  stats: new StatsStore(null),
  timers: new TimerWheel(0),
  cells: privateCells(() => 0),
  log: SILENT_LOG.logger(''),
} as unknown as WorkerServices;
let byAddress = new ListenersByAddress<ActiveListener>([]);

function listener(changes: Partial<ListenerConfig>): ActiveListener {
  const config = {
    name: 'l',
    addresses: [],
    statPrefix: 'bench',
    filterChains: [chain({})],
    defaultFilterChain: null,
    listenerFilters: [],
    listenerFiltersTimeoutMs: 15_000,
    connectionLimit: null,
    useOriginalDst: false,
    ...changes,
  } as unknown as ListenerConfig;
  return new ActiveListener(config, services, {
    budget: new ConnectionBudget(Number.POSITIVE_INFINITY, null),
    health: { isFailed: false, overload: NO_OVERLOAD },
    drains: new ServerDrains({ settings: NEVER_DRAINS, ...services }),
    workerIndex: 0,
    findByAddress: (address) => byAddress.find(address),
  });
}

const NEVER_DRAINS = { timeMs: 0, strategy: 'immediate' } as const;

const remote = socketAddress('10.9.9.9', 40_000);
const local = socketAddress('10.0.0.5', 15_001);

/** Accepts, serves and ends one connection. */
function connectOnce(to: ActiveListener, id: number): void {
  const connection = {
    ...{ id, localAddress: local, remoteAddress: remote, onGone: null },
    ...{ setHandler: NOTHING, resumeReading: NOTHING, close: NOTHING },
  } as unknown as Connection;
  to.serve({ connection, fileDescriptor, start: NOTHING });
  connection.onGone?.(connection);
}

const plain = listener({});
const outbound = listener({
  useOriginalDst: true,
  listenerFilters: [
    {
      ...{ name: 'original_dst', definition: ORIGINAL_DESTINATION, config: null },
      ...{ disabled: false, disabledWhen: null },
    },
  ],
});
const busy = manyChains();
byAddress = new ListenersByAddress(
  Array.from({ length: LISTENERS }, (_, index) =>
    listener({
      addresses: [
        socketAddress(
          index % 2 === 0 ? `10.0.${index >> 8}.${index & 255}` : '0.0.0.0',
          1000 + index,
        ),
      ],
      filterChains: index < 2 ? busy : [chain({})],
    }),
  ),
);
/** Exact address, and any address. */
const DESTINATIONS = [socketAddress('10.0.0.0', 1000), socketAddress('10.77.0.1', 1001)];

const CASES: readonly (readonly [string, (run: number) => void])[] = [
  ['one listener, one chain', (run) => connectOnce(plain, run)],
  [
    `${LISTENERS} listeners, ${CHAINS.toLocaleString('en')} chains`,
    (run) => {
      destination = DESTINATIONS[run & 1] as SocketAddress;
      connectOnce(outbound, run);
    },
  ],
];

const rounds = Number(process.argv[2] ?? 9);
const best = new Map<string, number>();
for (let round = 0; round < rounds; round += 1) {
  for (const [name, one] of CASES) {
    const start = process.cpuUsage();
    for (let run = 0; run < LOOP; run += 1) one(run);
    const used = process.cpuUsage(start);
    const micros = (used.user + used.system) / LOOP;
    best.set(name, Math.min(micros, best.get(name) ?? Number.POSITIVE_INFINITY));
  }
}
console.log(`node ${process.version}, ${consumed} connections, best of ${rounds} rounds`);
for (const [name, micros] of best) console.log(`${name.padEnd(28)} ${micros.toFixed(2)} µs`);
const [few = 0, many = 0] = best.values();
console.log(`difference: ${(many - few).toFixed(2)} µs a connection`);
