import { type DescMessage, fromJson, getOption, hasOption } from '@bufbuild/protobuf';
import { anyPack } from '@bufbuild/protobuf/wkt';
import t from 'tap';
import { ListenerSchema } from '../../proxy/api/gen/envoy/config/listener/v3/listener_pb.js';
import { RouterSchema } from '../../proxy/api/gen/envoy/extensions/filters/http/router/v3/router_pb.js';
import { rules } from '../../proxy/api/gen/validate/validate_pb.js';
import { apiRegistry } from '../../proxy/api/registry.ts';

t.test('knows the types a proxy is configured with', async (t) => {
  const names = [
    'envoy.config.bootstrap.v3.Bootstrap',
    'envoy.config.cluster.v3.Cluster',
    'envoy.config.core.v3.Metadata',
    'envoy.config.endpoint.v3.ClusterLoadAssignment',
    'envoy.config.listener.v3.Listener',
    'envoy.config.route.v3.RouteConfiguration',
    'envoy.config.route.v3.ScopedRouteConfiguration',
    'envoy.admin.v3.ConfigDump',
    'envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager',
    'envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
    'envoy.extensions.access_loggers.file.v3.FileAccessLog',
    'envoy.extensions.access_loggers.open_telemetry.v3.OpenTelemetryAccessLogConfig',
    'envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext',
    'envoy.extensions.transport_sockets.tls.v3.UpstreamTlsContext',
    'envoy.extensions.transport_sockets.tls.v3.Secret',
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
    'envoy.service.discovery.v3.DeltaDiscoveryResponse',
    'google.protobuf.Struct',
    'udpa.type.v1.TypedStruct',
    'xds.type.v3.TypedStruct',
  ];
  for (const name of names) t.equal(apiRegistry.getMessage(name)?.typeName, name);
  t.equal(apiRegistry.getMessage('envoy.config.listener.v3.NoSuchThing'), undefined);
  t.equal(apiRegistry.getMessage('NoSuchThing'), undefined);
});

t.test('finds nested types by their full name', async (t) => {
  const nested = 'envoy.config.cluster.v3.Cluster.CommonLbConfig';
  t.equal(apiRegistry.getMessage(nested)?.name, 'CommonLbConfig');
  t.equal(apiRegistry.getEnum('envoy.config.cluster.v3.Cluster.LbPolicy')?.kind, 'enum');
});

t.test('gives the same descriptor as the generated modules', async (t) => {
  t.equal(apiRegistry.getMessage(ListenerSchema.typeName), ListenerSchema);
  const router = apiRegistry.getMessage(RouterSchema.typeName) as DescMessage;
  t.equal(router, RouterSchema);
});

t.test('reads ProtoJSON with an Any in it, by JSON and by proto field names', async (t) => {
  const listener = fromJson(
    ListenerSchema,
    {
      name: 'web',
      stat_prefix: 'a',
      filterChains: [
        {
          filters: [
            {
              name: 'tcp',
              typed_config: {
                '@type':
                  'type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy',
                stat_prefix: 'ingress',
                cluster: 'backend',
              },
            },
          ],
        },
      ],
    },
    { registry: apiRegistry },
  );
  t.equal(listener.filterChains[0]?.filters[0]?.configType.case, 'typedConfig');
  t.equal(
    anyPack(ListenerSchema, listener).typeUrl,
    `type.googleapis.com/${ListenerSchema.typeName}`,
  );
});

t.test('keeps the validation rules of fields', async (t) => {
  const address = apiRegistry.getMessage('envoy.config.core.v3.SocketAddress') as DescMessage;
  const field = address.field['address'];
  t.ok(field && hasOption(field, rules));
  t.equal(field && getOption(field, rules).type.case, 'string');
});

t.test('loads every descriptor when iterated', async (t) => {
  const count = [...apiRegistry].filter((type) => type.kind === 'message').length;
  t.ok(count > 1000, `${count} messages`);
});
