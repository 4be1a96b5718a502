import t from 'tap';
import { socketAddress } from '../../../proxy/base/address.ts';
import { readV2 } from '../../../proxy/filters/listener/proxy-protocol/proxy-header.ts';
import { headerV1, headerV2 } from '../../../proxy/upstream/transport/proxy-protocol-header.ts';

const v4 = { source: socketAddress('10.0.0.1', 1), destination: socketAddress('10.0.0.2', 443) };
const v6 = { source: socketAddress('2001:db8::1', 1), destination: socketAddress('::1', 2) };
const mixed = { source: socketAddress('10.0.0.1', 1), destination: socketAddress('::1', 2) };
const pipe = { source: { ...v4.source, port: -1, ip: '' }, destination: v4.destination };

t.test('writes version 1 for people', (t) => {
  t.equal(headerV1(v4).toString(), 'PROXY TCP4 10.0.0.1 10.0.0.2 1 443\r\n');
  t.equal(headerV1(v6).toString(), 'PROXY TCP6 2001:db8::1 ::1 1 2\r\n');
  t.equal(headerV1(pipe).toString(), 'PROXY UNKNOWN\r\n');
  t.end();
});

t.test('writes version 2 as listeners read it', (t) => {
  for (const ends of [v4, v6, mixed]) {
    const header = headerV2(ends, [{ type: 0xe0, value: Buffer.from('hello') }]);
    const read = readV2(header, header.length);
    if (typeof read === 'string') throw new Error(read);
    t.same(read.extensions.toString('hex'), 'e0000568656c6c6f');
    t.equal(read.ends?.source.port, ends.source.port);
    t.equal(read.ends?.destination.port, ends.destination.port);
    t.equal(header.readUInt16BE(14) + 16, header.length);
  }
  t.equal(headerV2(null, []).subarray(12).toString('hex'), '20000000');
  t.equal(headerV2(pipe, []).subarray(12).toString('hex'), '20000000');
  t.end();
});
