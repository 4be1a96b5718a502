// What a server tells by name beside Envoy, in both variants of the protocol: what filters do (ECDS),
// and which route table serves which requests (SRDS).
import t from 'tap';
import { ADS, adsBootstrap } from '../support/dynamic-bootstrap.ts';
import { type DynamicSide, withDynamicTwins } from '../support/dynamic-twins.ts';
import { eventually } from '../support/eventually.ts';
import { rawExchange } from '../support/raw-exchange.ts';
import { httpListener, type Message, virtualHost } from '../support/static-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';

const TYPE = 'type.googleapis.com/envoy.extensions.filters';
const RBAC = `${TYPE}.http.rbac.v3.RBAC`;
const MUTATION = `${TYPE}.http.header_mutation.v3.HeaderMutation`;
const ROUTER = `${TYPE}.http.router.v3.Router`;
const DIRECT = `${TYPE}.network.direct_response.v3.Config`;
const SHORT = { ...ADS, initial_fetch_timeout: '0.2s' };

const router = { name: 'router', typed_config: { '@type': ROUTER } };
const routes = [{ match: { prefix: '/' }, direct_response: { status: 200 } }];

function marking(value: string): Message {
  const append = { header: { key: 'x-mark', value }, append_action: 'OVERWRITE_IF_EXISTS_OR_ADD' };
  return { '@type': MUTATION, mutations: { response_mutations: [{ append }] } };
}

function told(name: string, type_urls: readonly string[], members: Message = {}): Message {
  return { name, config_discovery: { config_source: ADS, type_urls, ...members } };
}

function manager(name: string, http_filters: readonly Message[]): Message {
  return httpListener(
    name,
    { virtual_hosts: [virtualHost(['*'], routes)] },
    { manager: { http_filters } },
  );
}

const filter = (name: string, typed_config: Message): Message => ({ name, typed_config });

/** Status and mark of a response; '' : the connection is closed without a word. */
async function get(side: DynamicSide, listener: string, fields = ''): Promise<string> {
  const address = await side.address(listener);
  const request = `GET / HTTP/1.1\r\nhost: a\r\n${fields}connection: close\r\n\r\n`;
  const response = await rawExchange(address, request).catch(() => null);
  if (response === null || response.status === 0) return '';
  const mark = response.fields.find((field) => field.startsWith('x-mark: ')) ?? '';
  return `${response.status} ${mark.slice('x-mark: '.length)}${response.body}`.trim();
}

async function until(ask: () => Promise<string>, answer: string): Promise<string> {
  let last = '';
  await eventually(async () => {
    last = await ask();
    return last === answer;
  });
  return last;
}

/** The text behind the nonce, whose number differs with what was sent before. */
function refusal(answer: string): string {
  return answer.replace(/^.* nonce=\S+/, '');
}

async function dumped(side: DynamicSide, part: string, list: string): Promise<unknown> {
  const elements = ((await side.dump())[part]?.[list] ?? []) as readonly Message[];
  return elements.map(({ last_updated: _at, client_status: _status, ...rest }) => rest);
}

async function filters(side: DynamicSide): Promise<readonly unknown[]> {
  const { plane } = side;
  const seen: unknown[] = [];
  await plane.asked('cluster');
  plane.push('cluster', []);
  await plane.asked('listener');
  const chain = { ...httpListener('net', {}) };
  const end = told('end', [DIRECT], { config_source: SHORT });
  plane.push('listener', [
    manager('in', [told('f', [RBAC, MUTATION]), router]),
    manager('default', [
      told('g', [RBAC, MUTATION], { config_source: SHORT, default_config: marking('default') }),
      router,
    ]),
    { ...chain, filter_chains: [{ filters: [end] }] },
    httpListener(
      'up',
      { virtual_hosts: [virtualHost(['*'], routes)] },
      {
        manager: {
          http_filters: [router],
          upgrade_configs: [
            { upgrade_type: 'websocket', filters: [told('u', [MUTATION, ROUTER]), router] },
          ],
        },
      },
    ),
  ]);
  await plane.asked('extension', 'f', 'g', 'end', 'u');
  seen.push(refusal(await plane.set('extension', [filter('f', marking('1'))])));
  await side.serving();
  await plane.set('extension', [filter('f', marking('1')), filter('u', marking('1'))]);
  await eventually(async () => (await side.address('up')) !== '');
  const upgraded = () => get(side, 'up', 'connection: upgrade\r\nupgrade: websocket\r\n');
  seen.push(await until(upgraded, '200 1'), await get(side, 'up'));
  await eventually(async () => (await side.address('net')) !== '');
  seen.push(await until(() => get(side, 'in'), '200 1'), await get(side, 'default'));
  seen.push(await get(side, 'net'));

  const all = (f: Message, u = marking('2')): readonly Message[] => [
    ...[filter('f', f), filter('g', { '@type': RBAC }), filter('u', u)],
  ];
  await plane.set('extension', all(marking('2')));
  seen.push(await until(() => get(side, 'in'), '200 2'));
  seen.push(await until(() => get(side, 'default'), '200'), await until(upgraded, '200 2'));
  for (const wrong of [{ '@type': ROUTER }, { '@type': `${TYPE}.http.cors.v3.Cors` }]) {
    // Each of the two names the types that it expects in an order of its own.
    const answer = refusal(await plane.set('extension', all(wrong)));
    seen.push(answer.replace(/(?<= but expect ).*/s, ''), await get(side, 'in'));
  }
  const open = { '@type': RBAC };
  seen.push(refusal(await plane.set('extension', all(open))), await get(side, 'in'));
  const response = { inline_string: 'hello' };
  const closed = { ...open, rules: {} };
  const greeting = filter('end', { '@type': DIRECT, response });
  await plane.set('extension', [...all(closed), greeting]);
  seen.push(await until(() => get(side, 'in'), '403 RBAC: access denied'));
  seen.push(await dumped(side, 'Ecds', 'ecds_filters'));
  // In Envoy what was wrong for one name counts for all that came with it.
  seen.push(await side.stats(/^extension_config_d.*(config_(reload|conflict)|\.f\.config_fail):/));
  const terminal = [...all(closed, { '@type': ROUTER }), greeting];
  seen.push(refusal(await plane.set('extension', terminal)), await upgraded());
  return seen;
}

/** What only the incremental variant can say. */
async function removal(side: DynamicSide): Promise<readonly unknown[]> {
  await side.plane.set('extension', []);
  return [
    await until(() => get(side, 'in'), '500'),
    await until(() => get(side, 'default'), '200 default'),
    await side.stats(/^extension_config_discovery.*config_reload/),
    await side.plane.set('extension', [filter('f', marking('again'))]).then(refusal),
    await until(() => get(side, 'in'), '200 again'),
  ];
}

function table(name: string, body: string): Message {
  const direct_response = { status: 200, body: { inline_string: body } };
  const match = { prefix: '/' };
  return { name, virtual_hosts: [virtualHost(['*'], [{ match, direct_response }])] };
}

function scope(name: string, key: string, route_configuration_name: string): Message {
  return { name, key: { fragments: [{ string_key: key }] }, route_configuration_name };
}

async function scopes(side: DynamicSide): Promise<readonly unknown[]> {
  const { plane } = side;
  const seen: unknown[] = [];
  const scoped_routes = {
    name: 'scopes',
    scope_key_builder: { fragments: [{ header_value_extractor: { name: 'x-s', index: 0 } }] },
    rds_config_source: ADS,
    scoped_rds: { scoped_rds_config_source: ADS },
  };
  const in_ = (key: string) => get(side, 'scoped', `x-s: ${key}\r\n`);
  plane.push('listener', [
    httpListener('scoped', {}, { manager: { route_config: undefined, scoped_routes } }),
  ]);
  await eventually(() => Object.keys(plane.requests()).includes('ScopedRouteConfiguration'));
  plane.push('scopedRoute', [scope('A', 'a', 'one'), scope('B', 'b', 'two')]);
  await plane.asked('route', 'one', 'two');
  await plane.set('route', [table('one', '1'), table('two', '2')]);
  seen.push(await until(() => in_('a'), '200 1'), await in_('b'), await in_('c'));
  const wrong = [
    [scope('A', 'a', 'one'), scope('B', 'a', 'two')],
    [scope('A', 'a', 'one'), scope('B', 'b', '')],
  ];
  for (const each of wrong) {
    seen.push(refusal(await plane.set('scopedRoute', each)), await in_('a'));
  }
  plane.push('scopedRoute', [scope('A', 'a', 'one'), scope('B', 'b', 'one')]);
  seen.push(await until(() => in_('b'), '200 1'));
  seen.push(refusal(await plane.set('scopedRoute', [scope('B', 'b', 'one')])));
  seen.push(await until(() => in_('a'), '404'), await in_('b'));
  seen.push(await dumped(side, 'ScopedRoutes', 'dynamic_scoped_route_configs'));
  seen.push(await side.stats(/scoped_rds.*(_scopes|config_reload|update_empty):/));
  return seen;
}

/** A virtual host, whose name the protocol wants to begin with its table's. */
function toldHost(domain: string, body: string): Message {
  const direct_response = { status: 200, body: { inline_string: body } };
  const match = { prefix: '/' };
  return { ...virtualHost([domain], [{ match, direct_response }]), name: `hosts/${domain}` };
}

/** Only the incremental variant has virtual hosts. */
async function hosts(side: DynamicSide): Promise<readonly unknown[]> {
  const { plane } = side;
  const seen: unknown[] = [];
  const rds = { config_source: ADS, route_config_name: 'hosts' };
  const host = async (name: string): Promise<string> => {
    const address = await side.address('hosted');
    if (address === '') return '';
    const request = `GET / HTTP/1.1\r\nhost: ${name}\r\nconnection: close\r\n\r\n`;
    const { status, body } = await rawExchange(address, request);
    return `${status} ${body}`.trim();
  };
  const written = { ...toldHost('written', 'written'), name: 'written' };
  const hosted = (members: Message = {}): Message => ({
    ...{ name: 'hosts', virtual_hosts: [written], vhds: { config_source: ADS } },
    ...members,
  });
  plane.push('listener', [
    httpListener('hosted', {}, { manager: { route_config: undefined, rds } }),
  ]);
  await plane.asked('route', 'hosts');
  plane.push('route', [hosted()]);
  await plane.asked('virtualHost');
  seen.push(refusal(await plane.set('virtualHost', [toldHost('a', '1'), toldHost('b', '1')])));
  seen.push(await until(() => host('a'), '200 1'), await host('b'), await host('c'));
  seen.push(await host('written'));
  plane.push('virtualHost', [toldHost('a', '2'), toldHost('c', '1')]);
  seen.push(await until(() => host('a'), '200 2'), await host('b'), await host('c'));
  const ignore_port_in_host_matching = true;
  plane.push('route', [hosted({ ignore_port_in_host_matching })]);
  seen.push(await until(() => host('c:80'), '200 1'), await host('a'));
  seen.push(await side.stats(/vhds\.hosts\.(update_(success|rejected)|config_reload):/));
  return seen;
}

for (const isIncremental of [false, true]) {
  const title = isIncremental ? 'incremental' : 'state of the world';
  t.test(`what filters and scopes are told, ${title}`, { skip: withoutEnvoy }, async (t) => {
    const { ours, envoy } = await withDynamicTwins({
      isIncremental,
      bootstrap: (port) => adsBootstrap(port, isIncremental),
      script: async (side) => ({
        filters: await filters(side),
        removal: isIncremental ? await removal(side) : [],
        scopes: await scopes(side),
        hosts: isIncremental ? await hosts(side) : [],
      }),
    });
    t.same(ours.filters, envoy.filters);
    t.same(ours.removal, envoy.removal);
    t.same(ours.scopes, envoy.scopes);
    t.same(ours.hosts, envoy.hosts);
  });
}
