import type { JsonValue } from '@bufbuild/protobuf';
import t from 'tap';
import { BootstrapSchema } from '../../../proxy/api/gen/envoy/config/bootstrap/v3/bootstrap_pb.js';
import {
  checkStaticResources,
  staticClusterNames,
} from '../../../proxy/config/compile/static-resources.ts';
import { compileJson, problemLines } from '../../support/compile-json.ts';

type Json = { [key: string]: JsonValue };

function check(json: Json) {
  return compileJson({ schema: BootstrapSchema, json }, (message, context) => {
    checkStaticResources(message, context);
    return staticClusterNames(message);
  });
}

function listener(name: string, port_value: number, members: Json = {}): Json {
  return { name, address: { socket_address: { address: '127.0.0.1', port_value } }, ...members };
}

function listeners(...list: Json[]) {
  const { rejections, warnings } = check({ static_resources: { listeners: list } });
  return { rejections: problemLines(rejections), warnings: problemLines(warnings) };
}

t.test('gives the names of the clusters, each of which may be there once', (t) => {
  const { value, rejections } = check({
    static_resources: { clusters: [{ name: 'a' }, { name: 'b' }, { name: 'a' }] },
  });
  t.same([...value], ['a', 'b']);
  t.same(problemLines(rejections), [
    "static_resources.clusters[2].name: cluster manager: duplicate cluster 'a'",
  ]);
  t.same([...check({}).value], []);
  t.end();
});

t.test('the local cluster must be one of them', (t) => {
  const cluster_manager = { local_cluster_name: 'a' };
  t.same(problemLines(check({ cluster_manager }).rejections), [
    "cluster_manager.local_cluster_name: local cluster 'a' must be defined",
  ]);
  t.same(
    check({ cluster_manager, static_resources: { clusters: [{ name: 'a' }] } }).rejections,
    [],
  );
  t.end();
});

t.test('two listeners cannot have one address', (t) => {
  t.same(listeners(listener('l', 80), listener('m', 80)).rejections, [
    "static_resources.listeners[1].address: error adding listener: 'm' has duplicate address '127.0.0.1:80' as existing listener",
  ]);
  const additional_addresses = [
    { address: { socket_address: { address: '127.0.0.1', port_value: 81 } } },
  ];
  t.equal(
    listeners(listener('l', 81), listener('m', 80, { additional_addresses })).rejections.length,
    1,
  );
  const pipe = (name: string) => ({ name, address: { pipe: { path: '/p' } } });
  t.equal(listeners(pipe('l'), pipe('m')).rejections.length, 1);
  t.end();
});

t.test('port 0, one listener’s own addresses and unbound ones are no duplicates', (t) => {
  t.same(listeners(listener('l', 0), listener('m', 0)).rejections, []);
  t.same(listeners(listener('l', 80), listener('m', 80, { bind_to_port: false })).rejections, []);
  const additional_addresses = [
    { address: { socket_address: { address: '127.0.0.1', port_value: 80 } } },
  ];
  t.same(listeners(listener('l', 80, { additional_addresses })).rejections, []);
  t.end();
});

t.test('one name for two listeners is worth a warning', (t) => {
  t.match(listeners(listener('l', 80), listener('l', 81)), {
    rejections: [],
    warnings: [/^static_resources\.listeners\[1\]\.name: another listener is named 'l' too/],
  });
  t.same(listeners(listener('', 80), listener('', 81)).warnings, []);
  t.end();
});
