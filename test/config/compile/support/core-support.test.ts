import type { DescField, DescMessage } from '@bufbuild/protobuf';
import t from 'tap';
import { apiRegistry } from '../../../../proxy/api/registry.ts';
import { CORE_SUPPORT } from '../../../../proxy/config/compile/support/core-support.ts';
import type { FieldSupport } from '../../../../proxy/model/extension.ts';

const ROOTS = [
  'envoy.config.bootstrap.v3.Bootstrap',
  'envoy.config.listener.v3.Listener',
  'envoy.config.cluster.v3.Cluster',
  'envoy.config.route.v3.RouteConfiguration',
  'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
  'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
  'envoy.extensions.load_balancing_policies.least_request.v3.LeastRequest',
];

function messageOf(typeName: string): DescMessage {
  const desc = apiRegistry.getMessage(typeName);
  if (desc === undefined) throw new Error(`no type ${typeName}`);
  return desc;
}

/** True when what a field holds is looked at. */
function isUsed(support: FieldSupport | undefined): boolean {
  return support === 'honoured' || (support !== undefined && 'partly' in support);
}

/** The message type inside a field, whatever kind of field it is. */
function inside(field: DescField): DescMessage | undefined {
  return field.message;
}

t.test('every table is of a known message and lists only its fields', (t) => {
  for (const [typeName, table] of Object.entries(CORE_SUPPORT)) {
    const names = new Set(messageOf(typeName).fields.map(({ name }) => name));
    const unknown = Object.keys(table).filter((name) => !names.has(name));
    t.same(unknown, [], typeName);
  }
  t.end();
});

t.test('every message that an honoured field leads to has a table', (t) => {
  const reached = new Set<string>();
  const todo = ROOTS.map(messageOf);
  for (let desc = todo.pop(); desc !== undefined; desc = todo.pop()) {
    if (reached.has(desc.typeName) || desc.typeName.startsWith('google.protobuf.')) continue;
    reached.add(desc.typeName);
    const table = CORE_SUPPORT[desc.typeName];
    t.ok(table !== undefined || desc.fields.length === 0, desc.typeName);
    for (const field of desc.fields) {
      const support = table?.[field.name];
      const next = inside(field);
      if (isUsed(support) && next !== undefined) todo.push(next);
    }
  }
  t.end();
});

t.test('reasons are sentences without a period, as problems print them', (t) => {
  for (const [typeName, table] of Object.entries(CORE_SUPPORT)) {
    for (const [name, support] of Object.entries(table)) {
      if (support === 'honoured') continue;
      t.match(Object.values(support)[0], /^\S.*[^.\s]$/, `${typeName}.${name}`);
    }
  }
  t.end();
});
