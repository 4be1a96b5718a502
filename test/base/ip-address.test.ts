import { isIP } from 'node:net';
import t from 'tap';
import { ipVersion } from '../../proxy/base/ip-address.ts';

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
