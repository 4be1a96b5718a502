// Health checks of a whole proxy: what waits for them, and what a reload does to them.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import t from 'tap';
import { CheckedUpstream } from '../support/checked-upstream.ts';
import { eventually } from '../support/eventually.ts';
import {
  bootstrapOf,
  httpListener,
  type Message,
  virtualHost,
} from '../support/static-bootstrap.ts';
import { withProxy } from '../support/with-proxy.ts';

const CHECK = {
  ...{ timeout: '0.5s', interval: '0.05s', no_traffic_interval: '0.05s' },
  ...{ unhealthy_threshold: 1, healthy_threshold: 1, http_health_check: { path: '/hc' } },
};

interface Setting {
  readonly port: number;
  /** Addresses of hosts. */
  readonly hosts?: readonly string[];
  readonly check?: Message | null;
  readonly cluster?: Message;
}

function bootstrap({ port, hosts = ['127.0.0.1'], check = {}, cluster }: Setting): Message {
  const lb_endpoints = hosts.map((address) => ({
    endpoint: { address: { socket_address: { address, port_value: port } } },
  }));
  const config = {
    ...{ name: 'c', type: 'STATIC', connect_timeout: '1s' },
    common_lb_config: { healthy_panic_threshold: { value: 0 } },
    load_assignment: { cluster_name: 'c', endpoints: [{ lb_endpoints }] },
    ...(check !== null && { health_checks: [{ ...CHECK, ...check }] }),
    ...cluster,
  };
  const routes = [{ match: { prefix: '/' }, route: { cluster: 'c' } }];
  const listener = httpListener('main', { virtual_hosts: [virtualHost(['*'], routes)] });
  return {
    ...bootstrapOf([listener], [config]),
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
  };
}

async function fixture(setting: Omit<Setting, 'port'> = {}) {
  const upstream = new CheckedUpstream();
  const { http1: port } = await upstream.listen('0.0.0.0');
  t.teardown(() => upstream.close());
  const proxy = await withProxy(bootstrap({ port, ...setting }), { fileFlushIntervalMs: 10 });
  t.teardown(() => proxy.stop());
  const flags = async (): Promise<string> => {
    const text = await (await fetch(`http://${proxy.adminAddress}/clusters`)).text();
    return [...text.matchAll(/health_flags::(.*)/g)].map(([, each]) => each).join(' ');
  };
  return {
    ...{ upstream, port, proxy, flags },
    ask: async (): Promise<number> => (await fetch(`http://127.0.0.1:${proxy.port}/data`)).status,
  };
}

t.test('listeners wait for the first check, whatever it finds', async (t) => {
  const { ask, flags } = await fixture();
  t.equal(await flags(), 'healthy');
  t.equal(await ask(), 200);
});

t.test('a host that fails its checks gets no request until it passes', async (t) => {
  const { upstream, ask, flags, proxy } = await fixture();
  upstream.health.set('c', { status: 500 });
  await eventually(async () => (await ask()) === 503);
  t.equal(await flags(), '/failed_active_hc');
  t.equal(await proxy.stat('cluster.c.membership_healthy'), 0);
  t.equal(await proxy.stat('cluster.c.membership_change'), 1, 'nobody came or went');
  upstream.health.delete('c');
  await eventually(async () => (await ask()) === 200);
});

t.test('a reload keeps what is known; new hosts wait for their checks', async (t) => {
  const { upstream, port, proxy, ask, flags } = await fixture();
  upstream.health.set('c', { isSilent: true });
  const hosts = ['127.0.0.1', '127.0.0.2'];
  t.equal(await proxy.reload(bootstrap({ port, hosts, check: { timeout: '1s' } })), true);
  t.equal(await flags(), 'healthy', 'the old cluster serves until all hosts are checked');
  t.equal(await ask(), 200);
  await eventually(async () => (await flags()).split(' ').length === 2);
  t.match((await flags()).split(' ')[1], /failed_active_hc/);
  upstream.health.delete('c');
  await eventually(async () => (await flags()) === 'healthy healthy');
  t.equal(await ask(), 200);
});

t.test(
  'checks that a reload takes away are forgotten, and those it brings are awaited',
  async (t) => {
    const { upstream, port, proxy, ask, flags } = await fixture();
    upstream.health.set('c', { status: 500 });
    await eventually(async () => (await ask()) === 503);
    t.equal(await proxy.reload(bootstrap({ port, check: null })), true);
    await eventually(async () => (await ask()) === 200);
    t.equal(await flags(), 'healthy');
    t.equal(await proxy.reload(bootstrap({ port })), true);
    await eventually(async () => (await flags()) === '/failed_active_hc');
    t.equal(await ask(), 503);
  },
);

t.test('a host that passes a check is let in again by outlier detection', async (t) => {
  const outlier_detection = {
    ...{ consecutive_5xx: 1, max_ejection_percent: 100, base_ejection_time: '300s' },
    interval: '300s',
  };
  const { upstream, ask, flags, proxy } = await fixture({ cluster: { outlier_detection } });
  upstream.dataStatus = 500;
  t.equal(await ask(), 500);
  const enforced = 'cluster.c.outlier_detection.ejections_enforced_total';
  await eventually(async () => (await proxy.stat(enforced)) === 1);
  upstream.dataStatus = 200;
  await eventually(async () => (await flags()) === 'healthy');
  t.equal(await ask(), 200);
});

t.test('events are lines of JSON in a file', async (t) => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'checks-'));
  t.teardown(() => fs.rmSync(directory, { recursive: true }));
  const event_log_path = path.join(directory, 'events');
  const { upstream } = await fixture({ check: { event_log_path } });
  upstream.health.set('c', { status: 500 });
  const lines = () => fs.readFileSync(event_log_path, 'utf8').trim().split('\n');
  await eventually(() => lines().length === 2);
  const [added, ejected] = lines().map((line) => JSON.parse(line));
  t.match(added, { cluster_name: 'c', add_healthy_event: { first_check: true } });
  t.match(ejected, { eject_unhealthy_event: { failure_type: 'ACTIVE', http_status_code: 500 } });
});
