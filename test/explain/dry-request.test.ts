import t from 'tap';
import { readRequest } from '../../proxy/explain/dry-request.ts';

function target(url: string, method = 'GET'): unknown {
  const read = readRequest({ method, url });
  if (!read.ok) return read.errors[0];
  const { scheme, authority, host, port, path } = read.request;
  return [scheme, authority, host, port, path];
}

t.test('takes a URL apart and leaves its path as it is', (t) => {
  t.same(target('http://A.test/a/../b?c#d'), ['http', 'A.test', 'a.test', 80, '/a/../b?c#d']);
  t.same(target('https://a:8443'), ['https', 'a:8443', 'a', 8443, '/']);
  t.same(target('a.test:80?x'), ['http', 'a.test:80', 'a.test', 80, '/?x']);
  t.same(target('http://[::1]:80/'), ['http', '[::1]:80', '::1', 80, '/']);
  t.same(target('a.test:443', 'CONNECT'), ['http', 'a.test:443', 'a.test', 443, '']);
  t.end();
});

t.test('refuses what no client can send', (t) => {
  for (const url of [
    '',
    '/path',
    'http://',
    'ftp://a/',
    'http://a:b/',
    'http://a:65536/',
    'http://u@a/',
  ]) {
    t.match(target(url), /is no URL: write http/, url);
  }
  t.match(target('http://a/ä'), /write it as %XX/);
  t.match(target('http://a/', 'G T'), /no method/);
  t.end();
});

t.test('a Host header replaces the authority, not where the connection goes', (t) => {
  const headers = ['Host: b.test', 'X-A:1', 'x-b: ü'];
  const read = readRequest({ method: 'GET', url: 'http://a.test:81/', headers });
  if (!read.ok) throw new Error('expected a request');
  t.match(read.request, { authority: 'b.test', host: 'a.test', port: 81 });
  t.same(read.request.fields, [
    { name: 'x-a', value: '1' },
    { name: 'x-b', value: 'Ã¼' },
  ]);
  const bad = readRequest({
    method: 'GET',
    url: 'http://a/',
    headers: ['x', ': y', 'a b: c', 'a: \n'],
  });
  t.equal(bad.ok ? 0 : bad.errors.length, 3);
  t.end();
});
