import type { DescField, DescMessage } from '@bufbuild/protobuf';
import t from 'tap';
import { ClusterSchema } from '../../../proxy/api/gen/envoy/config/cluster/v3/cluster_pb.js';
import { SocketAddressSchema } from '../../../proxy/api/gen/envoy/config/core/v3/address_pb.js';
import { VirtualHostSchema } from '../../../proxy/api/gen/envoy/config/route/v3/route_components_pb.js';
import { apiRegistry } from '../../../proxy/api/registry.ts';
import { hasRules, isZero, rulesOf } from '../../../proxy/config/schema/field-rules.ts';

function field(schema: DescMessage, name: string): DescField {
  const found = schema.fields.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no field ${name}`);
  return found;
}

t.test('every rule in the whole API is one that is implemented', (t) => {
  let rules = 0;
  for (const type of apiRegistry) {
    if (type.kind !== 'message') continue;
    for (const it of type.fields) if (hasRules(it)) rules++;
  }
  t.ok(rules > 500, `${rules} fields with rules`);
  t.end();
});

t.test('rules of a scalar, a list and its items', (t) => {
  const port = rulesOf(field(SocketAddressSchema, 'port_value'));
  t.same(
    port.checks.map((check) => check(65536)),
    ['value must be less than or equal to 65535'],
  );
  const domains = rulesOf(field(VirtualHostSchema, 'domains'));
  t.same(
    domains.checks.map((check) => check([])),
    ['value must contain at least 1 item(s)'],
  );
  t.same(
    domains.items?.checks.map((check) => check('a\n')),
    ['value is not a valid HTTP header value'],
  );
  const removed = rulesOf(field(VirtualHostSchema, 'request_headers_to_remove'));
  t.ok(removed.items !== null);
  t.equal(rulesOf(field(VirtualHostSchema, 'domains')), domains, 'compiled once');
  t.end();
});

t.test('enums list their values', (t) => {
  const policy = rulesOf(field(ClusterSchema, 'lb_policy'));
  t.match(
    policy.checks.map((check) => check(99)),
    [/one of the defined enum values: ROUND_ROBIN/],
  );
  t.same(
    policy.checks.map((check) => check(3)),
    [null],
  );
  t.end();
});

t.test('fields without rules share one answer', (t) => {
  t.equal(hasRules(field(ClusterSchema, 'alt_stat_name')), false);
  t.end();
});

t.test('zero values of each kind', (t) => {
  for (const value of ['', 0, 0n, false, new Uint8Array()]) t.ok(isZero(value));
  for (const value of ['a', 1, 1n, true, Uint8Array.of(0)]) t.notOk(isZero(value));
  t.end();
});
