// Dynamic forward proxies beside Envoy: hosts that requests and connections name.
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import t from 'tap';
import { realClientHello } from '../support/client-hello.ts';
import { DnsServer, record, TYPE_A } from '../support/dns-server.ts';
import { KEPT } from '../support/kept-connections.ts';
import { type ServedTwin, withServedTwins } from '../support/tls-twins.ts';
import { type Json, typed } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';

const FORMAT =
  '%REQ(:AUTHORITY)% %RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS% %UPSTREAM_HOST%\n';

/** Path and host; UP is the upstream's port. */
const CASES: readonly (readonly [path: string, host: string])[] = [
  ['/', 'good.test:UP'],
  ['/', 'good.test:UP'],
  ['/', 'Good.test:UP'],
  ['/', '127.0.0.1:UP'],
  ['/', 'bad.test'],
  ['/', 'bad.test'],
  ['/', 'slow.test'],
  ['/literal', 'whatever.test'],
  ['/header', 'whatever.test'],
  ['/plain', 'whatever.test'],
  ['/', 'full.test'],
];
const COUNTS = [
  ...['dns_query_attempt', 'dns_query_success', 'dns_query_failure', 'dns_query_timeout'],
  ...['host_added', 'host_removed', 'host_address_changed', 'host_overflow', 'num_hosts'],
  ...['dns_rq_pending_overflow', 'cache_load', 'dns_address_filter_out'],
  ...['circuit_breakers.rq_pending_open', 'circuit_breakers.rq_pending_remaining'],
];
const SNIS = ['good.test', 'bad.test', ''];

function socket(port: number) {
  return { socket_address: { address: '127.0.0.1', port_value: port } };
}

function cacheJson(name: string, dnsPort: number, members: Json): Json {
  const typed_config = typed('extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig', {
    resolvers: [socket(dnsPort)],
    dns_resolver_options: { no_default_search_domain: true },
  });
  const typed_dns_resolver_config = { name: 'envoy.network.dns_resolver.cares', typed_config };
  const rest = { dns_lookup_family: 'V4_ONLY', dns_query_timeout: '1s' };
  return { name, ...rest, typed_dns_resolver_config, ...members };
}

function clusterJson(name: string, dns_cache_config: Json): Json {
  const type = 'extensions.clusters.dynamic_forward_proxy.v3.ClusterConfig';
  const typed_config = typed(type, { dns_cache_config });
  const cluster_type = { name: 'envoy.clusters.dynamic_forward_proxy', typed_config };
  return { name, lb_policy: 'CLUSTER_PROVIDED', connect_timeout: '2s', cluster_type };
}

const FILTER = 'envoy.filters.http.dynamic_forward_proxy';
const MESSAGES = 'extensions.filters.http.dynamic_forward_proxy.v3';

function rewriting(path: string, members: Json): Json {
  const per = typed(`${MESSAGES}.PerRouteConfig`, members);
  return {
    match: { path },
    route: { cluster: 'forward' },
    typed_per_filter_config: { [FILTER]: per },
  };
}

function ask(port: number, path: string, host: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { host, 'x-to': `good.test:${upstreamPort}` };
    const request = http.request({ port, path, headers, method: 'POST', agent: false });
    request.on('error', reject).on('response', async (response) => {
      let text = '';
      for await (const chunk of response) text += String(chunk);
      resolve(`${response.statusCode} ${text}`);
    });
    request.end('content');
  });
}

let upstreamPort = 0;

/** What comes back to a client hello: `hello`, or nothing. */
async function greet(port: number, serverName: string): Promise<string> {
  const hello = await realClientHello(serverName === '' ? {} : { servername: serverName });
  const client = net.connect(port, '127.0.0.1');
  client.on('error', () => undefined);
  client.write(hello);
  let text = '';
  client.on('data', (data) => {
    text += data.toString('latin1');
    client.end();
  });
  await new Promise((resolve) => client.once('close', resolve));
  return text.slice(0, 12);
}

async function seen({ ports, lines, stat }: ServedTwin): Promise<Readonly<Record<string, string>>> {
  const told: Record<string, string> = {};
  const answers: string[] = [];
  for (const [path, host] of CASES) {
    answers.push(await ask(ports['main'] ?? 0, path, host.replace('UP', String(upstreamPort))));
  }
  const log = await lines(CASES.length);
  CASES.forEach(([path, host], index) => {
    told[`${path} ${host} #${index}`] = `${answers[index]} ${log[index]}`;
  });
  for (const name of SNIS) told[`SNI ${name}`] = await greet(ports['sni'] ?? 0, name);
  for (const count of COUNTS) {
    for (const cache of ['small', 'names']) {
      told[`${cache} ${count}`] = String(await stat(`dns_cache.${cache}.${count}`));
    }
  }
  told['members'] = String(await stat('cluster.forward.membership_total'));
  told['no host'] = String(await stat('cluster.connected.upstream_cx_none_healthy'));
  return told;
}

t.test('forwards to what requests name, as Envoy', { skip: withoutEnvoy }, async (t) => {
  const known = { rcode: 0, records: [record(TYPE_A, 60, [127, 0, 0, 1])] };
  const dns = new DnsServer((name, type) => {
    if (name.startsWith('slow')) return null;
    if (name.startsWith('bad')) return { rcode: 3, records: [] };
    return type === TYPE_A ? known : { rcode: 0, records: [] };
  });
  const dnsPort = await dns.listen();
  const upstream = http.createServer(KEPT, (request, response) => {
    request.resume().on('end', () => response.end(`for ${request.headers.host}`));
  });
  await new Promise<void>((resolve) => upstream.listen(0, '127.0.0.1', resolve));
  upstreamPort = (upstream.address() as AddressInfo).port;
  t.teardown(() => {
    dns.close();
    upstream.closeAllConnections();
    upstream.close();
  });
  const small = cacheJson('small', dnsPort, { max_hosts: 5 });
  const names = cacheJson('names', dnsPort, {});
  const filter = typed(`${MESSAGES}.FilterConfig`, { dns_cache_config: small });
  const sni = typed('extensions.filters.network.sni_dynamic_forward_proxy.v3.FilterConfig', {
    dns_cache_config: names,
    port_value: upstreamPort,
  });
  const tcp = typed('extensions.filters.network.tcp_proxy.v3.TcpProxy', {
    stat_prefix: 'tcp',
    cluster: 'connected',
  });
  const inspector = typed('extensions.filters.listener.tls_inspector.v3.TlsInspector');
  const config = {
    listeners: {
      main: {
        filters: [{ name: FILTER, typed_config: filter }],
        cluster: 'forward',
        routes: [
          rewriting('/literal', { host_rewrite_literal: `good.test:${upstreamPort}` }),
          rewriting('/header', { host_rewrite_header: 'X-To' }),
          { match: { path: '/plain' }, route: { cluster: 'fixed' } },
        ],
      },
      sni: {
        listener: { listener_filters: [{ name: 'tls_inspector', typed_config: inspector }] },
        chain: {
          filters: [
            { name: 'envoy.filters.network.sni_dynamic_forward_proxy', typed_config: sni },
            { name: 'envoy.filters.network.tcp_proxy', typed_config: tcp },
          ],
        },
      },
    },
    moreClusters: [
      clusterJson('forward', small),
      clusterJson('connected', names),
      {
        name: 'fixed',
        load_assignment: {
          cluster_name: 'fixed',
          endpoints: [{ lb_endpoints: [{ endpoint: { address: socket(upstreamPort) } }] }],
        },
      },
    ],
    log: { log_format: { text_format_source: { inline_string: FORMAT } } },
  };
  await withServedTwins(config, async ({ ours, envoy }) => {
    const mine = await seen(ours);
    t.same(mine, await seen(envoy));
    t.match(mine, {
      '/ bad.test #4': /^503 DNS resolution failure .* DF dns_resolution_failure\{/,
      '/ slow.test #6': /resolve_timeout/,
      '/ full.test #10': /^503 DNS cache overflow .* dns_cache_overflow/,
      'SNI good.test': /^HTTP/,
      'SNI bad.test': '',
    });
  });
});
