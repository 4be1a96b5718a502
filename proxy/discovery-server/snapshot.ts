// What a discovery server has for a client at one moment: resources by type and name, immutable.
// Versions follow from content, so that the same content has the same version for ever, on every
// server.
import { createHash } from 'node:crypto';
import type { Any } from '@bufbuild/protobuf/wkt';
import type { Reference } from './references.ts';

/** A resource as it is served. */
export interface ServedResource {
  readonly typeUrl: string;
  readonly name: string;
  /** Follows from the content, and the time to live. */
  readonly version: string;
  readonly content: Any;
  /** Clients forget it after so long without a word of it (Resource.ttl); null: never. */
  readonly ttlMs: number | null;
  /** What clients ask for on account of it. */
  readonly references: readonly Reference[];
}

/** All of one type. */
export interface TypeSnapshot {
  /** Follows from the names and versions of all of them. */
  readonly version: string;
  /** In the order of their names. */
  readonly resources: ReadonlyMap<string, ServedResource>;
  /** Of those that end without a word; Infinity: none does. */
  readonly shortestTtlMs: number;
}

/** By type URL. */
export type Snapshot = ReadonlyMap<string, TypeSnapshot>;

/** Digits of a version: two contents of a type with the same would never be told apart. */
const VERSION_DIGITS = 16;

/** Of a type of which there is nothing. */
export const NO_RESOURCES: TypeSnapshot = Object.freeze({
  version: versionOf([]),
  resources: new Map(),
  shortestTtlMs: Number.POSITIVE_INFINITY,
});

/** The later of two resources with the same type and name counts. */
export function makeSnapshot(resources: Iterable<ServedResource>): Snapshot {
  const byType = new Map<string, Map<string, ServedResource>>();
  for (const resource of resources) {
    const { typeUrl, name } = resource;
    const ofType = byType.get(typeUrl) ?? new Map<string, ServedResource>();
    byType.set(typeUrl, ofType.set(name, resource));
  }
  return new Map([...byType].map(([typeUrl, ofType]) => [typeUrl, makeType(ofType)]));
}

/** The version of some resources: the same for the same, whatever their order. */
export function versionOf(resources: Iterable<Pick<ServedResource, 'name' | 'version'>>): string {
  const lines = [...resources].map(({ name, version }) => `${name}\n${version}\n`).sort();
  return digest(lines.join(''));
}

/** The version of one resource. */
export function contentVersion({ typeUrl, value }: Any, ttlMs: number | null): string {
  return ttlMs === null ? digest(typeUrl, value) : digest(typeUrl, value, `\nttl ${ttlMs}`);
}

function makeType(unordered: ReadonlyMap<string, ServedResource>): TypeSnapshot {
  const resources = new Map(
    [...unordered].sort(([left], [right]) => (left < right ? -1 : Number(left > right))),
  );
  let shortestTtlMs = Number.POSITIVE_INFINITY;
  for (const { ttlMs } of resources.values()) {
    if (ttlMs !== null) shortestTtlMs = Math.min(shortestTtlMs, ttlMs);
  }
  return { version: versionOf(resources.values()), resources, shortestTtlMs };
}

function digest(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex').slice(0, VERSION_DIGITS);
}
