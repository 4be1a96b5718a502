import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { ListenerSchema } from '../../../proxy/api/gen/envoy/config/listener/v3/listener_pb.js';
import { compileListener } from '../../../proxy/config/compile/listener.ts';
import type { FilterChainMatchConfig } from '../../../proxy/model/listener.ts';
import { compileJson, problemLines } from '../../support/compile-json.ts';

type Match = { [key: string]: JsonValue };

const PREFIX = "error adding listener '127.0.0.1:80': ";
const OVERLAP = `${PREFIX}multiple filter chains with overlapping matching rules are defined`;

function compile(...matches: readonly Match[]) {
  const json = {
    name: 'l',
    address: { socket_address: { address: '127.0.0.1', port_value: 80 } },
    filter_chains: matches.map((filter_chain_match, index) => ({
      name: `c${index}`,
      filter_chain_match,
    })),
  };
  return compileJson({ schema: ListenerSchema, json }, compileListener);
}

function matchOf(match: Match): FilterChainMatchConfig | undefined {
  return compile(match).value?.filterChains[0]?.match;
}

const refusals = (...matches: readonly Match[]): readonly string[] =>
  problemLines(compile(...matches).rejections);

const range = (address_prefix: string, prefix_len?: number): Match =>
  prefix_len === undefined ? { address_prefix } : { address_prefix, prefix_len };

t.test('all criteria are taken over; an empty match takes everything', (t) => {
  t.match(matchOf({}), { destinationPort: null, serverNames: [], sourceType: 'any' });
  t.same(
    matchOf({
      destination_port: 443,
      prefix_ranges: [range('10.1.2.3', 8), range('::1', 128)],
      server_names: ['A.Example', '*.B.example'],
      transport_protocol: 'tls',
      application_protocols: ['h2'],
      direct_source_prefix_ranges: [range('1.2.3.4')],
      source_type: 'EXTERNAL',
      source_prefix_ranges: [range('1.2.3.4', 99)],
      source_ports: [1, 2],
    }),
    {
      destinationPort: 443,
      prefixRanges: [
        { octets: [10, 0, 0, 0], length: 8 },
        { octets: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1], length: 128 },
      ],
      serverNames: ['a.example', '*.b.example'],
      transportProtocol: 'tls',
      applicationProtocols: ['h2'],
      directSourcePrefixRanges: [{ octets: [0, 0, 0, 0], length: 0 }],
      sourceType: 'external',
      sourcePrefixRanges: [{ octets: [1, 2, 3, 4], length: 32 }],
      sourcePorts: [1, 2],
    },
  );
  t.end();
});

t.test('two chains with the same match are refused with the match', (t) => {
  t.same(refusals({ destination_port: 1 }, { destination_port: 2 }, { destination_port: 1 }), [
    `filter_chains[2]: ${PREFIX}filter chain 'c2' has the same matching rules defined as 'c0'. duplicate matcher is: {"destination_port":1}`,
  ]);
  t.end();
});

t.test('chains that a connection could match alike are refused', (t) => {
  const overlapping: readonly (readonly Match[])[] = [
    [{ server_names: ['x', 'y'] }, { server_names: ['Y', 'z'] }],
    [{ server_names: ['x', 'x'] }],
    [{ source_ports: [1, 2] }, { source_ports: [2, 3] }],
    [{ prefix_ranges: [range('10.0.0.0', 8)] }, { prefix_ranges: [range('10.1.0.0', 8)] }],
    [{ application_protocols: ['h2', 'x'] }, { application_protocols: ['x'] }],
  ];
  for (const matches of overlapping) {
    const at = `filter_chains[${matches.length - 1}].filter_chain_match: `;
    t.same(refusals(...matches), [at + OVERLAP], JSON.stringify(matches));
  }
  const apart: readonly (readonly Match[])[] = [
    [{ server_names: ['x'] }, {}],
    [{ server_names: ['x'] }, { server_names: ['x'], destination_port: 1 }],
    [{ prefix_ranges: [range('10.0.0.0', 8)] }, { prefix_ranges: [range('10.0.0.0', 9)] }],
    [
      { server_names: ['x'], source_ports: [1] },
      { server_names: ['x'], source_ports: [2] },
    ],
    [{ source_type: 'EXTERNAL' }, { source_type: 'SAME_IP_OR_LOOPBACK' }, {}],
  ];
  for (const matches of apart) t.same(refusals(...matches), [], JSON.stringify(matches));
  t.end();
});

t.test('what Envoy’s matcher has not is refused in its words', (t) => {
  const at = 'filter_chains[0].filter_chain_match';
  const partial = `${PREFIX}partial wildcards are not supported in "server_names"`;
  for (const name of ['*', 'a*.x', '*x.com', 'a.*']) {
    t.same(refusals({ server_names: [name] }), [`${at}.server_names[0]: ${partial}`], name);
  }
  for (const name of ['*.', '*.a.*', '']) t.same(refusals({ server_names: [name] }), [], name);
  const unimplemented = `${PREFIX}filter chain 'c0' contains unimplemented fields`;
  t.same(refusals({ address_suffix: 'x' }), [`${at}.address_suffix: ${unimplemented}`]);
  t.same(refusals({ suffix_len: 0 }), [`${at}.suffix_len: ${unimplemented}`]);
  t.same(refusals({ prefix_ranges: [range('x', 3)] }), [
    `${at}.prefix_ranges[0].address_prefix: malformed IP address: x`,
  ]);
  t.end();
});

t.test('a thousand chains are told apart quickly', (t) => {
  const chains = Array.from({ length: 1000 }, (_, index) => ({ server_names: [`${index}.test`] }));
  const start = process.cpuUsage();
  t.same(refusals(...chains), []);
  t.ok(process.cpuUsage(start).user < 3_000_000);
  t.end();
});
