import t from 'tap';
import { type Cidr, parseCidr } from '../../proxy/base/cidr-table.ts';
import { parseIp } from '../../proxy/base/ip-address.ts';
import {
  type ConnectionFacts,
  DuplicateMatch,
  FilterChainMatcher,
  PIPE_OCTETS,
} from '../../proxy/listener/filter-chain-matcher.ts';
import { type FilterChainMatchConfig, MATCH_ALL } from '../../proxy/model/listener.ts';

type Match = Partial<FilterChainMatchConfig>;

const nets = (...texts: string[]): Cidr[] => texts.map((text) => parseCidr(text) as Cidr);
const ip = (text: string): readonly number[] => parseIp(text) as readonly number[];

const FACTS: ConnectionFacts = {
  destinationPort: 80,
  destination: [10, 0, 0, 1],
  source: [192, 168, 0, 9],
  sourcePort: 40_000,
  directSource: [192, 168, 0, 9],
  isLocal: false,
  serverName: '',
  transportProtocol: 'raw_buffer',
  applicationProtocols: [],
};

/** Finds by name; `chains` as name and criteria. */
function finder(
  chains: Readonly<Record<string, Match>>,
  fallback: string | null = null,
): (facts?: Partial<ConnectionFacts>) => string | null {
  const list = Object.entries(chains).map(([chain, match]) => ({
    chain,
    match: { ...MATCH_ALL, ...match },
  }));
  const matcher = new FilterChainMatcher(list, fallback);
  return (facts = {}) => matcher.find({ ...FACTS, ...facts });
}

t.test('a chain without criteria takes everything', async (t) => {
  t.equal(finder({ all: {} })(), 'all');
  t.equal(finder({}, 'default')(), 'default');
  t.equal(finder({})(), null);
});

t.test('destination port: exact, else those without', async (t) => {
  const find = finder({ eighty: { destinationPort: 80 }, any: {} }, 'default');
  t.equal(find(), 'eighty');
  t.equal(find({ destinationPort: 81 }), 'any');
  t.equal(find({ destinationPort: -1 }), 'any', 'a pipe has no port');
});

t.test('destination: the longest prefix, of either IP version', async (t) => {
  const find = finder({
    wide: { prefixRanges: nets('10.0.0.0/8') },
    narrow: { prefixRanges: nets('10.0.0.0/24', '10.0.1.1/32') },
    v6: { prefixRanges: nets('2001:db8::/32') },
    any: {},
  });
  t.equal(find(), 'narrow');
  t.equal(find({ destination: ip('10.0.1.1') }), 'narrow');
  t.equal(find({ destination: ip('10.0.1.2') }), 'wide');
  t.equal(find({ destination: ip('2001:db8::1') }), 'v6');
  t.equal(find({ destination: ip('::1') }), 'any');
});

t.test('a pipe is compared with prefixes as one fixed address', async (t) => {
  const find = finder({ all: { prefixRanges: nets('0.0.0.0/0') }, any: {} });
  t.equal(find({ destination: PIPE_OCTETS }), 'all');
});

t.test('server names: exact, then the longest suffix, then those without', async (t) => {
  const find = finder({
    exact: { serverNames: ['www.example.com'] },
    near: { serverNames: ['*.example.com'] },
    far: { serverNames: ['*.com'] },
    any: {},
  });
  t.equal(find({ serverName: 'www.example.com' }), 'exact');
  t.equal(find({ serverName: 'api.example.com' }), 'near');
  t.equal(find({ serverName: 'a.b.example.com' }), 'near');
  t.equal(find({ serverName: 'example.com' }), 'far', 'a suffix needs something before it');
  t.equal(find({ serverName: 'com' }), 'any');
  t.equal(find({ serverName: '.com' }), 'any');
  t.equal(find(), 'any');
});

t.test('without a chain for no name, a client without one goes to the default chain', async (t) => {
  const find = finder({ named: { serverNames: ['a.test'] } }, 'default');
  t.equal(find(), 'default');
  t.equal(find({ serverName: 'b.test' }), 'default');
});

t.test('transport protocol: exact, else those without', async (t) => {
  const find = finder({ tls: { transportProtocol: 'tls' }, any: {} });
  t.equal(find({ transportProtocol: 'tls' }), 'tls');
  t.equal(find(), 'any');
});

t.test("application protocols: the client's first that anybody wants", async (t) => {
  const find = finder({
    h1: { applicationProtocols: ['http/1.0', 'http/1.1'] },
    h2: { applicationProtocols: ['h2'] },
    any: {},
  });
  t.equal(find({ applicationProtocols: ['h2', 'http/1.1'] }), 'h2');
  t.equal(find({ applicationProtocols: ['http/1.1', 'h2'] }), 'h1');
  t.equal(find({ applicationProtocols: ['spdy', 'h2'] }), 'h2');
  t.equal(find({ applicationProtocols: ['spdy'] }), 'any');
  t.equal(find(), 'any');
});

t.test('the direct source is the peer of the socket, the source the one behind it', async (t) => {
  const direct = finder({ lb: { directSourcePrefixRanges: nets('192.168.0.0/16') }, any: {} });
  t.equal(direct({ source: ip('8.8.8.8') }), 'lb');
  t.equal(direct({ directSource: ip('8.8.8.8') }), 'any');
  const source = finder({ office: { sourcePrefixRanges: nets('8.0.0.0/8') }, any: {} });
  t.equal(source({ source: ip('8.8.8.8') }), 'office');
  t.equal(source({ directSource: ip('8.8.8.8') }), 'any');
});

t.test('source type: local and external have chains of their own', async (t) => {
  const both = finder({
    local: { sourceType: 'same-ip-or-loopback' },
    external: { sourceType: 'external' },
    any: {},
  });
  t.equal(both({ isLocal: true }), 'local');
  t.equal(both(), 'external');
  const one = finder({ local: { sourceType: 'same-ip-or-loopback' }, any: {} });
  t.equal(one(), 'any');
  t.equal(
    finder({ external: { sourceType: 'external' } }, 'default')({ isLocal: true }),
    'default',
  );
});

t.test('source ports: exact, else those without', async (t) => {
  const find = finder({ low: { sourcePorts: [1, 2] }, any: {} });
  t.equal(find({ sourcePort: 2 }), 'low');
  t.equal(find(), 'any');
});

/** Every criterion in Envoy's order, with one value that FACTS or a change of it has. */
const STEPS: readonly (readonly [string, Match, Partial<ConnectionFacts>])[] = [
  ['destination port', { destinationPort: 80 }, {}],
  ['destination', { prefixRanges: nets('10.0.0.0/8') }, {}],
  ['server name', { serverNames: ['a.test'] }, { serverName: 'a.test' }],
  ['transport protocol', { transportProtocol: 'tls' }, { transportProtocol: 'tls' }],
  ['application protocol', { applicationProtocols: ['h2'] }, { applicationProtocols: ['h2'] }],
  ['direct source', { directSourcePrefixRanges: nets('192.0.0.0/8') }, {}],
  ['source type', { sourceType: 'external' }, {}],
  ['source', { sourcePrefixRanges: nets('192.168.0.0/16') }, {}],
  ['source port', { sourcePorts: [40_000] }, {}],
];

t.test('an earlier criterion outweighs every later one', async (t) => {
  for (const [first, [name, early]] of STEPS.slice(0, -1).entries()) {
    const later = STEPS.slice(first + 1);
    const late = Object.assign({}, ...later.map(([, match]) => match)) as Match;
    const facts = Object.assign({}, ...STEPS.map(([, , change]) => change)) as ConnectionFacts;
    t.equal(finder({ late, early })(facts), 'early', name);
  }
});

t.test('what an earlier criterion decided is not taken back', async (t) => {
  const facts = Object.assign({}, ...STEPS.map(([, , change]) => change)) as ConnectionFacts;
  for (const [name, match] of STEPS.slice(0, -1)) {
    const find = finder({ strict: { ...match, sourcePorts: [1] }, lenient: {} }, 'default');
    t.equal(find(facts), 'default', name);
    t.equal(find({ ...facts, sourcePort: 1 }), 'strict', name);
  }
});

t.test('chains that share criteria are told apart by the rest', async (t) => {
  const find = finder({
    mutual: { destinationPort: 80, transportProtocol: 'tls', applicationProtocols: ['istio'] },
    tls: { destinationPort: 80, transportProtocol: 'tls' },
    plain: { destinationPort: 80, transportProtocol: 'raw_buffer' },
    other: { prefixRanges: nets('0.0.0.0/0') },
  });
  t.equal(find({ transportProtocol: 'tls', applicationProtocols: ['istio'] }), 'mutual');
  t.equal(find({ transportProtocol: 'tls', applicationProtocols: ['h2'] }), 'tls');
  t.equal(find(), 'plain');
  t.equal(find({ destinationPort: 9 }), 'other');
});

t.test('the same network in two chains is one entry', async (t) => {
  const find = finder({
    tls: { prefixRanges: nets('10.0.0.0/8'), transportProtocol: 'tls' },
    plain: { prefixRanges: nets('10.9.9.9/8'), transportProtocol: 'raw_buffer' },
  });
  t.equal(find(), 'plain');
  t.equal(find({ transportProtocol: 'tls' }), 'tls');
});

t.test('two chains that take the same connections are refused', async (t) => {
  const throws = (first: Match, second: Match): void => {
    let thrown: unknown = null;
    try {
      finder({ first, second });
    } catch (error) {
      thrown = error;
    }
    t.ok(thrown instanceof DuplicateMatch, JSON.stringify(first));
  };
  throws({}, {});
  for (const [, match] of STEPS) throws(match, match);
  throws({ serverNames: ['a.test', 'b.test'] }, { serverNames: ['b.test'] });
  throws({ sourcePorts: [1, 2] }, { sourcePorts: [2, 3] });
  throws({ prefixRanges: nets('10.1.0.0/8') }, { prefixRanges: nets('10.2.0.0/8') });
});
