// Messages over the four pairs of HTTP/1.1 and HTTP/2: what the other side receives, what the
// client gets, and what the log says, is what Envoy does.
import t from 'tap';
import type { Field } from '../support/h2-hpack.ts';
import { overPairs, PAIRS, type PairCase } from '../support/pair-case.ts';
import { overHttp2, type TwinListener } from '../support/twin-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';
import { withTwins } from '../support/with-twins.ts';
import { compareCases } from './compare-cases.ts';
import { COMPARED_LOG } from './http-log-format.ts';

const sized = (length: number): readonly Field[] => [['content-length', String(length)]];

const REQUESTS: readonly PairCase[] = [
  { title: 'GET' },
  { title: 'GET with a query', request: { path: '/a?b=c&d' } },
  { title: 'an authority with a port', request: { authority: 'b.test:8080' } },
  { title: 'an authority in capitals', request: { authority: 'B.Test' } },
  { title: 'sized content', request: { method: 'POST', fields: sized(5), body: ['hello'] } },
  { title: 'content without size', request: { method: 'POST', body: ['hel', 'lo'] } },
  { title: 'a method of no standing', request: { method: 'PURGE' } },
  { title: 'GET with content', request: { fields: sized(2), body: ['ok'] } },
  { title: 'content-length 0', request: { method: 'POST', fields: sized(0) } },
  { title: 'POST without content', request: { method: 'POST' } },
  { title: 'OPTIONS', request: { method: 'OPTIONS', path: '/x' } },
  { title: 'one cookie', request: { fields: [['cookie', 'a=1; b=2']] } },
  {
    title: 'cookies',
    request: {
      fields: [
        ['cookie', 'a=1'],
        ['x', '1'],
        ['cookie', 'b=2'],
        ['cookie', 'c=3; d=4'],
      ],
    },
  },
  { title: 'te: trailers', request: { fields: [['te', 'trailers']] } },
  {
    title: 'repeated fields',
    request: {
      fields: [
        ['x', '1'],
        ['y', '2'],
        ['x', '3'],
        ['accept', 'a'],
        ['accept', 'b'],
      ],
    },
  },
  {
    title: 'forwarding fields',
    request: {
      fields: [
        ['x-forwarded-for', '1.2.3.4'],
        ['x-forwarded-proto', 'https'],
        ['x-forwarded-host', 'c.test'],
        ['via', '1.0 there'],
        ['x-request-id', 'mine'],
      ],
    },
  },
  { title: 'an empty value', request: { fields: [['x', '']] } },
  { title: 'octets above 0x7f in a value', request: { fields: [['x', 'a\xe4b']] } },
  { title: 'a secret', request: { fields: [['authorization', 'Bearer xyz']] } },
  { title: 'an underscore', request: { fields: [['a_b', '1']] } },
  {
    title: 'expect',
    request: { method: 'POST', fields: [['expect', '100-continue'], ...sized(2)], body: ['ok'] },
  },
  {
    title: 'trailers of a request',
    request: {
      method: 'POST',
      body: ['hello'],
      trailers: [
        ['x-trailer', '1'],
        ['y-trailer', '2'],
      ],
    },
  },
  {
    title: 'gRPC',
    request: {
      method: 'POST',
      path: '/a.B/C',
      fields: [
        ['content-type', 'application/grpc'],
        ['te', 'trailers'],
        ['grpc-timeout', '1S'],
      ],
      body: ['\0\0\0\0\0'],
    },
    answer: {
      fields: [['content-type', 'application/grpc']],
      body: ['\0\0\0\0\0'],
      trailers: [
        ['grpc-status', '0'],
        ['grpc-message', 'fine'],
      ],
    },
  },
];

const ANSWERS: readonly PairCase[] = [
  { title: 'an answer without size', answer: { body: ['hel', 'lo'] } },
  { title: 'an empty sized answer', answer: { fields: sized(0) } },
  {
    title: 'an answer of 60 kB',
    answer: {
      fields: sized(60_000),
      body: [
        '0123456789'.repeat(1_600),
        '0123456789'.repeat(1_600),
        '0123456789'.repeat(1_600),
        '0123456789'.repeat(1_200),
      ],
    },
  },
  { title: 'HEAD', request: { method: 'HEAD' }, answer: { fields: sized(5) } },
  {
    title: 'HEAD without size',
    request: { method: 'HEAD' },
    answer: {
      fields: [
        ['x', '1'],
        ['content-length', '7'],
      ],
    },
  },
  { title: '204', answer: { status: 204 } },
  { title: '304', answer: { status: 304, fields: sized(7) } },
  { title: '205', answer: { status: 205, fields: sized(0) } },
  { title: '404', answer: { status: 404, fields: sized(2), body: ['no'] } },
  { title: '503', answer: { status: 503, fields: sized(2), body: ['no'] } },
  { title: '100 first', answer: { interim: [[100]], fields: sized(2), body: ['ok'] } },
  {
    title: '103 first',
    answer: { interim: [[103, ['link', '</x>']]], fields: sized(2), body: ['ok'] },
  },
  {
    title: '100 first, passed on',
    listener: 'continue',
    answer: { interim: [[100]], fields: sized(2), body: ['ok'] },
  },
  { title: 'trailers', answer: { body: ['hello'], trailers: [['x-trailer', '1']] } },
  { title: 'trailers without content', answer: { body: [], trailers: [['x-trailer', '1']] } },
  {
    title: 'set-cookie',
    answer: { fields: [['set-cookie', 'a=1'], ['set-cookie', 'b=2'], ...sized(2)], body: ['ok'] },
  },
  {
    title: 'repeated fields of an answer',
    answer: { fields: [['x', '1'], ['y', '2'], ['x', '3'], ...sized(2)], body: ['ok'] },
  },
  { title: 'server and date', answer: { fields: [['server', 's'], ['date', 'd'], ...sized(0)] } },
  { title: 'redirect', answer: { status: 302, fields: [['location', 'http://b/'], ...sized(0)] } },
  {
    title: 'via',
    listener: 'via',
    answer: { fields: [['via', '1.1 x'], ...sized(2)], body: ['ok'] },
  },
];

const LOCAL: readonly PairCase[] = [
  { title: 'a direct response', request: { path: '/direct' } },
  { title: 'HEAD of a direct response', request: { method: 'HEAD', path: '/direct' } },
  { title: 'a redirect', request: { path: '/redirect' } },
  { title: 'no route', request: { path: '/nowhere', authority: 'nowhere.test' }, listener: 'via' },
  { title: 'a fragment', request: { path: '/a#b' } },
  {
    title: 'a direct response to an open request',
    request: { method: 'POST', path: '/direct', body: ['x'], isOpen: true },
  },
  {
    title: 'a redirect of an open request',
    request: { method: 'POST', path: '/redirect', body: ['x'], isOpen: true },
  },
  {
    title: 'local gRPC',
    request: { method: 'POST', path: '/direct', fields: [['content-type', 'application/grpc']] },
  },
];

const FAILURES: readonly PairCase[] = [
  {
    title: 'an early answer',
    request: { method: 'POST', body: [], isOpen: true },
    answer: { at: 'head', fields: sized(2), body: ['ok'] },
  },
  {
    title: 'an early answer of 413',
    request: { method: 'POST', body: [], isOpen: true },
    answer: { at: 'head', status: 413, fields: sized(0) },
  },
  {
    title: 'a cut answer',
    answer: { fields: sized(9), body: ['hello'], isOpen: true, end: 'fin' },
  },
  {
    title: 'a reset answer',
    answer: { fields: sized(9), body: ['hello'], isOpen: true, end: 'reset' },
  },
  { title: 'a cut answer without size', answer: { body: ['hello'], isOpen: true, end: 'fin' } },
  {
    title: 'a timeout',
    request: { path: '/slow' },
    answer: { fields: sized(2), body: [], isOpen: true },
  },
];

function listeners(): Readonly<Record<string, TwinListener>> {
  const all: Record<string, TwinListener> = {};
  for (const pair of PAIRS) {
    const cluster = pair.endsWith('h2') ? 'h2' : 'main';
    const base: TwinListener = {
      cluster,
      hcm: { http_protocol_options: { enable_trailers: true } },
      routes: [
        { match: { path: '/redirect' }, redirect: { host_redirect: 'b.test' } },
        { match: { path: '/slow' }, route: { cluster, timeout: '0.1s' } },
      ],
    };
    all[pair] = base;
    all[`continue-${pair}`] = { ...base, hcm: { proxy_100_continue: true } };
    all[`via-${pair}`] = {
      ...base,
      hcm: { via: 'here' },
      virtualHost: { domains: ['a.test', 'probe', 'spare'] },
    };
  }
  return all;
}

t.test('passes messages on as Envoy', { skip: withoutEnvoy }, async (t) => {
  const config = {
    log: COMPARED_LOG,
    listeners: listeners(),
    clusters: {
      main: {
        common_http_protocol_options: { max_requests_per_connection: 1 },
        explicit_http_config: { http_protocol_options: { enable_trailers: true } },
      },
      h2: overHttp2(),
    },
  };
  await withTwins(config, async (twins) => {
    for (const cases of [REQUESTS, ANSWERS, LOCAL, FAILURES]) {
      await compareCases(t, twins, cases.flatMap(overPairs));
    }
  });
});
