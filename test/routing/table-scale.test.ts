// That tables stay fast when they are large. Limits are far from what is measured, and times are
// those of the processor: they hold on a machine that does other things, and fail on a design whose
// cost grows with the number of virtual hosts.
import { create } from '@bufbuild/protobuf';
import t from 'tap';
import { RouteConfigurationSchema } from '../../proxy/api/gen/envoy/config/route/v3/route_pb.js';
import { compileRouteTableInSteps } from '../../proxy/config/compile/route-table.ts';
import { ProblemSink } from '../../proxy/config/schema/compile-context.ts';
import type { RouteTableConfig } from '../../proxy/model/route.ts';
import { buildRouteTable } from '../../proxy/routing/build-route-table.ts';
import type { RouteTable } from '../../proxy/routing/route-table.ts';
import { StatsStore } from '../../proxy/stats/store.ts';
import { testEnvironment } from '../support/compile-json.ts';
import { matchInput, requestHead } from '../support/route-fixtures.ts';

function tableMessage(hosts: number, routes: number, domain: (index: number) => string) {
  const virtualHosts = Array.from({ length: hosts }, (_, host) => ({
    name: `host-${host}`,
    domains: [domain(host)],
    routes: Array.from({ length: routes }, (_, route) => ({
      match: { pathSpecifier: { case: 'prefix' as const, value: `/${route}/` } },
      action: {
        case: 'route' as const,
        value: { clusterSpecifier: { case: 'cluster' as const, value: 'a' } },
      },
    })),
  }));
  return create(RouteConfigurationSchema, { name: 'large', virtualHosts });
}

/** The table, and what its steps took: ms of processor time in all and in the longest. */
function compiled(hosts: number, routes: number, domain = (index: number) => `h${index}.test`) {
  const sink = new ProblemSink(testEnvironment());
  const message = tableMessage(hosts, routes, domain);
  const steps = compileRouteTableInSteps(message, sink.context(), 'discovered');
  let count = 0;
  const started = process.cpuUsage();
  for (;;) {
    const step = steps.next();
    count += 1;
    if (step.done !== true) continue;
    const { user } = process.cpuUsage(started);
    return { config: step.value as RouteTableConfig, count, ms: user / 1000 };
  }
}

function built(config: RouteTableConfig): RouteTable {
  return buildRouteTable(config, { stats: new StatsStore(null), planner: null });
}

/** Processor time of some thousand matches, the least of several rounds, in ms. */
function matchMs(table: RouteTable, host: (index: number) => string): number {
  const heads = Array.from({ length: 100 }, (_, index) =>
    requestHead({ authority: host(index), path: '/0/x' }),
  );
  const input = matchInput();
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 8; round += 1) {
    const started = process.cpuUsage();
    for (let index = 0; index < 20_000; index += 1) {
      if (table.match(heads[index % heads.length]!, input).kind !== 'route')
        throw new Error('none');
    }
    best = Math.min(best, process.cpuUsage(started).user / 1000);
  }
  return best;
}

t.test('ten thousand routes compile in small steps, and are built at once', async (t) => {
  for (const [hosts, routes] of [
    [100, 100],
    [1, 10_000],
  ] as const) {
    const { config, count, ms } = compiled(hosts, routes);
    t.ok(count > 100, `${count} steps`);
    t.ok(ms < 2000, `compiled in ${ms} ms`);
    const started = process.cpuUsage();
    built(config);
    const builtMs = process.cpuUsage(started).user / 1000;
    t.ok(builtMs < 250, `built in ${builtMs} ms`);
    t.ok(Object.isFrozen(config.virtualHosts[0]?.routes[0]?.match));
  }
});

t.test('a thousand virtual hosts cost no more than a look-up', async (t) => {
  const one = matchMs(built(compiled(100, 1).config), (index) => `h${index}.test`);
  const exact = matchMs(built(compiled(1000, 10).config), (index) => `h${index * 9}.test`);
  const wild = built(compiled(1000, 10, (index) => `*.t${index}.test`).config);
  const suffix = matchMs(wild, (index) => `www.t${index * 9}.test`);
  t.ok(exact < one * 5 + 5, `exact: ${exact} ms beside ${one}`);
  t.ok(suffix < one * 10 + 10, `suffix: ${suffix} ms beside ${one}`);
});
