// The cases that the protocol is known to go wrong in, as scripts for a management server: what it
// does, and what is to be seen of the client afterwards.
import { TYPE_URLS } from '../../proxy/xds/resource-types.ts';
import { ADS, adsBootstrap, HTTP2, PINGED, rdsListener, routeTable } from './dynamic-bootstrap.ts';
import type { DynamicSide } from './dynamic-twins.ts';
import { eventually } from './eventually.ts';
import { anyOf } from './played-plane.ts';
import { assignment, edsCluster } from './resource-files.ts';
import { httpListener, type Message, staticCluster, virtualHost } from './static-bootstrap.ts';

/** Of the upstreams. */
export type Ports = Readonly<Record<'a' | 'b', number>>;

/** A case: what the server does, and what is to be seen of it afterwards. */
export type Case = (side: DynamicSide, ports: Ports) => Promise<unknown>;

const ROUTES = routeTable('routes', { '/two': 'two', '/': 'one' });
const one = () => edsCluster('one', ADS);
/** Without a type of discovery's own configuration: it is refused. */
const BAD_CLUSTER = { name: 'bad', type: 'EDS' };
const NO_ADDRESS = { ...rdsListener('bad'), address: undefined };
/** As much as gRPC takes where nothing else is said, and more. */
const LARGE = { filter_metadata: { large: { text: 'x'.repeat(4_500_000) } } };

/** In this order: each finds what the one before it left. */
export const PROTOCOL_CASES: Readonly<Record<string, Case>> = {
  start: async (side, ports) => {
    const { plane } = side;
    await plane.asked('cluster');
    plane.push('cluster', [one(), staticCluster('two', ports.b)]);
    await plane.asked('endpoint', 'one');
    await plane.set('endpoint', [assignment('one', [ports.a])]);
    await plane.asked('listener');
    plane.push('listener', [rdsListener('in')]);
    await plane.asked('route', 'routes');
    await plane.set('route', [ROUTES]);
    await side.serving();
    return [await side.get('/'), await side.get('/two')];
  },
  'a nonce that is stale when it is answered': async (side, ports) => {
    const { plane } = side;
    const first = plane.push('endpoint', [assignment('one', [ports.b])]);
    const second = plane.push('endpoint', [assignment('one', [ports.a])]);
    return [await plane.answer(first), await plane.answer(second), await side.get('/')];
  },
  'refused, then good: clusters': async (side, ports) => {
    const { plane } = side;
    const good = [one(), staticCluster('two', ports.b)];
    const refusal = await plane.set('cluster', [...good, BAD_CLUSTER]);
    const between = await side.get('/two');
    return [refusal, between, await plane.set('cluster', [...good, staticCluster('bad', ports.a)])];
  },
  'refused, then good: endpoints': async (side, ports) => {
    const { plane } = side;
    const typeUrl = TYPE_URLS.endpoint;
    const bad = { cluster_name: 'one', endpoints: [{ priority: 200 }] };
    const nonce = plane.send({
      ...{ typeUrl, version: 'bad' },
      resources: [{ name: 'one', any: anyOf('endpoint', bad) }],
    });
    const refusal = await plane.answer(nonce);
    const between = await side.get('/');
    return [
      refusal,
      between,
      await plane.set('endpoint', [assignment('one', [ports.b])]),
      await side.get('/'),
    ];
  },
  'refused, then good: listeners': async (side) => {
    const { plane } = side;
    const refusal = await plane.set('listener', [rdsListener('in'), NO_ADDRESS]);
    return [refusal, await side.get('/two'), await plane.set('listener', [rdsListener('in')])];
  },
  'refused, then good: routes': async (side) => {
    const { plane } = side;
    const bad = {
      name: 'routes',
      virtual_hosts: [
        { name: 'v', domains: ['*'] },
        { name: 'w', domains: ['*'] },
      ],
    };
    return [
      await plane.set('route', [bad]),
      await side.get('/two'),
      await plane.set('route', [ROUTES]),
      await side.get('/two'),
    ];
  },
  'removed: a cluster': async (side) => {
    const { plane } = side;
    return [await plane.set('cluster', [one()]), await side.get('/two'), await side.get('/')];
  },
  'added again: a cluster': async (side, ports) => {
    const { plane } = side;
    return [
      await plane.set('cluster', [one(), staticCluster('two', ports.b)]),
      await side.get('/two'),
    ];
  },
  'removed: a listener': async (side) => {
    const { plane } = side;
    const answer = await plane.set('listener', []);
    await plane.dropped('route', 'routes');
    return [answer, await side.get('/')];
  },
  'added again: a listener': async (side) => {
    const { plane } = side;
    const nonce = plane.push('listener', [rdsListener('in')]);
    await plane.asked('route', 'routes');
    const typeUrl = TYPE_URLS.route;
    const again = plane.send({
      typeUrl,
      version: 'again',
      resources: [{ name: 'routes', any: anyOf('route', ROUTES) }],
    });
    await eventually(async () => (await side.get('/two')) === 'b');
    return [await plane.answer(nonce), await plane.answer(again)];
  },
  'removed and added again: endpoints': async (side, ports) => {
    const { plane } = side;
    const gone = await plane.set('endpoint', []);
    return [
      gone,
      await side.get('/'),
      await plane.set('endpoint', [assignment('one', [ports.a])]),
      await side.get('/'),
    ];
  },
  'removed: routes': async (side) => {
    const { plane } = side;
    return [
      await plane.set('route', []),
      await side.get('/two'),
      await plane.set('route', [ROUTES]),
      await side.get('/two'),
    ];
  },
  'names that come twice: clusters': async (side, ports) => {
    const { plane } = side;
    const resources = [
      { name: 'one', any: anyOf('cluster', one()) },
      { name: 'two', any: anyOf('cluster', staticCluster('two', ports.a)) },
      { name: 'two', any: anyOf('cluster', staticCluster('two', ports.b)) },
    ];
    const nonce = plane.send({ typeUrl: TYPE_URLS.cluster, version: 'twice', resources });
    return [await plane.answer(nonce), await side.get('/two')];
  },
  'names that come twice: listeners': async (side) => {
    const { plane } = side;
    const resources = [rdsListener('in'), rdsListener('in')].map((each) => ({
      name: 'in',
      any: anyOf('listener', each),
    }));
    const nonce = plane.send({ typeUrl: TYPE_URLS.listener, version: 'twice', resources });
    return [await plane.answer(nonce), await side.get('/two')];
  },
  'names that come twice: endpoints': async (side, ports) => {
    const { plane } = side;
    const resources = [[ports.a], [ports.b]].map((each) => ({
      name: 'one',
      any: anyOf('endpoint', assignment('one', each)),
    }));
    const nonce = plane.send({ typeUrl: TYPE_URLS.endpoint, version: 'twice', resources });
    return [await plane.answer(nonce), await side.get('/')];
  },
  'names that come twice: routes': async (side) => {
    const { plane } = side;
    const tables = [ROUTES, routeTable('routes', { '/': 'two' })];
    const resources = tables.map((each) => ({ name: 'routes', any: anyOf('route', each) }));
    const nonce = plane.send({ typeUrl: TYPE_URLS.route, version: 'twice', resources });
    return [await plane.answer(nonce), await side.get('/')];
  },
  'nothing at all': async (side) => {
    const { plane } = side;
    const answers: unknown[] = [];
    for (const kind of ['endpoint', 'route'] as const) {
      const nonce = plane.send({ typeUrl: TYPE_URLS[kind], version: 'empty' });
      answers.push(await plane.answer(nonce), await side.get('/'));
    }
    return answers;
  },
  'a type that is not known': async (side) => {
    const { plane } = side;
    plane.send({ typeUrl: 'type.googleapis.com/no.such.Type', version: '1' });
    plane.send({ typeUrl: TYPE_URLS.runtime, version: '1' });
    return [await plane.set('route', [ROUTES]), await side.get('/two')];
  },
  'a resource of another type': async (side, ports) => {
    const { plane } = side;
    const resources = [
      { name: 'one', any: anyOf('endpoint', assignment('one', [ports.b])) },
      { name: 'two', any: anyOf('cluster', staticCluster('two', ports.a)) },
    ];
    const nonce = plane.send({ typeUrl: TYPE_URLS.endpoint, version: 'mixed', resources });
    return [await plane.answer(nonce), await side.get('/')];
  },
  'a resource that nobody asked for': async (side, ports) => {
    const { plane } = side;
    const endpoints = { name: 'other', any: anyOf('endpoint', assignment('other', [ports.b])) };
    const routes = { name: 'other', any: anyOf('route', routeTable('other', { '/': 'two' })) };
    const first = plane.send({
      typeUrl: TYPE_URLS.endpoint,
      version: 'other',
      resources: [endpoints],
    });
    const second = plane.send({ typeUrl: TYPE_URLS.route, version: 'other', resources: [routes] });
    return [await plane.answer(first), await plane.answer(second), await side.get('/')];
  },
  'rubbish in a resource': async (side) => {
    const { plane } = side;
    const any = { ...anyOf('cluster', one()), value: Uint8Array.of(0x0a, 0x7f) };
    const nonce = plane.send({
      typeUrl: TYPE_URLS.cluster,
      version: 'rubbish',
      resources: [{ name: 'one', any }],
    });
    return [await plane.answer(nonce), await side.get('/')];
  },
  'more than 4 MB': async (side, ports) => {
    const { plane } = side;
    const large = { ...staticCluster('large', ports.a), metadata: LARGE };
    return plane.set('cluster', [one(), staticCluster('two', ports.b), large]);
  },
  'a response in drips': async (side, ports) => {
    const { plane, relay } = side;
    relay.dripBytes = 3;
    const answer = await plane.set('endpoint', [assignment('one', [ports.b, ports.b])]);
    relay.dripBytes = 0;
    return [answer, await side.get('/')];
  },
  'every cluster is removed': async (side) => {
    const { plane } = side;
    const answer = await plane.set('cluster', []);
    await plane.dropped('endpoint', 'one');
    return [answer, await side.get('/'), await side.get('/two')];
  },
  'every cluster is added again': async (side, ports) => {
    const { plane } = side;
    const nonce = plane.push('cluster', [one(), staticCluster('two', ports.b)]);
    await plane.asked('endpoint', 'one');
    const any = anyOf('endpoint', assignment('one', [ports.a]));
    const again = plane.send({
      typeUrl: TYPE_URLS.endpoint,
      version: 'again',
      resources: [{ name: 'one', any }],
    });
    return [
      await plane.answer(again),
      await plane.answer(nonce),
      await side.get('/'),
      await side.get('/two'),
    ];
  },
  'a server that starts again with another version': async (side, ports) => {
    const { plane } = side;
    await plane.restart();
    await plane.asked('route', 'routes');
    const held = await side.get('/');
    const clusters = [one(), staticCluster('two', ports.a)].map((each) => ({
      name: each['name'] as string,
      any: anyOf('cluster', each),
    }));
    const nonce = plane.send({ typeUrl: TYPE_URLS.cluster, version: '0', resources: clusters });
    return [held, await plane.answer(nonce), await side.get('/two')];
  },
};

/** What a case showed, and the requests that it made, by type. */
export interface CaseOutcome {
  readonly result: unknown;
  readonly requests: Readonly<Record<string, readonly string[]>>;
}

/** Plays all of them; outcomes by title. */
export async function playCases(
  side: DynamicSide,
  ports: Ports,
): Promise<Readonly<Record<string, CaseOutcome>>> {
  const outcomes: Record<string, CaseOutcome> = {};
  for (const [title, play] of Object.entries(PROTOCOL_CASES)) {
    const result = await play(side, ports).catch((error: Error) => {
      throw new Error(`${side.name}: ${title}: ${error.message}`, { cause: error });
    });
    outcomes[title] = { result, requests: side.plane.requests() };
  }
  return outcomes;
}

/** For a server that never answers. */
export function silentBootstrap(port: number): Message {
  return waiting(staticCluster('xds', port), HTTP2);
}

/** Pings find a connection that is half open, and who connects gives up soon. */
export function halfOpenBootstrap(port: number): Message {
  return waiting({ ...staticCluster('xds', port), connect_timeout: '0.3s' }, PINGED);
}

function waiting(server: Message, protocol: Message): Message {
  const source = { ...ADS, initial_fetch_timeout: '0.2s' };
  const bootstrap = adsBootstrap(0, false, { source });
  const body = { inline_string: '{"upstream": "static"}' };
  const route = { match: { prefix: '/' }, direct_response: { status: 200, body } };
  const listener = httpListener('in', { virtual_hosts: [virtualHost(['*'], [route])] });
  const clusters = [{ ...server, ...protocol }];
  return { ...bootstrap, static_resources: { clusters, listeners: [listener] } };
}

/** Says nothing, whatever is asked. */
export async function playSilence(side: DynamicSide): Promise<unknown> {
  await side.plane.asked('cluster');
  await side.plane.asked('listener');
  await side.serving();
  const counted = /\.(?:cds|lds)\.(?:init_fetch_timeout|update_attempt|update_failure): /;
  return [await side.get('/'), await side.stats(counted)];
}

/** Goes silent, and comes back. */
export async function playHalfOpen(side: DynamicSide): Promise<unknown> {
  const { plane, relay } = side;
  await plane.asked('cluster');
  await side.serving();
  const { length } = plane.plane.streams;
  relay.isSilent = true;
  // Pings find it; what tries to connect meanwhile gives up in connect_timeout.
  await eventually(async () => /connected_state: 0/.test(await side.admin('/stats')));
  const held = await side.get('/');
  relay.isSilent = false;
  await plane.plane.stream(length);
  await plane.asked('cluster');
  await eventually(async () => /connected_state: 1/.test(await side.admin('/stats')));
  return held;
}
