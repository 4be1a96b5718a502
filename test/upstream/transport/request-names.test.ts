// The server that a request names by its host or a header.
import t from 'tap';
import { HeaderList } from '../../../proxy/http/header-list.ts';
import type { RequestNamesConfig } from '../../../proxy/model/cluster.ts';
import { namesOf } from '../../../proxy/upstream/transport/request-names.ts';

const BOTH: RequestNamesConfig = { setsServerName: true, verifiesName: true, header: '' };

function names(authority: string, config: RequestNamesConfig = BOTH, header: string | null = null) {
  const headers = HeaderList.empty();
  if (header !== null) headers.set('x-name', header);
  return namesOf(config, { authority, headers });
}

t.test('the name is the host without its port', (t) => {
  for (const [authority, name] of [
    ['a.test', 'a.test'],
    ['a.test:8443', 'a.test'],
    ['a.test:', 'a.test:'],
    ['a.test:99999', 'a.test:99999'],
    ['a.test.', 'a.test.'],
  ] as const) {
    t.match(names(authority), { serverName: name, expectedName: name }, authority);
  }
  t.end();
});

t.test('addresses are not asked for, but certificates must be for them', (t) => {
  for (const [authority, ip] of [
    ['127.0.0.1', '127.0.0.1'],
    ['127.0.0.1:80', '127.0.0.1'],
    ['[::1]', '::1'],
    ['[::1]:80', '::1'],
  ] as const) {
    t.match(names(authority), { serverName: '', expectedName: ip }, authority);
  }
  t.end();
});

t.test('says only what is configured', (t) => {
  t.match(names('a.test', { ...BOTH, verifiesName: false }), { expectedName: '' });
  t.match(names('a.test', { ...BOTH, setsServerName: false }), { serverName: '' });
  const headers = HeaderList.empty();
  t.equal(namesOf(undefined, { authority: 'a.test', headers }), null);
  t.end();
});

t.test('a header that has a value takes the place of the host', (t) => {
  const config = { ...BOTH, header: 'x-name' };
  t.match(names('a.test', config, 'b.test:1'), { serverName: 'b.test' });
  t.match(names('a.test', config, ''), { serverName: 'a.test' });
  t.match(names('a.test', config), { serverName: 'a.test' });
  t.end();
});

t.test('connections are shared by those who ask for the same, in whatever case', (t) => {
  t.equal(names('A.test')?.key, names('a.TEST:80')?.key);
  t.not(names('a.test')?.key, names('b.test')?.key);
  const [asks, checks] = [
    names('a.test', { ...BOTH, verifiesName: false }),
    names('a.test', { ...BOTH, setsServerName: false }),
  ];
  t.not(asks?.key, checks?.key);
  t.end();
});
