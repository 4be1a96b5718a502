// resolv.conf(5) and hosts(5).
import t from 'tap';
import {
  candidateNames,
  hostsEntries,
  parseResolvConf,
} from '../../../proxy/upstream/dns/resolv-conf.ts';

t.test('search domains come first for names with few dots', (t) => {
  const conf = parseResolvConf(
    '# ours\nnameserver 10.0.0.10\nsearch a.svc.cluster.local svc.cluster.local.\noptions edns0 ndots:5 ; more\n',
  );
  t.same(conf, {
    hasServers: true,
    search: ['a.svc.cluster.local', 'svc.cluster.local.'],
    ndots: 5,
  });
  t.same(candidateNames('app.b', conf), [
    'app.b.a.svc.cluster.local',
    'app.b.svc.cluster.local',
    'app.b',
  ]);
  t.same(candidateNames('a.b.c.d.e.f', conf)[0], 'a.b.c.d.e.f');
  t.same(candidateNames('app.b.', conf), ['app.b.']);
  t.end();
});

t.test('an empty file, and rubbish, mean the defaults', (t) => {
  const nothing = { hasServers: false, search: [], ndots: 1 };
  t.same(parseResolvConf(''), nothing);
  t.same(parseResolvConf('nameserver\noptions ndots:x\nnonsense\n\u0000'), nothing);
  t.same(parseResolvConf('search a\ndomain b c\noptions ndots:99').search, ['b']);
  t.equal(parseResolvConf('options ndots:99').ndots, 15);
  t.same(candidateNames('app', parseResolvConf('')), ['app']);
  t.end();
});

t.test('a hosts file names addresses of both families, in any case', (t) => {
  const hosts = '127.0.0.1 localhost # loopback\n::1\tlocalhost ip6-localhost\n10.0.0.1 App.Test\n';
  t.same(hostsEntries(hosts, 'localhost'), ['127.0.0.1', '::1']);
  t.same(hostsEntries(hosts, 'app.test.'), ['10.0.0.1']);
  t.same(hostsEntries(hosts, 'loopback'), []);
  t.end();
});
