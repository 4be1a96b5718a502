// From the Anys and wrappers of a response to resources with names. Contents are not opened.
import { fromBinary } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import type { Any, Duration } from '@bufbuild/protobuf/wkt';
import {
  type Resource,
  ResourceSchema,
} from '../api/gen/envoy/service/discovery/v3/discovery_pb.js';
import { typeNameOf } from '../config/schema/any.ts';
import type { ResourceType } from './resource-types.ts';
import type { Heartbeat, ReceivedResource } from './type-machine.ts';
import { skipOctets } from './world-response.ts';

/** Resources that may come in place of their own type, with a name and a time to live. */
const WRAPPER_URL = 'type.googleapis.com/envoy.service.discovery.v3.Resource';
const NAME_FIELD = 1;

/** What a list of resources holds, or why it cannot be used. */
export class ResourceList {
  readonly resources: ReceivedResource[] = [];
  readonly heartbeats: Heartbeat[] = [];
  /** '' : nothing wrong so far. */
  error = '';
  readonly #type: ResourceType;
  /** What carries them. */
  readonly #message: 'DiscoveryResponse' | 'DeltaDiscoveryResponse';

  constructor(type: ResourceType, message: 'DiscoveryResponse' | 'DeltaDiscoveryResponse') {
    this.#type = type;
    this.#message = message;
  }

  /** A resource of the state of the world: bare, or in a wrapper. */
  addAny(any: Any, version: string): void {
    if (any.typeUrl === WRAPPER_URL) this.#addWrapped(any, version);
    else if (this.#isOfType(any.typeUrl)) this.#addBare(any, version);
  }

  /** A resource of the incremental variant. */
  addResource({ name, resource, ttl, version }: Resource): void {
    const ttlMs = ttl === undefined ? null : durationMs(ttl);
    if (resource === undefined) {
      this.heartbeats.push({ name, ttlMs });
      return;
    }
    if (this.#isOfType(resource.typeUrl)) {
      this.resources.push({ name, version, content: resource, ttlMs });
    }
  }

  #addWrapped(any: Any, version: string): void {
    const wrapper = unwrap(any.value);
    if (wrapper === null) this.#refuse(`Unable to unpack as ${ResourceSchema.typeName}`);
    else this.addResource({ ...wrapper, version: wrapper.version || version });
  }

  #addBare(any: Any, version: string): void {
    const name = this.#type.isNamed ? nameOf(any.value) : '';
    if (name === null) this.#refuse(`Unable to unpack as ${typeNameOf(this.#type.typeUrl)}`);
    else this.resources.push({ name, version, content: any, ttlMs: null });
  }

  #isOfType(typeUrl: string): boolean {
    if (typeUrl === this.#type.typeUrl) return true;
    const wanted = `the message-wide type URL ${this.#type.typeUrl} in ${this.#message}`;
    const found =
      this.#message === 'DeltaDiscoveryResponse'
        ? `type URL ${typeUrl} embedded in an individual Any`
        : typeUrl;
    this.#refuse(`${found} does not match ${wanted}`);
    return false;
  }

  #refuse(reason: string): void {
    if (this.error === '') this.error = reason;
  }
}

function unwrap(octets: Uint8Array): Resource | null {
  try {
    return fromBinary(ResourceSchema, octets);
  } catch {
    // Whatever the decoder objects to, the octets are no Resource.
    return null;
  }
}

/** Its name field without opening the rest, '' if it has none; null when it is no message. */
function nameOf(octets: Uint8Array): string | null {
  const reader = new BinaryReader(octets);
  let name = '';
  try {
    while (reader.pos < reader.len) {
      const [field, wireType] = reader.tag();
      if (field === NAME_FIELD && wireType === WireType.LengthDelimited) name = reader.string();
      else if (wireType === WireType.LengthDelimited) skipOctets(reader);
      else reader.skip(wireType, field);
    }
    return reader.pos === reader.len ? name : null;
  } catch {
    // Cut off, or no protobuf at all.
    return null;
  }
}

function durationMs({ seconds, nanos }: Duration): number {
  return Number(seconds) * 1000 + nanos / 1e6;
}
