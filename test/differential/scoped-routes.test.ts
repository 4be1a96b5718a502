// Scoped routes beside Envoy's: the same scopes and requests; the same table must answer.
import t from 'tap';
import { rawExchange } from '../support/raw-exchange.ts';
import {
  bootstrapOf,
  httpListener,
  type Message,
  staticCluster,
} from '../support/static-bootstrap.ts';
import { withEnvoy, withoutEnvoy } from '../support/with-envoy.ts';
import { withProxy } from '../support/with-proxy.ts';

interface Case {
  readonly name: string;
  /** header_value_extractors */
  readonly extractors: readonly Message[];
  /** Keys of the scopes. */
  readonly keys: readonly (readonly string[])[];
  /** Fields of each request. */
  readonly requests: readonly (readonly string[])[];
}

const ELEMENT = { separator: '=', key: 'k' };

const CASES: readonly Case[] = [
  {
    name: 'first',
    extractors: [{ name: 'X-S', element_separator: ',', index: 0 }],
    keys: [['a'], ['b'], ['']],
    requests: [
      ...[['x-s: a'], ['x-s: a,b'], ['x-s: b,a'], ['x-s: '], [], ['x-s: A'], ['x-s:  a ,b']],
      ...[['x-s: a', 'x-s: b'], ['x-s: ,a'], ['x-s: q']],
    ],
  },
  {
    name: 'second',
    extractors: [{ name: 'x-s', element_separator: ',', index: 1 }],
    keys: [['a'], ['']],
    requests: [['x-s: b,a'], ['x-s: a'], ['x-s: b,'], ['x-s: b,,a'], ['x-s: b', 'x-s: a']],
  },
  {
    name: 'whole',
    extractors: [{ name: 'x-s', index: 0 }],
    keys: [['a,b']],
    requests: [['x-s: a,b'], ['x-s: a']],
  },
  {
    name: 'element',
    extractors: [{ name: 'x-s', element_separator: ';', element: ELEMENT }],
    keys: [['a'], [''], ['k'], ['a=b'], ['=a']],
    requests: [
      ...[['x-s: k=a'], ['x-s: j=b;k=a'], ['x-s: k'], ['x-s: k='], ['x-s: j=a'], ['x-s: k=a=b']],
      ...[['x-s: k=q;k=a'], ['x-s: K=a'], ['x-s: j=b; k=a'], ['x-s: kk=a'], ['x-s: k==a']],
      ...[['x-s: k;k=a'], ['x-s: ']],
    ],
  },
  {
    name: 'unseparated',
    extractors: [{ name: 'x-s', element: ELEMENT }],
    keys: [['a'], ['a;b=c']],
    requests: [['x-s: k=a'], ['x-s: k=a;b=c']],
  },
  {
    name: 'two',
    extractors: [
      { name: 'x-a', index: 0 },
      { name: 'host', index: 0 },
    ],
    keys: [['a', 'h.test'], ['a']],
    requests: [['x-a: a'], []],
  },
  {
    name: 'equal',
    extractors: [{ name: 'x-s', index: 0 }],
    keys: [['a'], ['a']],
    requests: [['x-s: a']],
  },
];

function listenerOf({ name, extractors, keys }: Case): Message {
  const fragments = extractors.map((header_value_extractor) => ({ header_value_extractor }));
  const scopes = keys.map((key, index) => {
    const body = { inline_string: `${index}: ${key.join('/')}` };
    const routes = [{ match: { prefix: '/' }, direct_response: { status: 200, body } }];
    return {
      name: `scope-${index}`,
      key: { fragments: key.map((string_key) => ({ string_key })) },
      route_configuration: {
        name: `table-${index}`,
        virtual_hosts: [{ name: 'v', domains: ['*'], routes }],
      },
    };
  });
  const scoped_routes = {
    name: 'scoped',
    scope_key_builder: { fragments },
    scoped_route_configurations_list: { scoped_route_configurations: scopes },
  };
  return httpListener(name, {}, { manager: { route_config: undefined, scoped_routes } });
}

async function askAll(addressOf: (listener: string) => Promise<string>): Promise<string[]> {
  const said: string[] = [];
  for (const { name, requests } of CASES) {
    const address = await addressOf(name);
    for (const fields of requests) {
      const lines = ['GET / HTTP/1.1', 'host: h.test', ...fields, 'connection: close', '', ''];
      const { status, body } = await rawExchange(address, lines.join('\r\n'));
      said.push(`${name} ${fields.join(', ')}: ${status} ${body}`);
    }
  }
  return said;
}

t.test('scopes are chosen as Envoy chooses them', { skip: withoutEnvoy }, async (t) => {
  const bootstrap = bootstrapOf(CASES.map(listenerOf), [staticCluster('a', 1)]);
  const proxy = await withProxy(bootstrap);
  const ours = await askAll(async (listener) => `127.0.0.1:${proxy.ports[listener]}`);
  await proxy.stop();
  await withEnvoy(bootstrap, async (envoy) => {
    const theirs = await askAll((listener) => envoy.listener(listener));
    for (const [index, said] of theirs.entries()) t.equal(ours[index], said, said);
  });
});
