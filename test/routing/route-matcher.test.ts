import t from 'tap';
import type { RouteMatchInput } from '../../proxy/routing/route-table.ts';
import type { Certificate } from '../../proxy/x509/certificate.ts';
import { parseCertificate } from '../../proxy/x509/parse-certificate.ts';
import { makeCertificate } from '../support/certificates.ts';
import {
  type Json,
  matchInput,
  type RequestOptions,
  requestHead,
  routeTable,
  routeTo,
} from '../support/route-fixtures.ts';
import { tlsInfo } from '../support/tls-info.ts';

/** Why the only route of a table does not match; null: it does. */
function mismatch(match: Json, options: RequestOptions = {}, input = matchInput()): string | null {
  const routes = [routeTo('a', { prefix: '/', ...match })];
  const table = routeTable({ virtual_hosts: [{ name: 'v', domains: ['*'], routes }] });
  const head = requestHead(options);
  const { tried, lookup } = table.trace(head, input);
  const said = tried[0]?.mismatch ?? null;
  t.equal(lookup.kind === 'route', said === null, 'the trace agrees with the decision');
  t.equal(table.match(head, input).kind, lookup.kind);
  return said;
}

function withHeaders(...headers: readonly string[]): RequestOptions {
  return { headers };
}

function inputWith(
  metadata: Record<string, unknown>,
  filterState: Record<string, unknown> = {},
): RouteMatchInput {
  const input = matchInput();
  input.info.dynamicMetadata = new Map([['f', metadata]]);
  input.info.filterState = new Map(Object.entries(filterState));
  return input;
}

t.test('names the header that fails and its value', async (t) => {
  const x = (matcher: Json): Json => ({ headers: [{ name: 'X-User', ...matcher }] });
  const cases: readonly (readonly [Json, readonly string[], string | null])[] = [
    [x({ string_match: { exact: 'jason' } }), ['x-user', 'jason'], null],
    [
      x({ string_match: { exact: 'jason' } }),
      ['x-user', 'bob'],
      "header 'x-user': 'bob' is not exactly 'jason'",
    ],
    [x({ string_match: { exact: 'jason' } }), [], "header 'x-user' is missing"],
    [
      x({ string_match: { exact: 'jason' }, invert_match: true }),
      ['x-user', 'jason'],
      "header 'x-user': 'jason' is exactly 'jason', which is inverted",
    ],
    [
      x({ string_match: { prefix: 'J', ignore_case: true } }),
      ['x-user', 'bob'],
      "header 'x-user': 'bob' does not begin with 'j' in any case",
    ],
    [
      x({ suffix_match: 'z' }),
      ['x-user', 'a', 'x-user', 'b'],
      "header 'x-user': 'a,b' does not end with 'z'",
    ],
    [x({ contains_match: 'z' }), ['x-user', 'a'], "header 'x-user': 'a' does not contain 'z'"],
    [
      x({ string_match: { safe_regex: { regex: 'v.' } } }),
      ['x-user', 'a'],
      "header 'x-user': 'a' does not match the regex 'v.'",
    ],
    [
      x({ range_match: { start: 1, end: 5 } }),
      ['x-user', '5'],
      "header 'x-user': '5' is not a number from 1 to below 5",
    ],
    [x({ present_match: true }), [], "header 'x-user' is missing"],
    [x({ present_match: false }), ['x-user', ''], "header 'x-user' is present"],
    [x({ present_match: true, treat_missing_header_as_empty: true }), [], null],
    [x({ treat_missing_header_as_empty: true }), [], null],
    [
      x({ string_match: { exact: 'a' }, treat_missing_header_as_empty: true }),
      [],
      "header 'x-user', missing and so empty: '' is not exactly 'a'",
    ],
    [
      { headers: [{ name: ':method', exact_match: 'POST' }] },
      [],
      "header ':method': 'GET' is not exactly 'POST'",
    ],
  ];
  for (const [match, headers, wanted] of cases) {
    t.equal(mismatch(match, withHeaders(...headers)), wanted, JSON.stringify(match));
  }
});

t.test('names the query parameter, the fraction, and what is no gRPC', async (t) => {
  const k = (matcher: Json): Json => ({ query_parameters: [{ name: 'k', ...matcher }] });
  t.equal(
    mismatch(k({ string_match: { exact: 'v' } }), { path: '/?k=w' }),
    "query parameter 'k': 'w' is not exactly 'v'",
  );
  t.equal(mismatch(k({}), { path: '/' }), "query parameter 'k' is missing");
  t.equal(mismatch(k({ present_match: false }), { path: '/?k' }), "query parameter 'k' is present");
  t.equal(mismatch(k({ string_match: { exact: '' } }), { path: '/?k' }), null);
  const grpc = { grpc: {} };
  t.equal(mismatch(grpc), 'grpc: the request has no content-type, not application/grpc');
  t.equal(
    mismatch(grpc, withHeaders('content-type', 'text/html')),
    "grpc: the request is 'text/html', not application/grpc",
  );
  const half = { runtime_fraction: { default_value: { numerator: 50 } } };
  t.equal(mismatch(half, {}, matchInput(499_999)), null);
  t.equal(
    mismatch(half, {}, matchInput(500_000)),
    "runtime_fraction: 50 %, and the request's random number 500000 is not in it",
  );
});

t.test('matches cookies one by one', async (t) => {
  const a = (matcher: Json): Json => ({ cookies: [{ name: 'a', ...matcher }] });
  const one = a({ string_match: { exact: '1' } });
  t.equal(mismatch(one, withHeaders('cookie', 'b=2; a=1')), null);
  t.equal(mismatch(one, withHeaders('cookie', 'b=2', 'cookie', 'a="1"')), null);
  t.equal(mismatch(one, withHeaders('cookie', 'a=2; a=1')), "cookie 'a': '2' is not exactly '1'");
  t.equal(mismatch(one, withHeaders('cookie', 'A=1; b')), "cookie 'a' is missing");
  const not = a({ string_match: { exact: '1' }, invert_match: true });
  t.equal(mismatch(not), null);
  t.equal(mismatch(not, withHeaders('cookie', 'a=2')), null);
  t.equal(
    mismatch(not, withHeaders('cookie', 'a=1')),
    "cookie 'a': '1' is exactly '1', which is inverted",
  );
});

t.test('asks for the certificate of the client', async (t) => {
  const asks = (tls_context: Json): Json => ({ tls_context });
  const peerChain = [parseCertificate(makeCertificate().der) as Certificate];
  const none = matchInput();
  const shown = matchInput();
  Object.assign(shown.info.downstream, { tls: tlsInfo({ peerChain, isPeerValidated: false }) });
  const valid = matchInput();
  Object.assign(valid.info.downstream, { tls: tlsInfo({ peerChain, isPeerValidated: true }) });
  t.equal(mismatch(asks({}), {}, none), null);
  t.equal(mismatch(asks({ presented: false, validated: false }), {}, none), null);
  const missing = 'tls_context: the client showed no certificate';
  t.equal(mismatch(asks({ presented: true }), {}, none), missing);
  t.equal(mismatch(asks({ validated: true }), {}, none), missing);
  t.equal(mismatch(asks({ presented: true, validated: false }), {}, shown), null);
  t.equal(
    mismatch(asks({ validated: true }), {}, shown),
    'tls_context: the client showed a certificate that was not validated',
  );
  t.equal(mismatch(asks({ presented: true, validated: true }), {}, valid), null);
  t.equal(
    mismatch(asks({ presented: false }), {}, valid),
    'tls_context: the client showed a validated certificate',
  );
});

t.test('matches dynamic metadata by every kind of value', async (t) => {
  const k = (value: Json, invert = false): Json => ({
    dynamic_metadata: [{ filter: 'f', path: [{ key: 'k' }, { key: 'l' }], value, invert }],
  });
  const with_ = (value: unknown) => inputWith({ k: { l: value } });
  const kinds: readonly (readonly [Json, matching: unknown, other: unknown, words: string])[] = [
    [{ null_match: {} }, null, 0, 'is null'],
    [{ double_match: { exact: 1.5 } }, 1.5, 2, 'is 1.5'],
    [{ double_match: { range: { start: 1, end: 2 } } }, 1, 2, 'is a number from 1 to below 2'],
    [{ string_match: { exact: 'v' } }, 'v', 'w', "is exactly 'v'"],
    [{ bool_match: true }, true, false, 'is true'],
    [
      { list_match: { one_of: { bool_match: true } } },
      [1, true],
      [1, 'true'],
      'is a list with an element that is true',
    ],
    [
      { or_match: { value_matchers: [{ bool_match: true }, { null_match: {} }] } },
      null,
      false,
      'is true or is null',
    ],
  ];
  for (const [value, matching, other, words] of kinds) {
    t.equal(mismatch(k(value), {}, with_(matching)), null, words);
    const found = JSON.stringify(other);
    const place = "dynamic metadata 'f:k:l'";
    t.equal(mismatch(k(value), {}, with_(other)), `${place} is ${found}, not one that ${words}`);
    t.equal(mismatch(k(value, true), {}, with_(other)), null);
    t.equal(mismatch(k(value), {}, matchInput()), `${place} is missing, not one that ${words}`);
    t.match(mismatch(k(value, true), {}, with_(matching)), 'but must not be one that');
  }
  t.equal(mismatch(k({ present_match: true }), {}, with_({})), null);
  t.match(mismatch(k({ present_match: true }), {}, inputWith({ k: 1 })), 'is missing');
  t.match(mismatch(k({ present_match: false }), {}, with_(1)), 'as no value does');
});

t.test('matches filter state as text or as an address', async (t) => {
  const k = (matcher: Json): Json => ({ filter_state: [{ key: 'k', ...matcher }] });
  const printable = { asText: () => 'v', asJson: () => 'v', field: () => null };
  const exact = k({ string_match: { exact: 'v' } });
  t.equal(mismatch(exact, {}, inputWith({}, { k: printable })), null);
  t.equal(
    mismatch(exact, {}, inputWith({}, { k: 'w' })),
    "filter state 'k': 'w' is not exactly 'v'",
  );
  t.equal(mismatch(exact, {}, inputWith({}, { k: 1 })), "filter state 'k' is missing");
  const ranges = [
    { address_prefix: '10.0.0.0', prefix_len: 8 },
    { address_prefix: '::1', prefix_len: 128 },
  ];
  const inside = k({ address_match: { ranges } });
  const outside = k({ address_match: { ranges, invert_match: true } });
  for (const text of ['10.1.2.3', '10.1.2.3:80', '[::1]:80', '::1', '::ffff:10.0.0.1']) {
    t.equal(mismatch(inside, {}, inputWith({}, { k: text })), null, text);
    const ranged = `filter state 'k': '${text}' is in one of the ranges`;
    t.equal(mismatch(outside, {}, inputWith({}, { k: text })), ranged);
  }
  t.equal(
    mismatch(inside, {}, inputWith({}, { k: '11.0.0.1' })),
    "filter state 'k': '11.0.0.1' is in none of the ranges",
  );
  t.match(mismatch(outside, {}, inputWith({}, { k: 'no address' })), 'ranges');
  const input = matchInput();
  input.info.downstream.filterState = new Map([['k', 'v']]);
  t.equal(mismatch(exact, {}, input), null, 'of the connection');
});

t.test('an evil regex of a route, header or template takes linear time', async (t) => {
  const evil = { safe_regex: { regex: '/(a+)+$' } };
  const path = `/${'a'.repeat(50_000)}!`;
  const routes = [
    { match: evil, direct_response: { status: 200 } },
    {
      match: { prefix: '/', headers: [{ name: ':path', string_match: evil }] },
      direct_response: { status: 200 },
    },
  ];
  const table = routeTable({ virtual_hosts: [{ name: 'v', domains: ['*'], routes }] });
  t.equal(table.match(requestHead({ path }), matchInput()).kind, 'none');
});
