// What is counted of questions to DNS servers, beside Envoy.
import t from 'tap';
import { DnsServer, record, TYPE_A } from '../support/dns-server.ts';
import { eventually } from '../support/eventually.ts';
import { withEnvoy, withoutEnvoy } from '../support/with-envoy.ts';
import { withProxy } from '../support/with-proxy.ts';

const CARES =
  'type.googleapis.com/envoy.extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig';
const QUESTIONS = [
  ['has', 'AUTO'],
  ['has', 'V4_ONLY'],
  ['has', 'V4_PREFERRED'],
  ['has', 'ALL'],
  ['none', 'V4_ONLY'],
  ['none', 'AUTO'],
  ['trouble', 'V4_ONLY'],
] as const;

function socket(port: number, address = '127.0.0.1') {
  return { socket_address: { address, port_value: port } };
}

function bootstrap(port: number, name: string, family: string): Readonly<Record<string, unknown>> {
  const resolver = {
    '@type': CARES,
    resolvers: [socket(port)],
    dns_resolver_options: { no_default_search_domain: true },
  };
  const lb_endpoints = [{ endpoint: { address: socket(80, `${name}.test`) } }];
  const cluster = {
    ...{ name: 'c', type: 'STRICT_DNS', dns_refresh_rate: '60s', dns_lookup_family: family },
    typed_dns_resolver_config: { name: 'x', typed_config: resolver },
    load_assignment: { cluster_name: 'c', endpoints: [{ lb_endpoints }] },
  };
  return { admin: { address: socket(0) }, static_resources: { clusters: [cluster] } };
}

/** Lines of statistics once the name was asked for. */
async function seen(admin: string): Promise<readonly string[]> {
  let lines: readonly string[] = [];
  await eventually(async () => {
    const text = await (await fetch(`${admin}/stats?filter=^(dns|cluster.c.update_[afs])`)).text();
    lines = text.trim().split('\n').sort();
    return lines.some((line) => /update_(success|failure): [1-9]/.test(line));
  });
  return lines;
}

t.test('dns.cares counts as Envoy does', { skip: withoutEnvoy }, async (t) => {
  const known = { rcode: 0, records: [record(TYPE_A, 60, [127, 0, 0, 1])] };
  const server = new DnsServer((name, type) => {
    if (name.startsWith('has')) return type === TYPE_A ? known : { rcode: 0, records: [] };
    return { rcode: name.startsWith('none') ? 3 : 2, records: [] };
  });
  const port = await server.listen();
  t.teardown(() => server.close());
  for (const [name, family] of QUESTIONS) {
    const config = bootstrap(port, name, family);
    const proxy = await withProxy(config);
    const ours = await seen(`http://${proxy.adminAddress}`);
    await proxy.stop();
    await withEnvoy(config, async (envoy) => {
      t.same(ours, await seen(envoy.admin), `${name} ${family}`);
    });
  }
});
