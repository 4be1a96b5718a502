import t from 'tap';
import { parseIp, printIp } from '../../proxy/formatter/ip-text.ts';

t.test('addresses come back in canonical form', async (t) => {
  const cases: Readonly<Record<string, string>> = {
    '10.0.0.255': '10.0.0.255',
    '::': '::',
    '::1': '::1',
    'FE80::1%eth0': 'fe80::1',
    '1:0:0:2:0:0:0:3': '1:0:0:2::3',
    '1:2:3:4:5:6:0:8': '1:2:3:4:5:6:0:8',
    '::ffff:1.2.3.4': '::ffff:102:304',
    '1::': '1::',
  };
  for (const [text, canonical] of Object.entries(cases)) {
    t.equal(printIp(parseIp(text) ?? []), canonical, text);
  }
});

t.test('rubbish is no address', async (t) => {
  const rubbish = ['', 'a', '1.2.3', '1.2.3.256', '1.2.3.4.5', '1::2::3', ':::', '1:2', 'g::'];
  for (const text of [...rubbish, '::1.2.3', '1:2:3:4:5:6:7:8:9', '::12345', '1:2:3:4:5:6:7:8::9'])
    t.equal(parseIp(text), null, text);
});
