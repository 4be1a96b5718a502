import t from 'tap';
import { ProxyProtocolSchema } from '../../../proxy/api/gen/envoy/extensions/filters/listener/proxy_protocol/v3/proxy_protocol_pb.js';
import type { ProxyProtocolOptions } from '../../../proxy/filters/listener/proxy-protocol/options.ts';
import { proxyProtocolDefinition } from '../../../proxy/filters/listener/proxy-protocol.ts';
import { DONE, REFUSE, WAIT } from '../../../proxy/filters/listener-filter.ts';
import { ListenerFilterRig } from '../../support/candidate.ts';
import { compileJson, problemLines } from '../../support/compile-json.ts';

const DEFAULTS: ProxyProtocolOptions = {
  rules: [],
  isHeaderOptional: false,
  allowsV1: true,
  allowsV2: true,
  statPrefix: '',
};
const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n');
const V4 = Buffer.from([9, 9, 9, 9, 10, 0, 0, 1, 0, 5, 1, 187]);
const V6 = Buffer.concat([
  Buffer.from('20010db8000000000000000000000001', 'hex'),
  Buffer.from('fd000000000000000000000000000002', 'hex'),
  Buffer.from([0, 5, 1, 187]),
]);

const rig = (options: Partial<ProxyProtocolOptions> = {}): ListenerFilterRig =>
  new ListenerFilterRig(proxyProtocolDefinition, { ...DEFAULTS, ...options });

/** A header of version 2; `command` holds the version, `family` the transport. */
function v2(command: number, family: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const head = Buffer.from([command, family, body.length >> 8, body.length & 255]);
  return Buffer.concat([SIGNATURE, head, body]);
}

function tlv(type: number, value: string | Buffer): Buffer {
  const content = Buffer.from(value as string, 'latin1');
  return Buffer.concat([Buffer.from([type, content.length >> 8, content.length & 255]), content]);
}

const line = (words: string): Buffer => Buffer.from(`PROXY ${words}\r\n`, 'latin1');

t.test('takes the ends of the connection from headers of both versions', (t) => {
  const [v4Ends, v6Ends] = [
    ['9.9.9.9:5', '10.0.0.1:443'],
    ['[2001:db8::1]:5', '[fd00::2]:443'],
  ] as const;
  const cases: readonly (readonly [Buffer, readonly [string, string]])[] = [
    [line('TCP4 9.9.9.9 10.0.0.1 5 443'), v4Ends],
    [line('TCP4 9.9.9.9 10.0.0.1 05 0443 '), v4Ends],
    [line('TCP6 2001:db8::1 fd00::2 5 443'), v6Ends],
    [v2(0x21, 0x11, V4), v4Ends],
    [v2(0x21, 0x12, V4), v4Ends],
    [v2(0x21, 0x21, V6), v6Ends],
    [v2(0x21, 0x11, V4, tlv(1, 'h2'), tlv(4, '')), v4Ends],
    [v2(0x21, 0x11, V4, tlv(4, 'x'.repeat(65_520))), v4Ends],
  ];
  for (const [header, [remote, local]] of cases) {
    const bytes = Buffer.concat([header, Buffer.from('GET')]);
    for (const { status, candidate } of header.length > 300
      ? [rig().inspect(bytes)]
      : rig().inspectAllWays(bytes)) {
      t.equal(status, DONE);
      t.equal(candidate.remoteAddress.text, remote);
      t.equal(candidate.localAddress.text, local);
      t.equal(candidate.isLocalAddressRestored, true);
      t.equal(candidate.consumedBytes, header.length);
    }
  }
  t.end();
});

t.test('leaves the ends alone where the header does not know them', (t) => {
  const headers = [
    line('UNKNOWN'),
    line('UNKNOWN foo bar'),
    line(`UNKNOWN ${'a'.repeat(92)}`),
    v2(0x20, 0x00),
    v2(0x20, 0x11, V4),
    v2(0x20, 0x31, Buffer.from([1, 0, 2])),
  ];
  for (const header of headers) {
    for (const { status, candidate } of rig().inspectAllWays(header)) {
      t.equal(status, DONE, header.toString('latin1'));
      t.equal(candidate.remoteAddress.text, '10.0.0.1:50000');
      t.equal(candidate.isLocalAddressRestored, false);
      t.equal(candidate.consumedBytes, header.length);
    }
  }
  const own = rig().inspect(line('TCP4 9.9.9.9 127.0.0.1 5 80')).candidate;
  t.equal(own.isLocalAddressRestored, false, 'the local end is as it was');
  t.end();
});

const MALFORMED: readonly Buffer[] = [
  Buffer.from('PROXY\r\n'),
  Buffer.from('GET /\r\n'),
  Buffer.from('a\nb\r\n'),
  line('TCP4 9.9.9.9 10.0.0.1 5'),
  line('TCP4  9.9.9.9 10.0.0.1 5 443'),
  line('TCP4 9.9.9.9 10.0.0.1 5 65536'),
  line('TCP4 9.9.9.9 10.0.0.1 -5 443'),
  line('TCP4 09.9.9.9 10.0.0.1 5 443'),
  line('TCP6 9.9.9.9 10.0.0.1 5 443'),
  line('TCP4 ::1 ::1 5 443'),
  line('UDP4 9.9.9.9 10.0.0.1 5 443'),
  line('TCP4 0.0.0.0 10.0.0.1 5 443'),
  line('TCP4 9.9.9.9 224.0.0.1 5 443'),
  line('TCP4 9.9.9.9 255.255.255.255 5 443'),
  line('TCP6 ::2 ff02::1 5 443'),
  line(`UNKNOWN ${'a'.repeat(93)}`),
  v2(0x21, 0x10, V4),
  v2(0x21, 0x01, V4),
  v2(0x21, 0x31, Buffer.alloc(216, 1)),
  v2(0x21, 0x00),
  v2(0x31, 0x11, V4),
  v2(0x22, 0x11, V4),
  v2(0x21, 0x11, V4.subarray(0, 10)),
  v2(0x21, 0x21, V4),
  v2(0x21, 0x11, V4, Buffer.from([1, 0, 2, 97])),
  v2(0x21, 0x11, V4, Buffer.from([1])),
  v2(0x21, 0x11, Buffer.alloc(12)),
];

t.test('closes on headers that break the specification, and counts them', (t) => {
  for (const bytes of MALFORMED) {
    const it = rig();
    for (const { status, candidate } of it.inspectAllWays(bytes)) {
      t.equal(status, REFUSE, bytes.toString('latin1'));
      t.equal(candidate.consumedBytes, 0);
    }
    const version = bytes[0] === 13 ? 'v2' : 'v1';
    const errors = it.counter(`proxy_proto.versions.${version}.error`);
    t.ok(errors > 0, `${version} ${bytes.toString('latin1')}`);
    const all = errors + it.counter('proxy_proto.not_found_disallowed');
    t.equal(it.counter('downstream_cx_proxy_proto_error'), all);
  }
  t.end();
});

t.test('wants a header unless it may be missing', (t) => {
  const strict = rig();
  for (const text of [
    'GET / HTTP/1.1\r\n\r\n',
    'proxy TCP4 9.9.9.9 10.0.0.1',
    `PROXY UNKNOWN ${'a'.repeat(200)}`,
  ]) {
    t.equal(strict.inspect(Buffer.from(text)).status, REFUSE, text);
  }
  t.equal(strict.counter('proxy_proto.not_found_disallowed'), 3);
  t.equal(strict.counter('downstream_cx_proxy_proto_error'), 3);
  for (const part of ['', 'PROXX', '\r\n', '\r\n\r\n', 'PROXY TCP4 9.9.9.9 10.0.0.1 1 443\n']) {
    t.equal(strict.inspect(Buffer.from(part)).status, WAIT, part);
  }
  const lenient = rig({ isHeaderOptional: true, statPrefix: 'x' });
  for (const text of ['GET / HTTP/1.1\r\n', 'GE', 'PROXZ', 'PROXYX', '\r\nGET']) {
    t.equal(lenient.inspect(Buffer.from(text)).status, DONE, text);
  }
  t.equal(lenient.counter('proxy_proto.x.not_found_allowed'), 5);
  for (const part of ['', 'PR', 'PROXY', '\r\n\r\n']) {
    t.equal(lenient.inspect(Buffer.from(part)).status, WAIT, part);
  }
  t.equal(lenient.inspect(line('TCP4 x')).status, REFUSE);
  t.equal(lenient.inspect(v2(0x21, 0x11, V4)).candidate.consumedBytes, 28);
  t.end();
});

t.test('a version that is not allowed is closed, or is no header where none is needed', (t) => {
  const [one, two] = [line('TCP4 9.9.9.9 10.0.0.1 5 443'), v2(0x21, 0x11, V4)];
  const strict = rig({ allowsV2: false });
  t.equal(strict.inspect(one).status, DONE);
  t.equal(strict.inspect(two).status, REFUSE);
  t.equal(strict.counter('proxy_proto.versions.v2.disallowed'), 1);
  t.equal(rig({ allowsV1: false }).inspect(one).status, REFUSE);
  const lenient = rig({ allowsV1: false, isHeaderOptional: true });
  const { status, candidate } = lenient.inspect(one);
  t.same([status, candidate.consumedBytes], [DONE, 0]);
  t.end();
});

t.test('rules copy values into the metadata', (t) => {
  const rules = [
    { tlvType: 2, namespace: 'n', key: 'authority', isBase64: false },
    { tlvType: 2, namespace: 'n', key: '__proto__', isBase64: true },
    { tlvType: 0xea, namespace: 'm', key: 'raw', isBase64: false },
    { tlvType: 9, namespace: 'absent', key: 'k', isBase64: false },
  ];
  const header = v2(0x21, 0x11, V4, tlv(2, 'a.test'), tlv(0xea, 'x\xffy'), tlv(4, 'noise'));
  const { dynamicMetadata } = rig({ rules }).inspect(header).candidate;
  t.same([...(dynamicMetadata?.keys() ?? [])], ['n', 'm']);
  t.same(Object.entries(dynamicMetadata?.get('n') ?? {}), [
    ['authority', 'a.test'],
    ['__proto__', 'YS50ZXN0'],
  ]);
  t.equal(dynamicMetadata?.get('m')?.['raw'], 'x!y');
  t.equal(rig().inspect(header).candidate.dynamicMetadata, null);
  t.end();
});

t.test('compiles its configuration', (t) => {
  const compile = (json: object) =>
    compileJson({ schema: ProxyProtocolSchema, json: json as never }, (message, context) =>
      proxyProtocolDefinition.compile(message, context),
    );
  t.same(compile({}).value, DEFAULTS);
  const rules = [
    { tlv_type: 2, on_tlv_present: { key: 'k', value_string_encoding: 'BASE64' } },
    { tlv_type: 3, on_tlv_present: { metadata_namespace: 'n', key: 'k' } },
    { tlv_type: 4 },
  ];
  const json = { rules, disallowed_versions: ['V1'], stat_prefix: 's' };
  t.match(compile(json).value, {
    rules: [
      { tlvType: 2, namespace: 'envoy.filters.listener.proxy_protocol', key: 'k', isBase64: true },
      { tlvType: 3, namespace: 'n', key: 'k', isBase64: false },
    ],
    allowsV1: false,
    allowsV2: true,
    statPrefix: 's',
  });
  t.same(problemLines(compile({ disallowed_versions: ['V1', 'V2'] }).rejections), [
    'disallowed_versions: Proxy Protocol filter is misconfigured: all proxy protocol versions are disallowed.',
  ]);
  t.match(problemLines(compile({ tlv_location: 'FILTER_STATE' }).rejections), [
    /^tlv_location: FILTER_STATE is not supported yet/,
  ]);
  t.end();
});
