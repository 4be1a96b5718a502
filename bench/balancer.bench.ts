// Nanoseconds of a pick among 10 and among 10,000 hosts, by policy; milliseconds of an update of the
// 10,000. Run: node dist/bench/balancer.bench.js [rounds]
import type { PickingConfig } from '../proxy/model/load-balancing.ts';
import { WorkerClusters } from '../proxy/upstream/worker-clusters.ts';
import { clusterConfig, endpointConfig } from '../test/support/cluster-config.ts';
import { balancerContext } from '../test/support/hosts.ts';
import {
  leastRequestConfig,
  maglevConfig,
  RANDOM,
  ROUND_ROBIN,
  ringHashConfig,
} from '../test/support/lb-configs.ts';
import { upstreamFixture } from '../test/support/upstream-fixture.ts';

const FEW = 10;
const MANY = 10_000;
const PICKS = 100_000;

const POLICIES: readonly PickingConfig[] = [
  ...[ROUND_ROBIN, leastRequestConfig(), RANDOM, ringHashConfig(), maglevConfig()],
];
const rounds = Number(process.argv[2] ?? 9);
const context = balancerContext();
let consumed = 0;

function clusterOf(loadBalancer: PickingConfig): WorkerClusters {
  const endpoints = [endpointConfig({ address: 'many.test', port: 80 })];
  const config = clusterConfig({ discovery: 'strict-dns', loadBalancer, endpoints });
  const clusters = new WorkerClusters(upstreamFixture().context);
  clusters.apply({ upserted: [config], removed: [] });
  return clusters;
}

/** The addresses from `first` on. */
function update(clusters: WorkerClusters, first: number, count: number): void {
  clusters.setEndpoints(
    'c',
    Array.from({ length: count }, (_, index) => {
      const number = first + index;
      return { ip: `10.1.${number >> 8}.${number & 255}`, port: 80, endpointIndex: 0 };
    }),
  );
}

function best(run: (round: number) => void): number {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round += 1) {
    const start = process.hrtime.bigint();
    run(round);
    least = Math.min(least, Number(process.hrtime.bigint() - start));
  }
  return least;
}

function nanosPerPick(policy: PickingConfig, count: number): number {
  const clusters = clusterOf(policy);
  update(clusters, 0, count);
  const cluster = clusters.get('c');
  const loop = () => {
    for (let index = 0; index < PICKS; index += 1) {
      if (cluster?.pickHost(context) !== null) consumed += 1;
    }
  };
  return best(loop) / PICKS;
}

for (const policy of POLICIES) {
  const few = nanosPerPick(policy, FEW);
  const many = nanosPerPick(policy, MANY);
  const clusters = clusterOf(policy);
  const updateMs = best((round) => update(clusters, round, MANY)) / 1e6;
  const ratio = (many / few).toFixed(2);
  const picks = `${few.toFixed(0)} ns of ${FEW}, ${many.toFixed(0)} ns of ${MANY}: ${ratio}`;
  process.stdout.write(`${policy.kind}: ${picks}; update ${updateMs.toFixed(1)} ms\n`);
}
if (consumed === 0) throw new Error('nothing was measured');
