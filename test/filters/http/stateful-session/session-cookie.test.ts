import t from 'tap';
import {
  decodeCookie,
  encodeCookie,
} from '../../../../proxy/filters/http/stateful-session/session-cookie.ts';
import { seededRandom } from '../../../support/seeded-random.ts';

t.test('a cookie is read as it was written', async (t) => {
  for (const expires of [0, 1, 127, 128, 1_795_253_259, 2 ** 40]) {
    const cookie = { address: '[fd00::1]:8080', expires };
    t.same(decodeCookie(encodeCookie(cookie)), cookie);
  }
});

t.test('fields that nobody knows are passed over', async (t) => {
  const known = encodeCookie({ address: '10.0.0.1:80', expires: 5 });
  const more = Buffer.from([
    0x18, 0x05, 0x22, 0x01, 0x41, 0x29, 0, 0, 0, 0, 0, 0, 0, 0, 0x35, 0, 0, 0, 0,
  ]);
  t.same(decodeCookie(Buffer.concat([more, known])), { address: '10.0.0.1:80', expires: 5 });
});

t.test('what is no message is an address, as proxies wrote it once', async (t) => {
  t.equal(decodeCookie(Buffer.from('127.0.0.1:45995')).address, '127.0.0.1:45995');
  t.equal(decodeCookie(Buffer.from([0x0a, 0x7f])).address, '\n\x7f');
});

t.test('rubbish is read without harm, however it is cut', async (t) => {
  const random = seededRandom(7);
  for (let run = 0; run < 2000; run += 1) {
    const octets = Buffer.from(
      Array.from({ length: run % 24 }, () => Math.floor(random.next() * 256)),
    );
    const { address, expires } = decodeCookie(octets);
    if (typeof address !== 'string' || !(expires >= 0)) t.fail(octets.toString('hex'));
  }
});
