import t from 'tap';
import { hostAndPort } from '../../../../proxy/filters/http/csrf/host-and-port.ts';

t.test('gives host and port of an absolute URL as they are written', async (t) => {
  t.equal(hostAndPort('http://h.test'), 'h.test');
  t.equal(hostAndPort('HTTPS://H.test:80/path?q#f'), 'H.test:80');
  t.equal(hostAndPort('http://user:word@h.test/'), 'h.test');
  t.equal(hostAndPort('http://[::1]:8080/'), '[::1]:8080');
  t.equal(hostAndPort('http://h.test?q'), 'h.test');
});

t.test('what is none comes back whole and so equals no host', async (t) => {
  const others = [
    'http://',
    'http:///h',
    'http://a@b@h',
    'http://h:99999',
    'http://h:',
    '//h',
    'x:y',
  ];
  for (const text of [...others, 'http://h%41', 'http://h/x y', ''])
    t.equal(hostAndPort(text), text);
});
