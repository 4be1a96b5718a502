// Scopes that files tell (SRDS), with tables of their own or by name, in a proxy that serves meanwhile.
import fs from 'node:fs';
import os from 'node:os';
import { join } from 'node:path';
import t, { type Test } from 'tap';
import { eventually } from '../support/eventually.ts';
import { rawExchange } from '../support/raw-exchange.ts';
import { ResourceFiles } from '../support/resource-files.ts';
import { httpListener, type Message, virtualHost } from '../support/static-bootstrap.ts';
import { type TestProxy, withProxy } from '../support/with-proxy.ts';

/** A table that answers everything. */
function table(name: string, body: string, members: Message = {}): Message {
  const direct_response = { status: 200, body: { inline_string: body } };
  return {
    name,
    virtual_hosts: [virtualHost(['*'], [{ match: { prefix: '/' }, direct_response }])],
    ...members,
  };
}

function scope(name: string, key: string, members: Message): Message {
  return { name, key: { fragments: [{ string_key: key }] }, ...members };
}

const named = (name: string, key: string, route_configuration_name: string): Message =>
  scope(name, key, { route_configuration_name });

class Rig {
  readonly files: ResourceFiles;
  readonly #proxy: TestProxy;

  private constructor(files: ResourceFiles, proxy: TestProxy) {
    this.files = files;
    this.#proxy = proxy;
  }

  static async start(t: Test, prepare: (files: ResourceFiles) => string): Promise<Rig> {
    const directory = fs.mkdtempSync(join(os.tmpdir(), 'srds-'));
    const files = new ResourceFiles(directory);
    const timeout = prepare(files);
    const builder = {
      fragments: [{ header_value_extractor: { name: 'x-scope', index: 0 } }],
    };
    const scoped_routes = {
      name: 'scopes',
      scope_key_builder: builder,
      rds_config_source: files.source('rds', timeout),
      scoped_rds: { scoped_rds_config_source: files.source('srds', timeout) },
    };
    const manager = { route_config: undefined, scoped_routes, stat_prefix: 'in' };
    const proxy = await withProxy({
      node: { id: 'test', cluster: 'test' },
      admin: { address: { socket_address: { address: '127.0.0.1', port_value: 0 } } },
      static_resources: { listeners: [httpListener('in', {}, { manager })] },
    });
    t.teardown(async () => {
      await proxy.stop();
      fs.rmSync(directory, { recursive: true });
    });
    return new Rig(files, proxy);
  }

  /** What a request in a scope is answered; '404' outside of all. */
  async get(key: string | null, fields = ''): Promise<string> {
    const scoped = key === null ? '' : `x-scope: ${key}\r\n`;
    const { status, body } = await rawExchange(
      `127.0.0.1:${this.#proxy.port}`,
      `GET / HTTP/1.1\r\nhost: a\r\n${scoped}${fields}connection: close\r\n\r\n`,
    );
    return status === 200 ? body : String(status);
  }

  async until(key: string, answer: string): Promise<void> {
    await eventually(async () => (await this.get(key)) === answer);
  }

  stat(name: string): Promise<number> {
    return this.#proxy.stat(`http.in.scoped_rds.scopes.${name}`);
  }

  async refuses(scopes: readonly Message[]): Promise<void> {
    const before = await this.stat('update_rejected');
    this.files.write('srds', scopes);
    await eventually(async () => (await this.stat('update_rejected')) > before);
  }

  lastRefusal(): string {
    return this.#proxy.log.filter((line) => line.includes('rejected')).at(-1) ?? '';
  }

  async dump(): Promise<readonly Message[]> {
    const address = this.#proxy.adminAddress;
    const query = 'resource=dynamic_scoped_route_configs';
    const response = await fetch(`http://${address}/config_dump?${query}`);
    return ((await response.json()) as { configs?: readonly Message[] }).configs ?? [];
  }
}

t.test('scopes come with tables or name them, and move between them', async (t) => {
  const rig = await Rig.start(t, (files) => {
    files.write('rds', [table('one', '1'), table('two', '2')]);
    files.write('srds', [
      named('A', 'a', 'one'),
      named('B', 'b', 'two'),
      scope('C', 'c', { route_configuration: table('own', 'inline') }),
    ]);
    return '10s';
  });
  t.same(
    [await rig.get('a'), await rig.get('b'), await rig.get('c'), await rig.get('d')],
    ['1', '2', 'inline', '404'],
    'all of it is waited for',
  );
  t.equal(await rig.get(null), '404');
  rig.files.write('rds', [table('one', '1'), table('two', '2 again')]);
  await rig.until('b', '2 again');
  t.equal(await rig.get('a'), '1');
  rig.files.write('srds', [named('A', 'b', 'one'), named('B', 'a', 'two')]);
  await rig.until('b', '1');
  t.same([await rig.get('a'), await rig.get('c')], ['2 again', '404'], 'keys change hands');
  t.equal(await rig.stat('all_scopes'), 2);
  rig.files.write('srds', []);
  await rig.until('a', '404');
  t.equal(await rig.stat('all_scopes'), 0);
});

t.test('a table that is not there keeps no other scope waiting', async (t) => {
  const rig = await Rig.start(t, (files) => {
    files.write('rds', [table('one', '1')]);
    files.write('srds', []);
    return '10s';
  });
  rig.files.write('srds', [named('A', 'a', 'one'), named('B', 'b', 'late')]);
  await rig.until('a', '1');
  t.equal(await rig.get('b'), '404');
  rig.files.write('srds', [named('A', 'a', 'later'), named('B', 'b', 'late')]);
  await eventually(async () => (await rig.dump())[0]?.['version_info'] === 'v4');
  t.equal(await rig.get('a'), '1', 'a scope keeps its table until the one that it names is there');
  rig.files.write('rds', [table('late', 'at last'), table('later', '2')]);
  await rig.until('b', 'at last');
  await rig.until('a', '2');
});

t.test('what is wrong with one scope is wrong with the update', async (t) => {
  const good = named('A', 'a', 'one');
  const rig = await Rig.start(t, (files) => {
    files.write('rds', [table('one', '1')]);
    files.write('srds', [good]);
    return '10s';
  });
  const prefix = 'Error adding\\/updating scoped route\\(s\\): ';
  const wrong: readonly (readonly [scopes: readonly Message[], reason: RegExp])[] = [
    [
      [named('A', 'b', 'one'), named('B', 'b', 'one')],
      new RegExp(`${prefix}scope key conflict found, first scope is 'A', second scope is 'B'`),
    ],
    [
      [named('A', 'b', 'one'), named('A', 'c', 'one')],
      new RegExp(`${prefix}duplicate scoped route configuration 'A' found`),
    ],
    [[named('A', 'b', '')], /route_configuration_name is empty\./],
    [[{ name: 'A', route_configuration_name: 'one' }], /key: value is required/],
    [
      [scope('A', 'b', { route_configuration: table('own', 'x', { vhds: {} }) })],
      /route_configuration\.vhds/,
    ],
  ];
  for (const [scopes, reason] of wrong) {
    await rig.refuses(scopes);
    t.match(rig.lastRefusal(), reason);
    t.equal(await rig.get('a'), '1');
  }
  t.match(await rig.dump(), [
    {
      name: 'scopes',
      scoped_route_configs: [good],
      client_status: 'NACKED',
      error_state: {},
    },
  ]);
});
