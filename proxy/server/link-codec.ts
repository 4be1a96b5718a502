// The link's messages as they cross a process border: resources as binary protobuf, the rest as
// structured clones.
import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { apiRegistry } from '../api/registry.ts';
import type { Resource, ResourceKind, ResourceUpdate } from '../model/resource.ts';
import type { ToWorker, WorkerSettings } from './link.ts';

/** A resource in transit. */
export interface WireResource {
  readonly kind: ResourceKind;
  readonly name: string;
  readonly version: string;
  readonly typeName: string;
  readonly bytes: Uint8Array;
}

/** A message to a worker in transit; only those that carry resources differ from `ToWorker`. */
export type WireToWorker =
  | Exclude<ToWorker, { readonly kind: 'update' | 'init' }>
  | {
      readonly kind: 'init';
      readonly settings: Omit<WorkerSettings, 'bootstrap'>;
      readonly bootstrap: WireResource;
    }
  | {
      readonly kind: 'update';
      readonly id: number;
      readonly upserted: readonly WireResource[];
      readonly removed: ResourceUpdate['removed'];
    };

/** Makes a message fit for structured cloning. */
export function encodeToWorker(message: ToWorker): WireToWorker {
  if (message.kind === 'init') {
    const { bootstrap, ...settings } = message.settings;
    return { kind: 'init', settings, bootstrap: encodeResource(bootstrap) };
  }
  if (message.kind === 'update') {
    const { upserted, removed } = message.update;
    return { kind: 'update', id: message.id, upserted: upserted.map(encodeResource), removed };
  }
  return message;
}

/** The inverse of `encodeToWorker`. */
export function decodeToWorker(wire: WireToWorker): ToWorker {
  if (wire.kind === 'init') {
    const bootstrap = decodeResource(wire.bootstrap);
    return { kind: 'init', settings: { ...wire.settings, bootstrap } };
  }
  if (wire.kind === 'update') {
    const update = { upserted: wire.upserted.map(decodeResource), removed: wire.removed };
    return { kind: 'update', id: wire.id, update };
  }
  return wire;
}

/** Makes a resource fit for structured cloning. */
export function encodeResource(resource: Resource): WireResource {
  const { kind, name, version, message } = resource;
  const typeName = message.$typeName;
  return { kind, name, version, typeName, bytes: toBinary(schemaOf(typeName), message) };
}

/** The inverse of `encodeResource`. */
export function decodeResource(wire: WireResource): Resource {
  const { kind, name, version, typeName, bytes } = wire;
  return { kind, name, version, message: fromBinary(schemaOf(typeName), bytes) };
}

function schemaOf(typeName: string) {
  const schema = apiRegistry.getMessage(typeName);
  if (schema === undefined)
    throw new Error(`no descriptor for ${typeName}: was the API generated?`);
  return schema;
}
