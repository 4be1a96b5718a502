// Which requests could come from a web page.
import t from 'tap';
import { refusalOf } from '../../proxy/admin/guard.ts';

const NOBODY = { host: null, origin: null, fetchSite: null };

t.test('names that only we can have pass', async (t) => {
  for (const host of [
    ...['127.0.0.1', '127.0.0.1:15000', '10.1.2.3:15000', '[::1]', '[fe80::1]:9901'],
    ...['localhost', 'LOCALHOST:1', 'a.localhost', 'envoy', 'my_proxy:80', ''],
  ]) {
    t.equal(refusalOf({ ...NOBODY, host }), null, host);
  }
  t.equal(refusalOf(NOBODY), null, 'HTTP/1.0 has no Host');
});

t.test('names that an attacker can point at us do not', async (t) => {
  for (const host of [
    ...['evil.example.com', 'evil.com:15000', '127.0.0.1.nip.io', 'localhost.evil.com'],
    ...['[::1].evil.com', '127.0.0.1:80:evil.com', 'evil.com.'],
  ]) {
    t.type(refusalOf({ ...NOBODY, host }), 'string', host);
  }
});
