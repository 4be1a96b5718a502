// The HTTP connection manager's definition: the network filter that speaks HTTP with the client.
import {
  type HttpConnectionManager,
  HttpConnectionManagerSchema,
} from '../../api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { compileHttpConnectionManager } from '../../config/compile/http-connection-manager.ts';
import type { HttpConnectionManagerConfig } from '../../model/http-connection-manager.ts';
import type { NetworkFilterDefinition } from '../network-filter.ts';
import { HcmRuntime } from './http-connection-manager/hcm-runtime.ts';
import { HttpConnection } from './http-connection-manager/http-connection.ts';

/** envoy.filters.network.http_connection_manager; its field tables are among the core ones. */
export const httpConnectionManagerDefinition: NetworkFilterDefinition<
  HttpConnectionManager,
  HttpConnectionManagerConfig
> = {
  name: 'envoy.filters.network.http_connection_manager',
  schema: HttpConnectionManagerSchema,
  isTerminal: true,
  support: {},
  compile: compileHttpConnectionManager,
  factory: (config, services, listener) => {
    const runtime = new HcmRuntime(config, services, listener);
    return {
      create: (connection, info) => new HttpConnection(runtime, connection, info),
      refreshGauges: () => runtime.refreshGauges(),
    };
  },
};
