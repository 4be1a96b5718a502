// Lets browsers call gRPC services: gRPC-Web in front, gRPC behind.
import {
  type GrpcWeb,
  GrpcWebSchema,
} from '../../api/gen/envoy/extensions/filters/http/grpc_web/v3/grpc_web_pb.js';
import type { HttpFilterDefinition } from '../http-filter.ts';
import { GrpcWebFilter } from './grpc-web/grpc-web-filter.ts';

/** Nothing can be configured. */
type GrpcWebConfig = Readonly<Record<string, never>>;

const CONFIG: GrpcWebConfig = Object.freeze({});

/** envoy.filters.http.grpc_web */
export const grpcWebDefinition: HttpFilterDefinition<GrpcWeb, GrpcWebConfig> = {
  name: 'envoy.filters.http.grpc_web',
  schema: GrpcWebSchema,
  isTerminal: false,
  support: { [GrpcWebSchema.typeName]: {} },
  compile: () => CONFIG,
  factory: () => ({ create: (callbacks) => new GrpcWebFilter(callbacks) }),
};
