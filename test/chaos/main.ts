// `npm run chaos`: what happens to clients while upstreams fail, measured on a freshly started proxy
// with real processes and sockets, against the numbers to meet. Exit status 1 when one is missed.
// Takes some 75 s; `-- N` sets the number of workers. `-- --scenario rotation` replaces certificates
// under load instead, `--rotations` times; `lives` kills and replaces workers, reloads and upgrades the
// program; `control-plane` takes the management server away for `--outage-s` and then `--flaps` times;
// `reloads` changes the configuration `--count` times.
import { parseArgs } from 'node:util';
import { dnsFailure } from './dns-failure.ts';
import { lives } from './lives.ts';
import { loneUpstream } from './lone-upstream.ts';
import { lostControlPlane } from './lost-control-plane.ts';
import { oneOfThree } from './one-of-three.ts';
import { outage } from './outage.ts';
import { reloads } from './reloads.ts';
import { rotation } from './rotation.ts';
import { renderVerdicts, type Verdict } from './verdict.ts';

const DEFAULT_WORKERS = 2;
const DEFAULT_ROTATIONS = 1000;
const DEFAULT_OUTAGE_S = 60;
const DEFAULT_FLAPS = 100;
const DEFAULT_RELOADS = 10_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    scenario: { type: 'string', default: 'upstreams' },
    'outage-s': { type: 'string', default: String(DEFAULT_OUTAGE_S) },
    flaps: { type: 'string', default: String(DEFAULT_FLAPS) },
    count: { type: 'string', default: String(DEFAULT_RELOADS) },
    rotations: { type: 'string', default: String(DEFAULT_ROTATIONS) },
  },
});
const workers = Number(positionals[0] ?? DEFAULT_WORKERS);
const SCENARIOS: Readonly<Record<string, readonly (() => Promise<readonly Verdict[]>)[]>> = {
  upstreams: [
    () => loneUpstream(),
    () => oneOfThree(workers),
    () => outage(workers),
    () => dnsFailure(),
  ],
  lives: [() => lives(workers)],
  'control-plane': [
    () =>
      lostControlPlane(workers, {
        outageMs: Number(values['outage-s']) * 1000,
        flaps: Number(values.flaps),
      }),
  ],
  reloads: [() => reloads(workers, Number(values.count))],
  rotation: [() => rotation(workers, Number(values.rotations))],
};

async function main(): Promise<number> {
  const runs = SCENARIOS[values.scenario];
  if (runs === undefined) {
    process.stderr.write(`--scenario is one of ${Object.keys(SCENARIOS).join(', ')}\n`);
    return 64;
  }
  const verdicts: Verdict[] = [];
  for (const run of runs) verdicts.push(...(await run()));
  process.stdout.write(renderVerdicts(verdicts));
  return verdicts.every(({ passed }) => passed) ? 0 : 1;
}

process.exitCode = await main();
