// What subscriptions and streams count, beside Envoy: names and values, for aggregated streams and
// for streams of single types, of types that managers share.

import { fromJson, type JsonValue } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import t from 'tap';
import { apiRegistry } from '../../proxy/api/registry.ts';
import { TYPE_URLS } from '../../proxy/xds/resource-types.ts';
import type { ServedStream } from '../support/control-plane.ts';
import { eventually } from '../support/eventually.ts';
import { playToBoth, type ServedTwin, serverCluster } from '../support/served-twins.ts';
import { httpListener, virtualHost } from '../support/static-bootstrap.ts';
import { withoutEnvoy } from '../support/with-envoy.ts';

const { cluster: CDS, listener: LDS, route: RDS } = TYPE_URLS;
const OWN_VALUES = /update_(time|duration)|config_reload_time_ms|_rq_|_cx_/;
/** Hashes of 64 bits, which JSON.parse would round: as they are printed. */
const VERSIONS =
  /"(?:cluster_manager|http|listener_manager)[^"]+\.version","value":\d+|^envoy\S+_version\{.*\} \d{9,}$/gm;
const WATCHED = '^(control_plane|cluster_manager.cds|listener_manager.lds|http\\..*rds)';

function source(isOwn: boolean): Record<string, unknown> {
  const services = [{ envoy_grpc: { cluster_name: 'xds' } }];
  const api = { api_type: 'GRPC', transport_api_version: 'V3', grpc_services: services };
  const common = { resource_api_version: 'V3', initial_fetch_timeout: '20s' };
  return isOwn ? { api_config_source: api, ...common } : { ads: {}, ...common };
}

function bootstrap(port: number, isOwn: boolean): Record<string, unknown> {
  const services = [{ envoy_grpc: { cluster_name: 'xds' } }];
  const api = { api_type: 'GRPC', transport_api_version: 'V3', grpc_services: services };
  return {
    node: { id: 'node', cluster: 'test' },
    static_resources: { clusters: [serverCluster('xds', port)] },
    dynamic_resources: {
      ...(isOwn ? {} : { ads_config: api }),
      cds_config: source(isOwn),
      lds_config: source(isOwn),
    },
  };
}

function listener(name: string, statPrefix: string, isOwn: boolean): Record<string, unknown> {
  const rds = { config_source: source(isOwn), route_config_name: 'shared' };
  const manager = { route_config: undefined, rds, stat_prefix: statPrefix };
  return httpListener(name, {}, { manager });
}

function pack(typeUrl: string, fields: Record<string, unknown>) {
  const schema = apiRegistry.getMessage(typeUrl.slice(typeUrl.lastIndexOf('/') + 1));
  if (schema === undefined) throw new Error(`no type ${typeUrl}`);
  const json = JSON.parse(JSON.stringify(fields)) as JsonValue;
  return anyPack(schema, fromJson(schema, json, { registry: apiRegistry }));
}

function scriptFor(isOwn: boolean) {
  return async ({ admin, plane }: ServedTwin) => {
    const streamOf = async (typeUrl: string): Promise<ServedStream> => {
      const has = (stream: ServedStream) =>
        stream.requests.some((each) => each.typeUrl === typeUrl);
      await eventually(() => plane.streams.some(has));
      return plane.streams.find(has) as ServedStream;
    };
    const send = async (typeUrl: string, version: string, all: Record<string, unknown>[]) => {
      const stream = await streamOf(typeUrl);
      const count = () => stream.requests.filter((each) => each.typeUrl === typeUrl).length;
      const before = count();
      const resources = all.map((fields) => pack(typeUrl, fields));
      const controlPlane = { $typeName: 'envoy.config.core.v3.ControlPlane', identifier: 'me' };
      stream.send({
        typeUrl,
        versionInfo: version,
        nonce: version,
        resources,
        controlPlane,
      } as never);
      await eventually(() => count() > before);
    };
    await send(CDS, '1', []);
    await send(LDS, '1', [listener('one', 'first', isOwn), listener('two', 'second', isOwn)]);
    const table = (timeout: string) => {
      const direct = { match: { prefix: '/' }, direct_response: { status: 200 } };
      return {
        name: 'shared',
        virtual_hosts: [virtualHost(['*'], [direct])],
        max_direct_response_body_size_bytes: timeout,
      };
    };
    await send(RDS, '1', [table('10')]);
    const url = await admin;
    await send(RDS, '2', [table('20')]);
    await send(RDS, '3', []);
    await send(RDS, '4', [
      { name: 'shared', virtual_hosts: [virtualHost(['*'], []), virtualHost(['*'], [])] },
    ]);
    const read = async (query: string) => (await fetch(`${url}/stats${query}`)).text();
    const lines = (await read(`?filter=${encodeURIComponent(WATCHED)}`)).split('\n');
    const other = (await read('?format=json')) + (await read('/prometheus'));
    const versions = [...other.matchAll(VERSIONS)].map(([text]) => text);
    t.equal(versions.length, 6, versions.join(' '));
    return [...lines.filter((line) => line !== '' && !OWN_VALUES.test(line)), ...versions].sort();
  };
}

for (const isOwn of [false, true]) {
  const title = isOwn ? 'streams of their own' : 'one aggregated stream';
  t.test(`counts like Envoy over ${title}`, { skip: withoutEnvoy }, async (t) => {
    const { envoy, ours } = await playToBoth((port) => bootstrap(port, isOwn), scriptFor(isOwn));
    t.same(ours, envoy);
  });
}
