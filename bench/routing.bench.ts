// Nanoseconds per route match with one and with a thousand virtual hosts, and what a table of ten
// thousand routes costs: compiling, and the longest time that building it blocks a worker's loop.
// Warm loops: good for comparing designs, not for adding up. Run: node dist/bench/routing.bench.js
import { create, type MessageInitShape } from '@bufbuild/protobuf';
import type { VirtualHostSchema } from '../proxy/api/gen/envoy/config/route/v3/route_components_pb.js';
import {
  type RouteConfiguration,
  RouteConfigurationSchema,
} from '../proxy/api/gen/envoy/config/route/v3/route_pb.js';
import { socketAddress } from '../proxy/base/address.ts';
import {
  compileRouteTable,
  compileRouteTableInSteps,
} from '../proxy/config/compile/route-table.ts';
import { ProblemSink } from '../proxy/config/schema/compile-context.ts';
import { HeaderList } from '../proxy/http/header-list.ts';
import { RequestHead } from '../proxy/http/message.ts';
import { StreamInfo } from '../proxy/http/stream-info.ts';
import type { RouteTableConfig } from '../proxy/model/route.ts';
import { buildRouteTable } from '../proxy/routing/build-route-table.ts';
import type { RouteMatchInput, RouteTable } from '../proxy/routing/route-table.ts';
import { compileEnvironment } from '../proxy/server/compiler.ts';
import { StatsStore } from '../proxy/stats/store.ts';

const LOOP = 200_000;
const ROUNDS = 7;
const HOSTS = 1000;
const ROUTES = 100;

let consumed = 0;

function virtualHost(index: number, domain: string, routes: number) {
  const host: MessageInitShape<typeof VirtualHostSchema> = {
    name: `host-${index}`,
    domains: [domain],
    routes: Array.from({ length: routes }, (_, route) => ({
      name: `route-${route}`,
      match: {
        pathSpecifier: {
          case: 'prefix' as const,
          value: route === routes - 1 ? '/' : `/p${route}/`,
        },
      },
      action: {
        case: 'route' as const,
        value: { clusterSpecifier: { case: 'cluster' as const, value: 'upstream' } },
      },
    })),
  };
  return host;
}

function tableMessage(hosts: number, routes: number, domain: (index: number) => string) {
  const virtualHosts = Array.from({ length: hosts }, (_, index) =>
    virtualHost(index, domain(index), routes),
  );
  return create(RouteConfigurationSchema, { name: 'bench', virtualHosts });
}

function compiled(message: RouteConfiguration): RouteTableConfig {
  const sink = new ProblemSink(compileEnvironment(new Map(), null));
  const config = compileRouteTable(message, sink.context());
  if (config === null) throw new Error(JSON.stringify(sink.rejections));
  return config;
}

function built(config: RouteTableConfig): RouteTable {
  return buildRouteTable(config, { stats: new StatsStore(null), planner: null });
}

function input(): RouteMatchInput {
  const address = socketAddress('127.0.0.1', 1);
  const downstream = {
    ...{ id: 1, directRemoteAddress: address, localAddress: address },
    ...{ remoteAddress: address, directLocalAddress: address, filterState: null },
    ...{ requestedServerName: '', filterChainName: '', tls: null },
  };
  return { streamRandom: 7, info: new StreamInfo(downstream, 0, 0) };
}

function head(authority: string, path: string): RequestHead {
  const headers = HeaderList.of('x-forwarded-proto', 'http', 'user-agent', 'bench');
  return new RequestHead('HTTP/1.1', 'GET', { path, authority, scheme: 'http' }, headers);
}

/** Ns per match over these requests in turn; the best of all rounds. */
function nsPerMatch(table: RouteTable, heads: readonly RequestHead[]): number {
  const facts = input();
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < ROUNDS; round += 1) {
    const started = process.hrtime.bigint();
    for (let index = 0; index < LOOP; index += 1) {
      const lookup = table.match(heads[index % heads.length]!, facts);
      if (lookup.kind === 'route') consumed += 1;
    }
    best = Math.min(best, Number(process.hrtime.bigint() - started) / LOOP);
  }
  return best;
}

/** As requests have them: every authority is a fresh text, so that nothing is hashed already. */
function heads(count: number, authority: (index: number) => string, path: string): RequestHead[] {
  return Array.from({ length: count }, (_, index) =>
    head(Buffer.from(authority(index)).toString('latin1'), path),
  );
}

function ms(work: () => unknown): number {
  const started = process.hrtime.bigint();
  if (work() !== null) consumed += 1;
  return Number(process.hrtime.bigint() - started) / 1e6;
}

function print(what: string, value: number, unit: string): void {
  process.stdout.write(`${what.padEnd(64)}${value.toFixed(1).padStart(10)} ${unit}\n`);
}

function benchMatches(): void {
  const exact = (index: number) => `service-${index}.default.svc.cluster.local`;
  const suffix = (index: number) => `*.tenant-${index}.example.test`;
  const one = built(compiled(tableMessage(1, 1, exact)));
  print('1 virtual host, 1 route', nsPerMatch(one, heads(1, exact, '/x')), 'ns');
  const hundred = built(compiled(tableMessage(1, ROUTES, exact)));
  print('1 virtual host, 100 routes, first', nsPerMatch(hundred, heads(1, exact, '/p0/x')), 'ns');
  print('1 virtual host, 100 routes, last', nsPerMatch(hundred, heads(1, exact, '/x')), 'ns');
  const many = built(compiled(tableMessage(HOSTS, ROUTES, exact)));
  print('1,000 exact hosts, same one', nsPerMatch(many, heads(1, exact, '/p0/x')), 'ns');
  print('1,000 exact hosts, 1,000 in turn', nsPerMatch(many, heads(HOSTS, exact, '/p0/x')), 'ns');
  print('1,000 exact hosts, last route', nsPerMatch(many, heads(1, exact, '/x')), 'ns');
  const wild = built(compiled(tableMessage(HOSTS, ROUTES, suffix)));
  const below = (index: number) => `www.tenant-${index}.example.test`;
  print(
    '1,000 suffixes of 4 lengths, in turn',
    nsPerMatch(wild, heads(HOSTS, below, '/p0/x')),
    'ns',
  );
}

/** Longest step of compiling, in ms: what blocks a loop that takes turns with it. */
function longestStepMs(message: RouteConfiguration): number {
  const sink = new ProblemSink(compileEnvironment(new Map(), null));
  const steps = compileRouteTableInSteps(message, sink.context(), 'discovered');
  let longest = 0;
  for (let isDone = false; !isDone; ) {
    longest = Math.max(
      longest,
      ms(() => {
        isDone = steps.next().done === true;
      }),
    );
  }
  return longest;
}

function benchBuild(): void {
  for (const [hosts, routes] of [
    [100, 100],
    [1, 10_000],
  ] as const) {
    const message = tableMessage(hosts, routes, (index) => `h${index}.test`);
    const size = `${hosts} hosts x ${routes} routes`;
    let config: RouteTableConfig | null = null;
    print(
      `${size}: compile`,
      ms(() => (config = compiled(message))),
      'ms',
    );
    print(`${size}: longest step of compiling`, longestStepMs(message), 'ms');
    print(
      `${size}: build`,
      ms(() => config !== null && built(config)),
      'ms',
    );
  }
}

benchBuild();
benchMatches();
if (consumed === 0) throw new Error('nothing was measured');
