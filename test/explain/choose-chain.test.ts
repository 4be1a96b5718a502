// Which listener and filter chain a connection for a URL finds, and why not the others.
import t from 'tap';
import { loadBootstrap } from '../../proxy/config/load.ts';
import { readRequest } from '../../proxy/explain/dry-request.ts';
import type { Explanation } from '../../proxy/explain/explanation.ts';
import { offlineExplainer, offlineMoment } from '../../proxy/server/explained-configuration.ts';
import { loadOptions } from '../support/load-options.ts';
import {
  bootstrapOf,
  httpListener,
  type Message,
  virtualHost,
} from '../support/static-bootstrap.ts';

const ANSWER = { match: { prefix: '/' }, direct_response: { status: 200 } };

function listener(name: string, address: string, port: number, members: Message = {}): Message {
  const base = httpListener(name, { virtual_hosts: [virtualHost(['*'], [ANSWER])] });
  return { ...base, address: { socket_address: { address, port_value: port } }, ...members };
}

function explain(listeners: readonly Message[], url: string, name = ''): Explanation {
  const source = { name: 'x.json', content: JSON.stringify(bootstrapOf(listeners, [])) };
  const loaded = loadBootstrap([source], loadOptions());
  const read = readRequest({ method: 'GET', url, listener: name });
  if (!loaded.ok || !read.ok) throw new Error(JSON.stringify([loaded.problems, read]));
  return offlineExplainer(loaded).explain(read.request, offlineMoment());
}

t.test('address and port of the URL choose the listener', (t) => {
  const both = [
    listener('a', '10.0.0.1', 80),
    listener('b', '0.0.0.0', 80),
    listener('c', '0.0.0.0', 81),
  ];
  const chosen = (url: string, name = '') => explain(both, url, name).listener?.name ?? null;
  t.equal(chosen('http://10.0.0.1/'), 'a');
  t.equal(chosen('http://10.0.0.2/'), 'b');
  t.equal(chosen('http://h:81/'), 'c');
  t.equal(chosen('http://h:81/', 'a'), 'a');
  t.equal(chosen('http://h:82/'), null);
  t.same(explain(both, 'http://h/').otherListeners, ['b'], 'a name may mean either');
  t.equal(explain([listener('a', '0.0.0.0', 80)], 'http://h:82/').listener?.name, 'a');
  t.end();
});

t.test('each filter chain that does not take the connection says by which criterion', (t) => {
  const [plain] = listener('x', '0.0.0.0', 80)['filter_chains'] as readonly Message[];
  const chains = [
    { ...plain, name: 'port', filter_chain_match: { destination_port: 81 } },
    {
      ...plain,
      name: 'net',
      filter_chain_match: { prefix_ranges: [{ address_prefix: '10.0.0.0', prefix_len: 8 }] },
    },
    {
      ...plain,
      name: 'wider',
      filter_chain_match: { prefix_ranges: [{ address_prefix: '0.0.0.0', prefix_len: 0 }] },
    },
  ];
  const told = explain(
    [listener('a', '0.0.0.0', 80, { filter_chains: chains })],
    'http://10.1.1.1/',
  );
  t.equal(told.filterChain?.name, 'net');
  t.same(
    told.triedChains.map(({ mismatch }) => mismatch),
    [
      'destination_port: the connection has 80',
      null,
      'another filter chain matches more specifically',
    ],
  );
  const nobody = [listener('a', '0.0.0.0', 80, { filter_chains: [chains[0]] })];
  t.equal(explain(nobody, 'http://h/').outcome.kind, 'no-filter-chain');
  t.end();
});
