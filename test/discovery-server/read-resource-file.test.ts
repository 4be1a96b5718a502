import t from 'tap';
import { type CheckLevel, makeCheck } from '../../proxy/cli/xds/check-served.ts';
import { readResourceFile } from '../../proxy/discovery-server/read-resource-file.ts';
import { TYPE_URLS } from '../../proxy/xds/resource-types.ts';

const CLUSTER = `'@type': ${TYPE_URLS.cluster}`;

/** `type name@line` of what is in a file, and `line:column path: reason` of what is wrong with it. */
function read(
  content: string,
  { name = 'a.yaml', level = 'full' }: { name?: string; level?: CheckLevel } = {},
) {
  const file = readResourceFile({ name, content }, makeCheck(level));
  const resources = file.resources.map(
    ({ resource, place }) =>
      `${resource.typeUrl.slice(resource.typeUrl.lastIndexOf('.') + 1)} ${resource.name}@${place.line}`,
  );
  const problems = file.problems.map(
    ({ line, column, path, reason, severity }) =>
      `${severity} ${line}:${column} ${path}: ${reason}`,
  );
  return { isGood: file.isGood, resources, problems };
}

t.test('resources stand in a file in every form that Envoy reads, and alone', async (t) => {
  const text = `
version_info: 'of no use'
type_url: ${TYPE_URLS.cluster}
resources:
- {name: a}
- {${CLUSTER}, name: b}
---
${CLUSTER}
name: c
---
- {${CLUSTER}, name: d}
- - '@type': type.googleapis.com/envoy.service.discovery.v3.DiscoveryResponse
    resources: {'@type': ${TYPE_URLS.endpoint}, clusterName: e}
- '@type': type.googleapis.com/envoy.service.discovery.v3.Resource
  name: other
  version: '7'
  resource: {${CLUSTER}, name: f}
---
# nothing
---
`;
  t.same(read(text, { level: 'rules' }), {
    isGood: true,
    resources: [
      'Cluster a@5',
      'Cluster b@6',
      'Cluster c@8',
      'Cluster d@11',
      'ClusterLoadAssignment e@13',
      'Cluster other@17',
    ],
    problems: [],
  });
  const json = JSON.stringify([{ '@type': TYPE_URLS.cluster, name: 'a' }]);
  t.same(read(json, { name: 'a.json' }).resources, ['Cluster a@1']);
  t.same(read(' \n', { name: 'a.json' }), { isGood: true, resources: [], problems: [] });
});

t.test('every fault of every document is found, with its place', async (t) => {
  const text = `
- {${CLUSTER}, name: a, connect_timeout: 5x, nonsense: 1}
- {${CLUSTER}, name: ''}
- {name: x}
- 7
---
resources: [{${CLUSTER}, name: b, lb_policy: RING_HASH, ring_hash_lb_config: {minimum_ring_size: 99999999}}]
other: 1
---
{'@type': type.googleapis.com/envoy.config.bootstrap.v3.Bootstrap}
---
static_resources: {}
---
'@type': type.googleapis.com/envoy.service.discovery.v3.Resource
ttl: 2s
aliases: [d]
resource: {${CLUSTER}, name: c}
---
{'@type': type.googleapis.com/envoy.service.discovery.v3.Resource, name: c}
---
{${CLUSTER}, name: dyn, type: EDS}
---
{'@type': type.googleapis.com/envoy.config.core.v3.TypedExtensionConfig, name: 'xdstp://a/b'}
---
: [
`;
  const { isGood, problems } = read(text);
  t.equal(isGood, false);
  const expected = [
    /^error 2:\d+ \[0\]\.connect_timeout: expected a duration/,
    /^error 2:\d+ \[0\]\.nonsense: /,
    /^error 3:\d+ \[1\]\.name: /,
    /^error 4:3 \[2\]: expected '@type'/,
    /^error 5:3 \[3\]: expected a resource with its '@type'/,
    /^error 7:\d+ resources\[0\]\.ring_hash_lb_config\.minimum_ring_size: /,
    /^error 8:1 other: a DiscoveryResponse has no such field$/,
    /^error 10:\d+ @type: envoy\.config\.bootstrap\.v3\.Bootstrap is no resource that clients/,
    /^error 12:1 : this is a bootstrap/,
    /^error 15:6 ttl: is too short to be renewed in time: at least 5s$/,
    /^error 16:1 aliases: is not served: leave it out$/,
    /^error 19:1 : a Resource without a resource says nothing$/,
    /^error 21:\d+ .*eds_cluster_config/,
    /^error 23:\d+ : names of the form xdstp:/,
    /^error 2[56]:/,
  ];
  for (const pattern of expected) {
    t.ok(
      problems.some((problem) => pattern.test(problem)),
      `${pattern} in ${problems.join('\n')}`,
    );
  }
});

t.test('how much is refused can be chosen', async (t) => {
  const bad = `{${CLUSTER}, name: a, lb_policy: RING_HASH, ring_hash_lb_config: {minimum_ring_size: 99999999}}`;
  const unsupported = `{${CLUSTER}, name: a, track_cluster_stats: {perConnection: true}}`;
  t.equal(read(bad, { level: 'rules' }).isGood, false);
  t.equal(read(bad, { level: 'off' }).isGood, true);
  t.equal(read(unsupported, { level: 'off' }).isGood, false, 'no such field');
  const tunnel = `{${CLUSTER}, name: a, upstream_config: {name: x, typed_config: {'@type': type.googleapis.com/envoy.extensions.upstreams.http.http.v3.HttpConnectionPoolProto}}}`;
  t.equal(read(tunnel).isGood, false, 'what this proxy does not do');
  t.equal(read(tunnel, { level: 'rules' }).isGood, true, 'others may');
});

t.test('a file that is no text is refused', async (t) => {
  const content = new Uint8Array([0xff, 0xfe, 0]);
  const file = readResourceFile({ name: 'a.json', content }, makeCheck('full'));
  t.match(file, { isGood: false, problems: [{ reason: /UTF-8/ }], text: null });
});
