// Who may open which connection: the network filter beside Envoy's, in front of TCP and of HTTP.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import t from 'tap';
import { eventually } from '../support/eventually.ts';
import { type RawPeer, rawConnect } from '../support/raw-peer.ts';
import { type Message, staticCluster } from '../support/static-bootstrap.ts';
import {
  fileLog,
  filterListener,
  networkFilter,
  TcpServer,
  tcpProxy,
} from '../support/tcp-bootstrap.ts';
import { withEnvoy, withoutEnvoy } from '../support/with-envoy.ts';
import { withProxy } from '../support/with-proxy.ts';

const FORMAT = [
  '%FILTER_CHAIN_NAME% %RESPONSE_FLAGS% %CONNECTION_TERMINATION_DETAILS%',
  '%DOWNSTREAM_LOCAL_CLOSE_REASON%/%UPSTREAM_LOCAL_CLOSE_REASON%',
  '%DOWNSTREAM_DETECTED_CLOSE_TYPE%/%UPSTREAM_DETECTED_CLOSE_TYPE%',
  'rx=%BYTES_RECEIVED% tx=%BYTES_SENT%',
  '%DYNAMIC_METADATA(envoy.filters.network.rbac:enforced_engine_result)%',
  '%DYNAMIC_METADATA(envoy.filters.network.rbac:enforced_effective_policy_id)%',
  '%DYNAMIC_METADATA(envoy.filters.network.rbac:shadow_engine_result)%',
  '%DYNAMIC_METADATA(envoy.filters.network.rbac:shadow_effective_policy_id)%',
  '%DYNAMIC_METADATA(envoy.filters.network.rbac:dry_shadow_engine_result)%',
  '%DYNAMIC_METADATA(envoy.filters.network.rbac:dry_shadow_effective_policy_id)%',
  '%DYNAMIC_METADATA(envoy.common)%\n',
].join(' ');

const ANY = { any: true };
const cidr = (address_prefix: string, prefix_len: number): Message => ({
  address_prefix,
  prefix_len,
});
const LOCAL = { direct_remote_ip: cidr('127.0.0.0', 8) };
const ELSEWHERE = { remote_ip: cidr('10.0.0.0', 8) };
const policy = (principal: Message, permission: Message = ANY): Message => ({
  permissions: [permission],
  principals: [principal],
});
const rules = (action: string, policies: Message): Message => ({ action, policies });

/** By listener: its filters in front of the last one. */
const CHAINS: Readonly<Record<string, readonly Message[]>> = {
  none: [{}],
  allow: [{ rules: rules('ALLOW', { p: policy(LOCAL) }) }],
  deny: [{ rules: rules('DENY', { 'p q': policy(LOCAL) }) }],
  empty: [{ rules: {} }],
  nobody: [{ rules: rules('ALLOW', { p: policy(ELSEWHERE) }) }],
  shadow: [{ shadow_rules: rules('DENY', { s: policy(LOCAL) }) }],
  dry: [
    {
      shadow_rules: rules('DENY', { s: policy(LOCAL) }),
      shadow_rules_stat_prefix: 'dry_',
      rules: rules('ALLOW', { p: policy(LOCAL) }),
    },
  ],
  log: [{ rules: rules('LOG', { p: policy(LOCAL) }) }],
  'log-nothing': [{ rules: rules('LOG', { p: policy(ELSEWHERE) }) }],
  continuous: [{ rules: rules('ALLOW', { p: policy(LOCAL) }), enforcement_type: 'CONTINUOUS' }],
  delayed: [{ rules: rules('DENY', { p: policy(LOCAL) }), delay_deny: '0.05s' }],
  two: [
    { rules: rules('ALLOW', { first: policy(LOCAL) }) },
    { rules: rules('DENY', { second: policy(LOCAL) }) },
  ],
  path: [{ rules: rules('DENY', { p: policy(ANY, { url_path: { path: { prefix: '/' } } }) }) }],
  'not-path': [
    {
      rules: rules('DENY', {
        p: policy(ANY, { not_rule: { url_path: { path: { prefix: '/' } } } }),
      }),
    },
  ],
  'route-metadata': [
    {
      rules: rules('DENY', {
        p: policy(ANY, {
          sourced_metadata: {
            metadata_matcher: {
              filter: 'x',
              path: [{ key: 'y' }],
              value: { bool_match: true },
              invert: true,
            },
            metadata_source: 'ROUTE',
          },
        }),
      }),
    },
  ],
  metadata: [
    {
      rules: rules('DENY', {
        p: policy(ANY, {
          metadata: {
            filter: 'x',
            path: [{ key: 'y' }],
            value: { bool_match: true },
            invert: true,
          },
        }),
      }),
    },
  ],
  sni: [{ rules: rules('DENY', { p: policy(ANY, { requested_server_name: { exact: '' } }) }) }],
  port: [
    {
      rules: rules('DENY', {
        p: policy(ANY, { destination_port_range: { start: 1024, end: 65536 } }),
      }),
    },
  ],
};

const rbacFilters = (name: string): readonly Message[] =>
  (CHAINS[name] ?? []).map((config, index) =>
    networkFilter('rbac.v3.RBAC', {
      stat_prefix: index === 0 ? `${name}.` : `${name}${index}`,
      ...config,
    }),
  );
const connectionManager = (name: string, log: Message): Message =>
  networkFilter('http_connection_manager.v3.HttpConnectionManager', {
    stat_prefix: name,
    access_log: [log],
    route_config: {
      virtual_hosts: [
        {
          name: 'v',
          domains: ['*'],
          routes: [
            {
              match: { prefix: '/' },
              direct_response: { status: 200, body: { inline_string: 'hello' } },
            },
          ],
        },
      ],
    },
    http_filters: [
      {
        name: 'router',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.filters.http.router.v3.Router',
        },
      },
    ],
  });

function bootstrap(logPath: string, serverPort: number): Message {
  const log = fileLog(logPath, FORMAT);
  const named = (name: string, last: Message): Message => {
    const { filter_chains: chains, ...rest } = filterListener(
      name,
      ...rbacFilters(name.replace(/^http-/, '')),
      last,
    ) as { filter_chains: readonly Message[] };
    return { ...rest, filter_chains: chains.map((chain) => ({ ...chain, name })) };
  };
  return {
    admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
    static_resources: {
      listeners: [
        ...Object.keys(CHAINS).map((name) => named(name, tcpProxy('t', { access_log: [log] }))),
        ...['allow', 'deny', 'continuous', 'delayed'].map((name) => ({
          ...named(`http-${name}`, connectionManager('h', log)),
          access_log: [log],
        })),
      ],
      clusters: [staticCluster('server', serverPort)],
    },
  };
}

interface Side {
  readonly admin: string;
  readonly logPath: string;
  readonly server: TcpServer;
  client(listener: string): Promise<RawPeer>;
}

/** What the client does, and what it sees. */
const DIALOGUES: Readonly<Record<string, (peer: RawPeer) => Promise<void>>> = {
  ping: async (peer) => {
    await peer.until(() => peer.bytesRead > 0 || peer.end !== null);
    peer.write('ping');
    await peer.until(() => peer.unread.includes('ping') || peer.end !== null);
    if (peer.end !== null) return;
    peer.write('again');
    await peer.until(() => peer.unread.includes('again') || peer.end !== null);
    peer.finish();
    await peer.ended();
  },
  'only listens': async (peer) => {
    await peer.until(() => peer.bytesRead > 0 || peer.end !== null);
    peer.reset();
  },
  'ends without a word': async (peer) => {
    await peer.until(() => peer.bytesRead > 0 || peer.end !== null);
    peer.finish();
    await peer.ended();
  },
};
const HTTP_DIALOGUE = async (peer: RawPeer): Promise<void> => {
  peer.write('GET / HTTP/1.1\r\nhost: h\r\n\r\n');
  await peer.until(() => peer.unread.includes('hello') || peer.end !== null);
  peer.finish();
  await peer.ended();
};

async function dialogue(
  side: Side,
  listener: string,
  talk: (peer: RawPeer) => Promise<void>,
  lines: number,
): Promise<unknown> {
  const before = linesOf(side.logPath).length;
  const peers = side.server.peers.length;
  await fetch(`${side.admin}/reset_counters`, { method: 'POST' });
  const client = await side.client(listener);
  await talk(client);
  client.close();
  await eventually(() => linesOf(side.logPath).length >= before + lines);
  const server = side.server.peers.slice(peers);
  for (const peer of server) await peer.ended();
  const stats = await (await fetch(`${side.admin}/stats`)).text();
  return {
    seen: client.unread.replace(/^date: .*$/m, 'date'),
    end: client.end,
    server: server.map(({ unread, end }) => ({ unread, end })),
    log: linesOf(side.logPath).slice(before).sort(),
    stats: stats
      .split('\n')
      .filter((line) => /rbac/.test(line) && !/: 0$/.test(line))
      .sort(),
  };
}

function linesOf(file: string): readonly string[] {
  return fs.existsSync(file) ? fs.readFileSync(file, 'latin1').split('\n').slice(0, -1) : [];
}

const greet = (peer: RawPeer): void => {
  peer.write('welcome\n');
  peer.socket.on('data', (data) => peer.write(data));
  peer.socket.on('end', () => peer.finish());
};

async function compare(ours: Side, envoy: Side): Promise<void> {
  const both = async (
    title: string,
    listener: string,
    [talk, lines]: readonly [(peer: RawPeer) => Promise<void>, number],
  ): Promise<void> => {
    const [mine, theirs] = await Promise.all(
      [ours, envoy].map((side) => dialogue(side, listener, talk, lines)),
    );
    t.same(mine, theirs, title);
  };
  for (const listener of Object.keys(CHAINS)) {
    for (const [name, talk] of Object.entries(DIALOGUES)) {
      await both(`${listener}: ${name}`, listener, [talk, 1]);
    }
  }
  for (const name of ['allow', 'deny', 'continuous', 'delayed']) {
    const lines = name === 'allow' || name === 'continuous' ? 2 : 1;
    await both(`HTTP: ${name}`, `http-${name}`, [HTTP_DIALOGUE, lines]);
  }
}

t.test('connections are allowed and denied as by Envoy', { skip: withoutEnvoy }, async () => {
  const directory = fs.mkdtempSync(path.join(os.tmpdir(), 'rbac-'));
  const servers = [new TcpServer(greet), new TcpServer(greet)] as const;
  const logs = ['ours.log', 'envoy.log'].map((name) => path.join(directory, name)) as [
    string,
    string,
  ];
  const ports = await Promise.all(servers.map((server) => server.listen()));
  const flags = ['--file-flush-interval-msec', '20'];
  const proxy = await withProxy(bootstrap(logs[0], ports[0] ?? 0), { fileFlushIntervalMs: 20 });
  const client = (port: number | undefined) => rawConnect(`127.0.0.1:${port}`);
  try {
    await withEnvoy(
      bootstrap(logs[1], ports[1] ?? 0),
      async (fixture) => {
        await compare(
          {
            ...{ admin: `http://${proxy.adminAddress}`, logPath: logs[0], server: servers[0] },
            client: (listener) => client(proxy.ports[listener]),
          },
          {
            ...{ admin: fixture.admin, logPath: logs[1], server: servers[1] },
            client: async (listener) => rawConnect(await fixture.listener(listener)),
          },
        );
      },
      flags,
    );
  } finally {
    await proxy.stop();
    for (const server of servers) server.close();
    fs.rmSync(directory, { recursive: true });
  }
});
