// The two variants as values: which machine, which messages.
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import type { Node } from '../api/gen/envoy/config/core/v3/base_pb.js';
import {
  type DeltaDiscoveryRequest,
  DeltaDiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
  type DiscoveryRequest,
  DiscoveryRequestSchema,
} from '../api/gen/envoy/service/discovery/v3/discovery_pb.js';
import { Incremental } from './incremental.ts';
import type { ResourceType } from './resource-types.ts';
import { StateOfWorld } from './state-of-world.ts';
import type { TypeMachine } from './type-machine.ts';
import { readWorldResponse, type WorldResponse } from './world-response.ts';

/** What every request has. */
export interface AnyRequest {
  node?: Node | undefined;
}

/** What every response has. */
export interface AnyResponse {
  readonly typeUrl: string;
  readonly nonce: string;
  readonly controlPlane?: { readonly identifier: string } | undefined;
}

/** How one of the variants is spoken. */
export interface ProtocolVariant<Request extends AnyRequest, Response extends AnyResponse> {
  /** Only the first request of a stream has the node, whatever is configured. */
  readonly saysNodeOnce: boolean;
  machine(type: ResourceType): TypeMachine<Request, Response>;
  encode(request: Request): Uint8Array;
  /** Throws for what is no message. */
  decode(octets: Uint8Array): Response;
}

export const STATE_OF_WORLD: ProtocolVariant<DiscoveryRequest, WorldResponse> = Object.freeze({
  saysNodeOnce: false,
  machine: (type: ResourceType) => new StateOfWorld(type),
  encode: (request: DiscoveryRequest) => toBinary(DiscoveryRequestSchema, request),
  decode: readWorldResponse,
});

export const INCREMENTAL: ProtocolVariant<DeltaDiscoveryRequest, DeltaDiscoveryResponse> =
  Object.freeze({
    saysNodeOnce: true,
    machine: (type: ResourceType) => new Incremental(type),
    encode: (request: DeltaDiscoveryRequest) => toBinary(DeltaDiscoveryRequestSchema, request),
    decode: (octets: Uint8Array) => fromBinary(DeltaDiscoveryResponseSchema, octets),
  });
