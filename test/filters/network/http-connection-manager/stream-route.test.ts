import type { DescMessage } from '@bufbuild/protobuf';
import {
  BoolValueSchema,
  type StringValue,
  StringValueSchema,
  UInt32ValueSchema,
} from '@bufbuild/protobuf/wkt';
import t from 'tap';
import {
  CONTINUE,
  type FilterStatus,
  type HttpFilterCallbacks,
  type HttpFilterDefinition,
  STOP,
} from '../../../../proxy/filters/http-filter.ts';
import { HcmRig } from '../../../support/hcm-rig.ts';

type Json = { [name: string]: never };

/** What filters did with heads: `name(configuration)@route`. */
const seen: string[] = [];

/** Routes know filters by the type of their configuration. */
const SCHEMAS = new Map<string, DescMessage>([
  ['first', StringValueSchema],
  ['last', UInt32ValueSchema],
]);

/** A filter that writes down what it is; `act` is what it does with the request's head. */
function filter(
  name: string,
  act: (callbacks: HttpFilterCallbacks) => FilterStatus = () => CONTINUE,
): HttpFilterDefinition {
  const schema = SCHEMAS.get(name) ?? BoolValueSchema;
  const support = { [schema.typeName]: { value: 'honoured' as const } };
  const compile = (message: unknown) => (message as StringValue).value;
  return {
    ...{ name, schema, isTerminal: false, support, compile },
    perRoute: { schema, support, compile },
    onRoute: (_own: unknown, [first]: readonly never[]) => first ?? '',
    factory: (config) => ({
      create: (callbacks) => ({
        onRequestHead: () => {
          seen.push(`${name}(${config})@${callbacks.route?.config.name ?? '-'}`);
          return act(callbacks);
        },
        onRequestData: () => STOP,
        onResponseHead: (head) => {
          head.headers.add('x-seen', `${name}(${config})`);
          return CONTINUE;
        },
      }),
    }),
  } as HttpFilterDefinition;
}

function pathTo(path: string) {
  return (callbacks: HttpFilterCallbacks): FilterStatus => {
    if (callbacks.request !== null) callbacks.request.path = path;
    callbacks.rematchRoute();
    return CONTINUE;
  };
}

function own(first: string, last: number): object {
  const value = (type: string, value: unknown) => ({
    ...{ '@type': `type.googleapis.com/google.protobuf.${type}`, value },
  });
  return { first: value('StringValue', first), last: value('UInt32Value', last) };
}

/** `/a` with filters of its own, `/b` with others, `/tls` in a virtual host that wants TLS. */
function members(extra: object = {}): Json {
  const route = (name: string, perFilter: object, more: object = {}) => ({
    name,
    match: { prefix: `/${name}` },
    route: { cluster: 'c', ...more },
    typed_per_filter_config: perFilter,
  });
  const routes = [
    route('a', own('one', 1)),
    route('b', own('two', 2), { idle_timeout: '3s' }),
    { ...route('large', {}), request_body_buffer_limit: 4096 },
  ];
  const hosts = [
    { name: 'v', domains: ['*'], routes },
    { name: 's', domains: ['tls.test'], require_tls: 'ALL', routes },
  ];
  return { route_config: { virtual_hosts: hosts }, ...extra } as unknown as Json;
}

/** A filter in front of the one that acts, and one behind it. */
function http2(more: Json, act: (callbacks: HttpFilterCallbacks) => FilterStatus): HcmRig {
  seen.length = 0;
  const rig = new HcmRig(more, '', [filter('first'), filter('mover', act), filter('last')]);
  rig.connection.receive('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
  return rig;
}

t.test('filters behind the one that rerouted are those of the new route', async (t) => {
  const rig = http2(members(), pathTo('/b'));
  rig.chosen.open().head('/a', true);
  t.same(seen, ['first(one)@a', 'mover()@a', 'last(2)@b']);
  t.equal(rig.requests[0]?.route?.config.name, 'b');
  const answered = rig.requests[0];
  rig.answer();
  t.same(answered?.response?.headers.values('x-seen'), ['last(2)', 'mover()', 'first(one)']);
});

t.test('a request may lose its route, or be sent to TLS', async (t) => {
  const lost = http2(members(), pathTo('/nowhere'));
  lost.chosen.open().head('/a', true);
  t.equal(lost.requests[0]?.route, null);
  t.same(seen, ['first(one)@a', 'mover()@a', 'last()@-'], 'as the chain has it');

  const secure = http2(members(), (callbacks) => {
    if (callbacks.request !== null) callbacks.request.authority = 'tls.test';
    callbacks.rematchRoute();
    return CONTINUE;
  });
  const stream = secure.chosen.open().head('/a', true);
  t.same(stream.statuses, [301]);
  t.same(seen, ['first(one)@a', 'mover()@a'], 'nobody behind it sees the request');
});

t.test('a new route brings its idle timeout, and takes it away', async (t) => {
  const there = http2(members({ stream_idle_timeout: '60s' }), pathTo('/b'));
  const stream = there.chosen.open().head('/a', true);
  there.clock.advance(3500);
  t.same(stream.statuses, [504]);

  const back = http2(members({ stream_idle_timeout: '60s' }), pathTo('/a'));
  const other = back.chosen.open().head('/b', true);
  back.clock.advance(3500);
  t.same(other.statuses, []);
});

t.test('a filter or a route says how much may be held', async (t) => {
  const limited =
    (bytes: number | null) =>
    (callbacks: HttpFilterCallbacks): FilterStatus => {
      if (bytes !== null) callbacks.setBufferLimit(bytes);
      return STOP;
    };
  const cases: readonly (readonly [string, number | null, number])[] = [
    ['/a', null, 1024],
    ['/a', 10, 10],
    ['/a', 5000, 5000],
    ['/large', null, 4096],
    ['/large', 100, 100],
  ];
  for (const [path, bytes, limit] of cases) {
    const rig = http2(members(), limited(bytes));
    const stream = rig.chosen.open().head(path, false);
    stream.data('x'.repeat(limit), false);
    t.same(stream.statuses, [], `${path} ${bytes}: ${limit} octets are held`);
    stream.data('x', false);
    t.same(stream.statuses, [413], `${path} ${bytes}: and no more`);
  }
});
