// HTTP through an internal listener, beside Envoy: answers, addresses in access logs, and the names
// of statistics.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import t from 'tap';
import { eventually } from '../support/eventually.ts';
import {
  internalCluster,
  internalExtension,
  internalListener,
} from '../support/internal-bootstrap.ts';
import {
  bootstrapOf,
  httpListener,
  type Message,
  virtualHost,
} from '../support/static-bootstrap.ts';
import { fileLog } from '../support/tcp-bootstrap.ts';
import { withEnvoy, withoutEnvoy } from '../support/with-envoy.ts';
import { withProxy } from '../support/with-proxy.ts';

const FORMAT = [
  'DOWNSTREAM_REMOTE_ADDRESS',
  'DOWNSTREAM_REMOTE_PORT',
  'DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT',
  'DOWNSTREAM_LOCAL_ADDRESS',
  'DOWNSTREAM_LOCAL_PORT',
  'DOWNSTREAM_DIRECT_LOCAL_ADDRESS',
  'DOWNSTREAM_LOCAL_ADDRESS_ENDPOINT_ID',
  'UPSTREAM_HOST',
  'UPSTREAM_REMOTE_ADDRESS',
  'UPSTREAM_REMOTE_PORT',
  'UPSTREAM_LOCAL_ADDRESS',
  'UPSTREAM_HOST_NAME',
  'UPSTREAM_HOST_NAME_WITHOUT_PORT',
  'UPSTREAM_TRANSPORT_FAILURE_REASON',
  'RESPONSE_CODE_DETAILS',
  'RESPONSE_FLAGS',
  'RESPONSE_CODE',
]
  .map((name) => `${name}=%${name}%`)
  .join(' ');
const PATHS = ['/', '/again', '/nobody'];

function http(name: string, routes: readonly Message[], log: string): Message {
  const access_log = [fileLog(log, `${name}: ${FORMAT}\n`)];
  const routeConfig = { virtual_hosts: [virtualHost(['*'], routes)] };
  return httpListener(name, routeConfig, { manager: { access_log } });
}

function bootstrap(log: string): Message {
  const body = { inline_string: 'from inside' };
  const inside = [{ match: { prefix: '/' }, direct_response: { status: 201, body } }];
  const outside = [
    { match: { prefix: '/nobody' }, route: { cluster: 'nobody' } },
    { match: { prefix: '/' }, route: { cluster: 'inner' } },
  ];
  const listeners = [http('outer', outside, log), internalListener(http('inner', inside, log))];
  const clusters = [internalCluster('inner', 'inner'), internalCluster('nobody', 'nobody')];
  const admin = { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } };
  const extensions = [internalExtension()];
  return { ...bootstrapOf(listeners, clusters), bootstrap_extensions: extensions, admin };
}

/** Answers, log lines with ports masked, and statistics of the internal listener. */
async function observe(address: string, admin: string, log: string) {
  const answers: string[] = [];
  for (const each of PATHS) {
    const response = await fetch(`http://${address}${each}`, { headers: { connection: 'close' } });
    answers.push(`${response.status} ${await response.text()}`);
  }
  const expected = 2 * PATHS.length - 1;
  const lines = () => readFileSync(log, 'utf8').split('\n').slice(0, -1);
  await eventually(() => lines().length === expected, DEADLINE_MS);
  const stats = await (await fetch(`${admin}/stats?filter=envoy_internal`)).text();
  const masked = lines().map((line) =>
    line.replace(/127\.0\.0\.1:\d+/g, '127.0.0.1:0').replace(/_PORT=\d+/g, '_PORT=0'),
  );
  return { answers, log: masked.sort(), stats: stats.replace(HISTOGRAM, '').split('\n').sort() };
}

const DEADLINE_MS = 20_000;
/** When values of histograms appear is a matter of time. */
const HISTOGRAM = /: (?:No recorded values|P0\().*$/gm;

t.test('an HTTP chain through an internal listener', { skip: withoutEnvoy }, async (t) => {
  const directory = t.testdir();
  const [ourLog, envoyLog] = [path.join(directory, 'ours'), path.join(directory, 'envoy')];
  const proxy = await withProxy(bootstrap(ourLog), { fileFlushIntervalMs: 10 });
  t.teardown(() => proxy.stop());
  const ours = await observe(
    `127.0.0.1:${proxy.ports['outer']}`,
    `http://${proxy.adminAddress}`,
    ourLog,
  );
  await withEnvoy(
    bootstrap(envoyLog),
    async (envoy) => {
      const theirs = await observe(await envoy.listener('outer'), envoy.admin, envoyLog);
      t.same(ours.answers, theirs.answers);
      t.same(ours.log, theirs.log);
      t.same(ours.stats, theirs.stats);
    },
    ['--file-flush-interval-msec', '10'],
  );
});
