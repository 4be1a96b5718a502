// Resources as responses hold them: with a name, a version and a time to live of their own where the
// variant or the time asks for it.
import { create } from '@bufbuild/protobuf';
import { type Any, anyPack, durationFromMs } from '@bufbuild/protobuf/wkt';
import {
  type Resource,
  ResourceSchema,
} from '../api/gen/envoy/service/discovery/v3/discovery_pb.js';
import type { ServedResource } from './snapshot.ts';

/** As an incremental response holds it. */
export function wrapped(resource: ServedResource): Resource {
  return create(ResourceSchema, { ...named(resource), resource: resource.content });
}

/** Renews its time to live, and says nothing else. */
export function heartbeat(resource: ServedResource): Resource {
  return create(ResourceSchema, named(resource));
}

/** As a response of the state of the world holds it: by itself unless it has a time to live. */
export function asContent(resource: ServedResource): Any {
  return resource.ttlMs === null ? resource.content : anyPack(ResourceSchema, wrapped(resource));
}

function named({ name, version, ttlMs }: ServedResource) {
  return { name, version, ...(ttlMs === null ? {} : { ttl: durationFromMs(ttlMs) }) };
}
