// Filters that files and servers tell what to do (ECDS), in a whole proxy that serves meanwhile.
import fs from 'node:fs';
import net from 'node:net';
import os from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { eventually } from '../support/eventually.ts';
import { rawExchange } from '../support/raw-exchange.ts';
import { ResourceFiles } from '../support/resource-files.ts';
import { httpListener, type Message, virtualHost } from '../support/static-bootstrap.ts';
import { type TestProxy, withProxy } from '../support/with-proxy.ts';

const TYPE = 'type.googleapis.com/envoy.extensions.filters';
const RBAC = `${TYPE}.http.rbac.v3.RBAC`;
const MUTATION = `${TYPE}.http.header_mutation.v3.HeaderMutation`;
const ROUTER = `${TYPE}.http.router.v3.Router`;
const LOCAL_LIMIT = `${TYPE}.http.local_ratelimit.v3.LocalRateLimit`;
const NETWORK_RBAC = `${TYPE}.network.rbac.v3.RBAC`;
const LIMIT = `${TYPE}.network.local_ratelimit.v3.LocalRateLimit`;
const DIRECT = `${TYPE}.network.direct_response.v3.Config`;
const HCM = `${TYPE}.network.http_connection_manager.v3.HttpConnectionManager`;
const TLS_INSPECTOR = `${TYPE}.listener.tls_inspector.v3.TlsInspector`;
const INSPECTOR = `${TYPE}.listener.http_inspector.v3.HttpInspector`;
const DENY_ALL = { '@type': RBAC, rules: {} };
const ALLOW_ALL = { '@type': RBAC };

/** A response field that says which version answered. */
function marking(value: string, name = 'x-version'): Message {
  const append = { header: { key: name, value }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' };
  return { '@type': MUTATION, mutations: { response_mutations: [{ append }] } };
}

const router = { name: 'router', typed_config: { '@type': ROUTER } };
const OK_ROUTES = [{ match: { prefix: '/' }, direct_response: { status: 200 } }];

class Rig {
  readonly files: ResourceFiles;
  readonly #directory = fs.mkdtempSync(join(os.tmpdir(), 'ecds-'));
  proxy: TestProxy | null = null;

  constructor() {
    this.files = new ResourceFiles(this.#directory);
    this.files.write('ecds', []);
  }

  /** A filter that is told. */
  told(name: string, types: readonly string[], members: Message = {}, timeout = '10s'): Message {
    const source = { config_source: this.files.source('ecds', timeout), type_urls: types };
    return { name, config_discovery: { ...source, ...members } };
  }

  manager(name: string, filters: readonly Message[], routes: readonly Message[] = OK_ROUTES) {
    const access_log = [
      {
        name: 'log',
        typed_config: {
          '@type': 'type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog',
          path: join(this.#directory, 'log'),
          log_format: {
            text_format_source: {
              inline_string: '%RESPONSE_CODE% %RESPONSE_FLAGS% %RESPONSE_CODE_DETAILS%\n',
            },
          },
        },
      },
    ];
    const table = { virtual_hosts: [virtualHost(['*'], routes)] };
    return httpListener(name, table, { manager: { http_filters: filters, access_log } });
  }

  async start(t: Test, listeners: readonly Message[]): Promise<TestProxy> {
    const admin = { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } };
    const node = { id: 'test', cluster: 'test' };
    const bootstrap = { node, admin, static_resources: { listeners } };
    const proxy = await withProxy(bootstrap, { fileFlushIntervalMs: 10 });
    t.teardown(async () => {
      await proxy.stop();
      fs.rmSync(this.#directory, { recursive: true });
    });
    this.proxy = proxy;
    return proxy;
  }

  /** Tells filters what to do. */
  tell(configs: Readonly<Record<string, Message>>): string {
    const all = Object.entries(configs).map(([name, typed_config]) => ({ name, typed_config }));
    return this.files.write('ecds', all);
  }

  /** Status, and what `x-version` says. */
  async get(listener: string, path = '/'): Promise<string> {
    const { status, fields } = await rawExchange(
      `127.0.0.1:${this.#port(listener)}`,
      `GET ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`,
    );
    const mark = fields.find((field) => field.startsWith('x-version: ')) ?? '';
    return `${status} ${mark.slice('x-version: '.length)}`.trim();
  }

  /** What a connection hears that says nothing. */
  hear(listener: string): Promise<string> {
    return new Promise((resolve) => {
      let heard = '';
      const socket = net.connect(this.#port(listener), '127.0.0.1');
      socket.on('data', (data) => {
        heard += data.toString();
      });
      socket.on('error', () => undefined);
      socket.on('close', () => resolve(heard));
    });
  }

  async until(listener: string, answer: string, path = '/'): Promise<void> {
    let last = '';
    await eventually(async () => {
      last = await this.get(listener, path);
      return last === answer;
    });
  }

  counter(name: string): Promise<number> {
    return (this.proxy as TestProxy).stat(name);
  }

  /** Tells a filter what it refuses. */
  async tellWrong(name: string, config: Message): Promise<void> {
    const counter = `extension_config_discovery.http_filter.${name}.config_fail`;
    const before = await this.counter(counter);
    this.tell({ [name]: config });
    await eventually(async () => (await this.counter(counter)) > before);
  }

  lastLogLine(): string {
    const lines = fs.readFileSync(join(this.#directory, 'log'), 'utf8').trim().split('\n');
    return lines.at(-1) ?? '';
  }

  async explain(listener: string): Promise<string> {
    const { adminAddress } = this.proxy as TestProxy;
    const query = `url=http://a/&listener=${listener}`;
    return (await fetch(`http://${adminAddress}/explain?${query}`)).text();
  }

  async ecdsDump(): Promise<readonly Message[]> {
    const { adminAddress } = this.proxy as TestProxy;
    const response = await fetch(`http://${adminAddress}/config_dump?resource=ecds_filters`);
    return ((await response.json()) as { configs?: readonly Message[] }).configs ?? [];
  }

  #port(listener: string): number {
    return (this.proxy as TestProxy).ports[listener] as number;
  }
}

t.test('a filter that was never told what to do keeps everybody out', async (t) => {
  const rig = new Rig();
  await rig.start(t, [
    rig.manager('none', [
      { name: 'first', typed_config: marking('first') },
      rig.told('absent', [RBAC], {}, '0.05s'),
      rig.told('absent too', [RBAC], {}, '0.05s'),
      router,
    ]),
    rig.manager('default', [
      rig.told('guard', [RBAC, MUTATION], { default_config: marking('default') }, '0.05s'),
      router,
    ]),
    rig.manager('last', [rig.told('last', [ROUTER], {}, '0.05s')]),
  ]);
  t.equal(await rig.get('none'), '500 first', 'filters in front of it run');
  await eventually(() => rig.lastLogLine() !== '');
  t.match(rig.lastLogLine(), /^500 NFCF -$/);
  t.equal(await rig.get('default'), '200 default');
  t.equal(await rig.get('last'), '500');
  rig.tell({ absent: ALLOW_ALL, 'absent too': ALLOW_ALL, last: { '@type': ROUTER } });
  await rig.until('none', '200 first');
  await rig.until('last', '200');
});

t.test('what filters are told is in use with the next request', async (t) => {
  const rig = new Rig();
  rig.tell({ guard: ALLOW_ALL, mark: marking('1') });
  const filters = [rig.told('guard', [RBAC]), rig.told('mark', [MUTATION]), router];
  await rig.start(t, [rig.manager('a', filters), rig.manager('b', filters)]);
  t.equal(await rig.get('a'), '200 1', 'it was waited for');
  rig.tell({ guard: ALLOW_ALL, mark: marking('2') });
  await rig.until('a', '200 2');
  t.equal(await rig.get('b'), '200 2', 'one subscription serves all who name it');
  rig.tell({ guard: DENY_ALL, mark: marking('2') });
  await rig.until('a', '403 2');
  const fine = [
    await rig.counter('extension_config_discovery.http_filter.guard.config_reload'),
    await rig.counter('extension_config_discovery.http_filter.mark.config_reload'),
  ];
  t.same(fine, [2, 2], 'the same content is not told again');
});

t.test(
  'what does not fit or cannot be used is refused, and what was told before stays',
  async (t) => {
    const rig = new Rig();
    rig.tell({ f: marking('good') });
    await rig.start(t, [rig.manager('a', [rig.told('f', [RBAC, MUTATION, ROUTER]), router])]);
    const bad: readonly Message[] = [
      { '@type': `${TYPE}.http.cors.v3.Cors` },
      { '@type': ROUTER },
      { '@type': MUTATION, mutations: { request_mutations: [{}] } },
      {
        '@type': RBAC,
        rules: { policies: { p: { permissions: [], principals: [{ any: true }] } } },
      },
      { '@type': `${TYPE}.http.wasm.v3.Wasm` },
    ];
    for (const config of bad) {
      await rig.tellWrong('f', config);
      t.equal(await rig.get('a'), '200 good');
    }
    rig.tell({ f: DENY_ALL });
    await rig.until('a', '403');
  },
);

t.test('routes configure a filter that is told, and switch it off', async (t) => {
  const rig = new Rig();
  rig.tell({ f: ALLOW_ALL, limit: { '@type': LOCAL_LIMIT, stat_prefix: 'l' } });
  const own = { f: { '@type': `${RBAC}PerRoute`, rbac: { rules: {} } } };
  const off = {
    f: { '@type': 'type.googleapis.com/envoy.config.route.v3.FilterConfig', disabled: true },
  };
  const one = { max_tokens: 1, tokens_per_fill: 1, fill_interval: '3600s' };
  const enabled = { default_value: { numerator: 100 } };
  const limit = {
    limit: {
      ...{ '@type': LOCAL_LIMIT, stat_prefix: 'l', token_bucket: one },
      ...{ filter_enabled: enabled, filter_enforced: enabled },
    },
  };
  const at = (prefix: string, typed_per_filter_config: Message): Message => ({
    ...{ match: { prefix }, direct_response: { status: 200 }, typed_per_filter_config },
  });
  const routes = [at('/own', own), at('/off', off), at('/limit', limit), ...OK_ROUTES];
  const filters = [rig.told('f', [RBAC]), rig.told('limit', [LOCAL_LIMIT]), router];
  await rig.start(t, [rig.manager('a', filters, routes)]);
  t.same(
    [await rig.get('a'), await rig.get('a', '/own'), await rig.get('a', '/off')],
    ['200', '403', '200'],
  );
  t.same([await rig.get('a', '/limit'), await rig.get('a', '/limit')], ['200', '429']);
  rig.tell({ f: DENY_ALL, limit: { '@type': LOCAL_LIMIT, stat_prefix: 'l' } });
  await rig.until('a', '403');
  t.equal(await rig.get('a', '/off'), '200');
  rig.tell({ f: ALLOW_ALL, limit: { '@type': LOCAL_LIMIT, stat_prefix: 'l' } });
  await rig.until('a', '200');
  t.equal(await rig.get('a', '/limit'), '429', 'what routes count goes on');
});

t.test('network filters are told what to do with connections that come', async (t) => {
  const rig = new Rig();
  const chain = (name: string, filters: readonly Message[]): Message => ({
    ...httpListener(name, {}),
    filter_chains: [{ filters }],
  });
  const greeting = (text: string) => ({ '@type': DIRECT, response: { inline_string: text } });
  await rig.start(t, [
    chain('both', [
      rig.told('gate', [NETWORK_RBAC, LIMIT], {}, '0.05s'),
      rig.told('end', [DIRECT, HCM], {}, '0.05s'),
    ]),
    chain('default', [rig.told('end', [DIRECT, HCM], { default_config: greeting('default') })]),
  ]);
  t.equal(await rig.hear('both'), '');
  t.equal(await rig.counter('listener.127.0.0.1_0.network_extension_config_missing'), 1);
  t.equal(await rig.hear('default'), 'default');
  const allow = { '@type': NETWORK_RBAC, stat_prefix: 'g' };
  rig.tell({ gate: allow, end: greeting('one') });
  await eventually(async () => (await rig.hear('both')) === 'one');
  t.equal(await rig.hear('default'), 'one');
  const token_bucket = { max_tokens: 1, tokens_per_fill: 1, fill_interval: '3600s' };
  rig.tell({ gate: { '@type': LIMIT, stat_prefix: 'g', token_bucket }, end: greeting('two') });
  await eventually(async () => (await rig.hear('default')) === 'two');
  t.same([await rig.hear('both'), await rig.hear('both')], ['two', '']);
  const rds = { config_source: rig.files.source('rds', '15s'), route_config_name: 'r' };
  const http = { '@type': HCM, stat_prefix: 'told', rds, http_filters: [router] };
  rig.files.write('rds', []);
  rig.tell({ gate: allow, end: http });
  await eventually(async () => (await rig.hear('both')) === 'two');
  t.equal(await rig.hear('both'), 'two', 'what was told warms until its routes are there');
  rig.files.write('rds', [{ name: 'r', virtual_hosts: [virtualHost(['*'], OK_ROUTES)] }]);
  await rig.until('both', '200');
});

t.test('listener filters are told what to look for', async (t) => {
  const rig = new Rig();
  const listener = {
    ...rig.manager('a', [router]),
    listener_filters: [
      { name: 'tls', typed_config: { '@type': TLS_INSPECTOR } },
      rig.told('http', [INSPECTOR], {}, '0.05s'),
    ],
  };
  await rig.start(t, [listener]);
  t.equal(await rig.hear('a'), '', 'at once, whoever else wants to look');
  t.equal(await rig.counter('listener.127.0.0.1_0.extension_config_missing'), 1);
  rig.tell({ http: { '@type': INSPECTOR } });
  await eventually(
    async () =>
      (await rig.counter('extension_config_discovery.tcp_listener_filter.http.config_reload')) ===
      1,
  );
  await rig.until('a', '200');
});

t.test('what is in use can be looked at', async (t) => {
  const rig = new Rig();
  const version = rig.tell({ f: ALLOW_ALL });
  await rig.start(t, [
    rig.manager('b', [rig.told('f', [RBAC]), router]),
    rig.manager('a', [rig.told('f', [RBAC]), rig.told('none', [RBAC], {}, '0.05s'), router]),
  ]);
  const dump = await rig.ecdsDump();
  t.match(dump, [
    {
      version_info: version,
      ecds_filter: { name: 'f', typed_config: ALLOW_ALL },
      client_status: 'ACKED',
    },
  ]);
  t.equal(dump.length, 1);
  t.match(await rig.explain('b'), /200/);
  t.match(await rig.explain('a'), /500/, 'the one that was told nothing stops it');
  await rig.tellWrong('f', { '@type': ROUTER });
  t.match(await rig.ecdsDump(), [
    { error_state: { details: /has type URL/ }, client_status: 'NACKED' },
  ]);
});
