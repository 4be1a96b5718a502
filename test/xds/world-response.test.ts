// Responses whose resources are opened one at a time say what the whole message says.
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { AnySchema } from '@bufbuild/protobuf/wkt';
import t from 'tap';
import { DiscoveryResponseSchema } from '../../proxy/api/gen/envoy/service/discovery/v3/discovery_pb.js';
import { TYPE_URLS } from '../../proxy/xds/resource-types.ts';
import { readWorldResponse, type WorldResponse } from '../../proxy/xds/world-response.ts';
import { packed } from '../support/control-plane.ts';
import { seededRandom } from '../support/seeded-random.ts';

const cluster = (name: string) => packed('envoy.config.cluster.v3.Cluster', { name });

const OCTETS = toBinary(
  DiscoveryResponseSchema,
  create(DiscoveryResponseSchema, {
    ...{ versionInfo: 'v1', typeUrl: TYPE_URLS.cluster, nonce: 'n1', canary: true },
    controlPlane: { identifier: 'server é' },
    resources: [
      cluster('a'),
      cluster('b'),
      create(AnySchema, { typeUrl: 'other/é' }),
      create(AnySchema),
      create(AnySchema, { value: Uint8Array.of(1) }),
      cluster('c'),
    ],
  }),
);

/** null: it is no message. */
function summary(read: () => WorldResponse): object | null {
  try {
    const { controlPlane, nonce, resources, typeUrl, versionInfo } = read();
    const found = [...resources].map((each) => [each.typeUrl, Buffer.from(each.value).toString()]);
    const identifier = controlPlane?.identifier ?? null;
    return { versionInfo, typeUrl, nonce, identifier, found, length: resources.length };
  } catch {
    return null;
  }
}

const whole = (octets: Uint8Array) =>
  summary(() => fromBinary(DiscoveryResponseSchema, octets) as WorldResponse);
const lazy = (octets: Uint8Array) => summary(() => readWorldResponse(octets));

t.test('says what the whole message says, also from within a larger buffer', async (t) => {
  t.same(lazy(OCTETS), whole(OCTETS));
  const larger = Buffer.concat([Buffer.from('head'), OCTETS, Buffer.from('tail')]);
  t.same(lazy(larger.subarray(4, 4 + OCTETS.length)), whole(OCTETS));
  t.same(lazy(new Uint8Array()), whole(new Uint8Array()));
});

t.test('its resources can be gone through again', async (t) => {
  const { resources } = readWorldResponse(OCTETS);
  t.same([...resources], [...resources]);
});

t.test('cut off anywhere it is no message, or a shorter one', async (t) => {
  for (let end = 0; end < OCTETS.length; end += 1) {
    const cut = OCTETS.subarray(0, end);
    if (!t.same(lazy(cut), whole(cut), `${end} octets`)) break;
  }
});

t.test('rubbish is refused or read, and nothing else', async (t) => {
  const random = seededRandom(7);
  let refused = 0;
  for (let round = 0; round < 2000; round += 1) {
    const octets = Uint8Array.from(OCTETS);
    for (let count = 0; count < 3; count += 1) {
      octets[Math.floor(random.next() * octets.length)] = Math.floor(random.next() * 256);
    }
    if (lazy(octets) === null) refused += 1;
  }
  t.ok(refused > 0 && refused < 2000, String(refused));
});
