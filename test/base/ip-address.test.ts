import { isIP, SocketAddress } from 'node:net';
import t from 'tap';
import { ipVersion, isLoopbackIp, parseIp, printIp } from '../../proxy/base/ip-address.ts';

const SAMPLES = [
  '127.0.0.1',
  '0.0.0.0',
  '255.255.255.255',
  '256.0.0.1',
  '01.2.3.4',
  '1.2.3',
  '1.2.3.4.',
  '1.2.3.4.5',
  '.1.2.3.4',
  '',
  ':',
  '::',
  '::1',
  ':::',
  '1::',
  '1::2::3',
  '1:2:3:4:5:6:7:8',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4:5:6:7::',
  '::1.2.3.4',
  '::ffff:1.2.3.4',
  '1.2.3.4::',
  '1:2:3:4:5:6:1.2.3.4',
  '1:2:3:4:5:6:7:1.2.3.4',
  '12345::',
  'g::',
  'fe80::A',
  '[::1]',
  'localhost',
  '1:',
  ':1',
  '1::2:',
];

t.test('tells addresses from other texts as the system does', (t) => {
  for (const text of SAMPLES) t.equal(ipVersion(text), isIP(text), `'${text}'`);
  t.end();
});

t.test('addresses come back in canonical form', (t) => {
  const cases: Readonly<Record<string, string>> = {
    '10.0.0.255': '10.0.0.255',
    '::': '::',
    'FE80::1': 'fe80::1',
    '1:0:0:2:0:0:0:3': '1:0:0:2::3',
    '1:2:3:4:5:6:0:8': '1:2:3:4:5:6:0:8',
    '::FFFF:102:304': '::ffff:1.2.3.4',
    '::1:2': '::0.1.0.2',
    '1::': '1::',
  };
  for (const [text, canonical] of Object.entries(cases)) {
    t.equal(printIp(parseIp(text) ?? []), canonical, text);
  }
  t.end();
});

t.test('prints IPv6 as the system does, and reads nothing that is no address', (t) => {
  for (const text of [...SAMPLES, '::ffff:0:1', '0:0:1::', '1:0:2:0:3:0:0:4', '::f:1.2.3.4']) {
    const octets = parseIp(text);
    t.equal(octets !== null, isIP(text) !== 0, `'${text}'`);
    if (octets === null || isIP(text) === 4) continue;
    t.equal(printIp(octets), new SocketAddress({ address: text, family: 'ipv6' }).address, text);
  }
  t.end();
});

t.test('loopback addresses', (t) => {
  for (const ip of ['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1']) t.ok(isLoopbackIp(ip));
  for (const ip of ['0.0.0.0', '::', '10.0.0.1']) t.notOk(isLoopbackIp(ip));
  t.end();
});
