// What is read of an assignment by its octets is what is read of it as a whole.

import { fromJson, type JsonObject } from '@bufbuild/protobuf';
import { type Any, anyPack } from '@bufbuild/protobuf/wkt';
import t from 'tap';
import { ClusterLoadAssignmentSchema } from '../../../proxy/api/gen/envoy/config/endpoint/v3/endpoint_pb.js';
import { randomBelow } from '../../../proxy/base/random.ts';
import {
  type Assignment,
  assignmentMessage,
  hasSameEndpoints,
  isSameAssignment,
  readAssignment,
} from '../../../proxy/server/discovery/read-assignment.ts';
import { seededRandom, testSeed } from '../../support/seeded-random.ts';

interface Group {
  readonly region: string;
  readonly priority?: number;
  readonly weight?: number;
  readonly endpoints: readonly Endpoint[];
}

interface Endpoint {
  readonly ip: string;
  readonly weight?: number;
  readonly canary?: boolean;
}

function content(groups: readonly Group[], policy: JsonObject = {}): Any {
  const json = {
    cluster_name: 'a',
    endpoints: groups.map(({ region, priority = 0, weight = 1, endpoints }) => ({
      locality: { region },
      priority,
      load_balancing_weight: weight,
      lb_endpoints: endpoints.map(endpointJson),
    })),
    policy,
  };
  return anyPack(ClusterLoadAssignmentSchema, fromJson(ClusterLoadAssignmentSchema, json));
}

function endpointJson({ ip, weight = 1, canary = false }: Endpoint): JsonObject {
  return {
    endpoint: { address: { socket_address: { address: ip, port_value: 80 } } },
    load_balancing_weight: weight,
    metadata: { filter_metadata: { 'envoy.lb': { canary } } },
  };
}

function read(any: Any, before: Assignment | null): Assignment {
  const assignment = tryRead(any, before);
  if (typeof assignment === 'string') throw new Error(assignment);
  return assignment;
}

function tryRead(any: Any, before: Assignment | null): Assignment | string {
  return readAssignment({ name: 'a', version: '1', content: any }, 'a', before);
}

const ips = (...last: readonly number[]) => last.map((each) => ({ ip: `10.0.0.${each}` }));

t.test('endpoints that stay are the objects that they were', async (t) => {
  const first = read(content([{ region: 'r', endpoints: ips(1, 2, 3, 4) }]), null);
  const [one, two, three, four] = first.endpoints;
  const cases: [readonly number[], readonly unknown[]][] = [
    [
      [1, 2, 3, 4, 5],
      [one, two, three, four],
    ],
    [
      [5, 1, 2, 3, 4],
      [undefined, one?.endpoint, two?.endpoint, three?.endpoint, four?.endpoint],
    ],
    [
      [1, 5, 3, 4],
      [one, undefined, three, four],
    ],
    [
      [4, 3, 2, 1],
      [four?.endpoint, three?.endpoint, two?.endpoint, one?.endpoint],
    ],
    [[2], [two?.endpoint]],
  ];
  for (const [last, wanted] of cases) {
    const next = read(content([{ region: 'r', endpoints: ips(...last) }]), first);
    t.same(
      next.endpoints.map(({ ip }) => ip),
      ips(...last).map(({ ip }) => ip),
    );
    for (const [index, known] of wanted.entries()) {
      if (known === undefined) continue;
      const found = next.endpoints[index];
      t.ok(found === known || found?.endpoint === known, `${last}: ${index}`);
    }
  }
});

t.test('an endpoint whose locality says something else of itself is another one', async (t) => {
  const endpoints = ips(1, 2);
  const first = read(content([{ region: 'r', endpoints }]), null);
  for (const change of [{ region: 's' }, { priority: 1 }, { weight: 2 }]) {
    const any = content([{ region: 'r', ...change, endpoints }]);
    t.strictSame(read(any, first), read(any, null));
    t.notOk(hasSameEndpoints(read(any, first), first));
  }
  const both = content([
    { region: 's', endpoints },
    { region: 'r', endpoints },
  ]);
  t.strictSame(read(both, first), read(both, null), 'a locality is known wherever it stands');
  t.equal(read(both, first).endpoints[3]?.endpoint, first.endpoints[1]?.endpoint);
});

t.test('what is wrong is said as if nothing were known', async (t) => {
  const first = read(content([{ region: 'r', endpoints: ips(1, 2) }]), null);
  const bad = [
    content([{ region: 'r', endpoints: [...ips(1), { ip: 'a.test' }, ...ips(2)] }]),
    content([{ region: 'r', endpoints: [...ips(1, 2), { ip: '' }] }]),
    content([{ region: 'r', endpoints: ips(1, 2) }], { overprovisioning_factor: 0 }),
    content([
      { region: 'r', endpoints: ips(1, 2) },
      { region: 's', priority: 129, endpoints: ips(3) },
    ]),
    { ...first.content, value: first.content.value.subarray(0, -1) },
    { ...first.content, value: Uint8Array.from([...first.content.value, 0x12, 0x05, 0x12]) },
    { ...first.content, value: Uint8Array.from([...first.content.value, 0x10, 0x05]) },
    { ...first.content, typeUrl: 'type.googleapis.com/envoy.config.cluster.v3.Cluster' },
  ];
  for (const any of bad) t.same(tryRead(any, first), tryRead(any, null));
  t.match(tryRead(bad[0] as Any, first), /endpoints\[0\]\.lb_endpoints\[1\]/);
});

t.test('what is said of all endpoints counts, whether endpoints change or not', async (t) => {
  const groups = [{ region: 'r', endpoints: ips(1, 2) }];
  const first = read(content(groups), null);
  const policy = { overprovisioning_factor: 200, endpoint_stale_after: '3s' };
  const next = read(content(groups, policy), first);
  t.equal(next.config.policy.overprovisioningPercent, 200);
  t.equal(next.config.staleAfterMs, 3000);
  t.ok(hasSameEndpoints(first, next));
  t.ok(next.endpoints.every((each, index) => each === first.endpoints[index]));
  t.equal(read(content(groups), next).config.policy, first.config.policy, 'one object for most');
});

t.test('the same octets are the same assignment', async (t) => {
  const resource = { name: 'a', version: '2', content: content([{ region: 'r', endpoints: [] }]) };
  const first = read(resource.content, null);
  t.ok(isSameAssignment(resource, first));
  t.notOk(isSameAssignment({ ...resource, content: content([]) }, first));
  const typeUrl = `x/${resource.content.typeUrl}`;
  t.notOk(isSameAssignment({ ...resource, content: { ...resource.content, typeUrl } }, first));
  t.match(assignmentMessage(first), { clusterName: 'a' });
});

t.test('any assignment behind any other is read as if it were the first', async (t) => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const below = (count: number): number => randomBelow(random, count);
  const endpoint = (): Endpoint => {
    return { ip: `10.0.0.${1 + below(6)}`, weight: 1 + below(2), canary: below(4) === 0 };
  };
  const group = (): Group => {
    const some = { region: `r${below(2)}`, priority: below(2), weight: 1 + below(2) };
    return { ...some, endpoints: Array.from({ length: below(6) }, endpoint) };
  };
  let before: Assignment | null = null;
  for (let round = 0; round < 150; round += 1) {
    const policy = below(3) === 0 ? { weighted_priority_health: true } : {};
    const any = content(Array.from({ length: below(4) }, group), policy);
    const next: Assignment = read(any, before);
    t.strictSame(next, read(any, null), `seed ${seed}, round ${round}`);
    before = next;
  }
});

t.test('octets that somebody spoilt are read as if nothing were known', async (t) => {
  const seed = testSeed();
  const random = seededRandom(seed);
  const groups = ['r', 's'].map((region) => ({ region, endpoints: ips(1, 2, 3) }));
  const first = read(content(groups), null);
  const { value } = first.content;
  for (let round = 0; round < 200; round += 1) {
    const octets = Uint8Array.from(value);
    for (let spoilt = 1 + randomBelow(random, 2); spoilt > 0; spoilt -= 1) {
      octets[randomBelow(random, octets.length)] = randomBelow(random, 256);
    }
    const end = randomBelow(random, 4) === 0 ? randomBelow(random, octets.length) : octets.length;
    const any = { ...first.content, value: octets.subarray(0, end) };
    t.strictSame(tryRead(any, first), tryRead(any, null), `seed ${seed}, round ${round}`);
  }
});
