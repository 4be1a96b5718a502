// The override_host policy: hosts that requests name in a field or in metadata, retries through
// them, and what is written about the choice. Some named hosts are unhealthy, or nobody listens there.
import t from 'tap';
import { hostsJson, ManyHosts, pickedHosts } from '../support/many-hosts.ts';
import { type Json, type TwinConfig, typed } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { runOnBoth, withTwins } from '../support/with-twins.ts';

const POLICIES = 'extensions.load_balancing_policies';
const ROUND_ROBIN = {
  policies: [
    {
      typed_extension_config: {
        name: 'r',
        typed_config: typed(`${POLICIES}.round_robin.v3.RoundRobin`),
      },
    },
  ],
};

function overriding(members: Json): Json {
  const typed_config = typed(`${POLICIES}.override_host.v3.OverrideHost`, {
    fallback_policy: ROUND_ROBIN,
    ...members,
  });
  return {
    load_balancing_policy: { policies: [{ typed_extension_config: { name: 'o', typed_config } }] },
  };
}

function metadata(key: string, ...path: string[]): Json {
  return { key, path: path.map((each) => ({ key: each })) };
}

const SOURCES = [{ header: 'X-Endpoint' }, { metadata: metadata('envoy.lb', 'endpoint') }];

function config(servers: ManyHosts): TwinConfig {
  const hosts = hostsJson(4, (index) => (index === 2 ? { health: 'UNHEALTHY' } : {}));
  const dead = {
    lb_endpoints: [
      { endpoint: { address: { socket_address: { address: '127.0.9.9', port_value: 1 } } } },
    ],
  };
  const cluster = servers.cluster('over', [{ hosts }], {
    ...overriding({
      override_host_sources: SOURCES,
      selected_host_key: metadata('envoy.lb', 'served', 'by'),
    }),
  });
  (cluster['load_assignment'] as { endpoints: Json[] }).endpoints.push(dead);
  return {
    listeners: {
      main: {
        filters: [
          {
            name: 'envoy.filters.http.header_to_metadata',
            typed_config: typed('extensions.filters.http.header_to_metadata.v3.Config', {
              request_rules: [
                {
                  header: 'x-meta',
                  on_header_present: { metadata_namespace: 'envoy.lb', key: 'endpoint' },
                },
              ],
            }),
          },
        ],
        routes: [
          {
            match: { prefix: '/' },
            route: {
              cluster: 'over',
              retry_policy: { retry_on: 'connect-failure', num_retries: 3 },
            },
          },
        ],
      },
    },
    moreClusters: [cluster],
    log: {
      log_format: {
        text_format_source: {
          inline_string:
            '%DOWNSTREAM_REMOTE_ADDRESS% %REQ(:PATH)% %DYNAMIC_METADATA(envoy.lb:served:by)%\n',
        },
      },
    },
  };
}

t.test('requests reach the hosts that they name', { skip: withoutEnvoy }, async (t) => {
  const servers = new ManyHosts();
  await servers.listen();
  t.teardown(() => servers.close());
  await withTwins(config(servers), async (twins) => {
    const port = Number(
      /"port_value":(\d+)/.exec(JSON.stringify(config(servers).moreClusters))?.[1],
    );
    const at = (last: number): string => `127.0.1.${last}:${port}`;
    const named: Readonly<Record<string, readonly string[]>> = {
      'a field': [`x-endpoint: ${at(2)}`],
      'a list': [`x-endpoint: ${at(3)},${at(2)}`],
      'an unhealthy one': [`x-endpoint: ${at(3)}`],
      'blanks and empty members': [`x-endpoint:  , ${at(2)} , ,`],
      'one that is not there': [`x-endpoint: 10.0.0.1:80, ${at(1)}`],
      'two fields': [`x-endpoint: ${at(2)}`, `x-endpoint: ${at(1)}`],
      'a field and metadata': [`x-endpoint: ${at(2)}`, `x-meta: ${at(1)}`],
      'metadata alone': [`x-meta: ${at(1)}`],
      'one that is dead, then another': [`x-endpoint: 127.0.9.9:1,${at(2)}`],
    };
    const requests = Object.values(named).map((fields) => ({ path: '/', fields }));
    const [mine, theirs] = await Promise.all(
      [twins.ours, twins.envoy].map((twin) => pickedHosts(twin.ports['main'] ?? 0, requests)),
    );
    for (const [index, name] of Object.keys(named).entries()) {
      t.equal(mine?.[index], theirs?.[index], name);
      t.match(mine?.[index], /^127/, name);
    }
    const nobody = ['10.0.0.1:80', 'rubbish', ',,'].map((wish) => ({
      ...{ path: '/', fields: [`x-endpoint: ${wish}`] },
    }));
    for (const twin of [twins.ours, twins.envoy]) {
      const fallen = await pickedHosts(twin.ports['main'] ?? 0, nobody);
      t.ok(
        fallen.every((host) => /^127\.0\.1\.[124]$/.test(host)),
        'the fallback picks',
      );
    }
    const send = [`GET / HTTP/1.1\r\nhost: h\r\nx-endpoint: ${at(2)}\r\n\r\n`];
    const [both] = await runOnBoth(twins, [{ title: 'log', send, responses: 1 }]);
    t.same(both?.[0].log, both?.[1].log);
    t.match(both?.[0].log.join(), at(2), 'who served is in the metadata');
  });
});
