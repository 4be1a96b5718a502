// `npm run chaos`: what happens to clients while upstreams fail, measured on a freshly started proxy
// with real processes and sockets, against the numbers to meet. Exit status 1 when one is missed.
// Takes some 75 s; `-- N` sets the number of workers.
import { dnsFailure } from './dns-failure.ts';
import { loneUpstream } from './lone-upstream.ts';
import { oneOfThree } from './one-of-three.ts';
import { outage } from './outage.ts';
import { renderVerdicts, type Verdict } from './verdict.ts';

const DEFAULT_WORKERS = 2;

const workers = Number(process.argv[2] ?? DEFAULT_WORKERS);
const verdicts: Verdict[] = [];
for (const run of [
  () => loneUpstream(),
  () => oneOfThree(workers),
  () => outage(workers),
  dnsFailure,
]) {
  verdicts.push(...(await run()));
}
process.stdout.write(renderVerdicts(verdicts));
process.exitCode = verdicts.every(({ passed }) => passed) ? 0 : 1;
