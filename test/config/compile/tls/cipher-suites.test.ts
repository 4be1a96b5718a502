import { createSecureContext, getCiphers } from 'node:tls';
import t from 'tap';
import {
  CIPHER_NAMES,
  DEFAULT_CIPHER_SUITES,
  evaluateCiphers,
  TLS13_SUITES,
} from '../../../../proxy/config/compile/tls/cipher-suites.ts';

function suites(text: string): string {
  const list = evaluateCiphers(text);
  return list.ok ? list.suites.join(' ') : `unknown: ${list.unknown.join(' ')}`;
}

t.test('OpenSSL has every suite by the same name', (t) => {
  const known = new Set(getCiphers().map((name) => name.toUpperCase()));
  for (const name of [...CIPHER_NAMES, ...TLS13_SUITES]) t.ok(known.has(name), name);
  t.doesNotThrow(() => createSecureContext({ ciphers: CIPHER_NAMES.join(':') }));
  t.end();
});

t.test('groups of equal preference are taken in their order', (t) => {
  t.equal(
    suites(DEFAULT_CIPHER_SUITES),
    [
      'ECDHE-ECDSA-AES128-GCM-SHA256 ECDHE-ECDSA-CHACHA20-POLY1305',
      'ECDHE-RSA-AES128-GCM-SHA256 ECDHE-RSA-CHACHA20-POLY1305',
      'ECDHE-ECDSA-AES256-GCM-SHA384 ECDHE-RSA-AES256-GCM-SHA384',
    ].join(' '),
  );
  t.end();
});

t.test('aliases, and suites that are taken out or to the end', (t) => {
  t.equal(
    suites('ECDHE+AESGCM:!aECDSA'),
    'ECDHE-RSA-AES128-GCM-SHA256 ECDHE-RSA-AES256-GCM-SHA384',
  );
  t.equal(suites('AES128-SHA:AES256-SHA:+AES128'), 'AES256-SHA AES128-SHA');
  t.equal(suites('AES128-SHA:-AES128:AES128-SHA'), 'AES128-SHA', '- may be added again');
  t.equal(suites('AES128-SHA:!AES128:AES128-SHA:AES256-SHA'), 'AES256-SHA', '! may not');
  t.equal(suites('TLS_RSA_WITH_AES_128_CBC_SHA,AES128-SHA'), 'AES128-SHA', 'each once');
  t.equal(suites('ALL').split(' ').length, CIPHER_NAMES.length);
  t.equal(suites('!ALL'), '');
  t.end();
});

t.test('suites that are never used are known, and others are not', (t) => {
  t.equal(suites('TLS_AES_128_GCM_SHA256:ECDHE-PSK-AES128-CBC-SHA:AES128-SHA'), 'AES128-SHA');
  t.equal(suites('HIGH:!aNULL:!MD5'), 'unknown: !aNULL !MD5');
  t.equal(suites('[AES128-SHA|FOO]:DES-CBC3-SHA'), 'unknown: [AES128-SHA|FOO] DES-CBC3-SHA');
  t.end();
});
