import { setFlagsFromString } from 'node:v8';
import { runInThisContext } from 'node:vm';
import { create, equals, type Message } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import t from 'tap';
import { ClusterSchema } from '../../../proxy/api/gen/envoy/config/cluster/v3/cluster_pb.js';
import { readDiscovered } from '../../../proxy/server/discovery/discovered-message.ts';
import { TYPE_URLS } from '../../../proxy/xds/resource-types.ts';

setFlagsFromString('--allow-natives-syntax');
const isCompact = runInThisContext('(object) => %HasFastProperties(object)') as (
  object: object,
) => boolean;
const areAlike = runInThisContext('(a, b) => %HaveSameMap(a, b)') as (
  a: object,
  b: object,
) => boolean;

function cluster(name: string) {
  const edsClusterConfig = { edsConfig: { configSourceSpecifier: { case: 'ads', value: {} } } };
  return create(ClusterSchema, {
    name,
    clusterDiscoveryType: { case: 'type', value: 3 },
    edsClusterConfig: edsClusterConfig as never,
    connectTimeout: { seconds: 1n },
  });
}

function read(name: string): Message {
  const found = readDiscovered(anyPack(ClusterSchema, cluster(name)), TYPE_URLS.cluster);
  if (!found.ok) throw new Error(found.error);
  return found.message;
}

t.test('a message that was discovered says what was sent', async (t) => {
  t.ok(equals(ClusterSchema, read('one') as never, cluster('one')));
});

t.test('messages of which there are thousands are no hash tables, and share a shape', async (t) => {
  const messages = Array.from({ length: 100 }, (_, index) => read(`cluster-${index}`));
  t.ok(messages.every(isCompact));
  const last = messages.at(-1) as Message;
  t.ok(messages.slice(50).every((message) => areAlike(message, last)));
});
