// Versions of resources that ended workers, by their content: whoever tells them again, under
// whatever version, is refused without a trial.
import { createHash } from 'node:crypto';
import { toBinary } from '@bufbuild/protobuf';
import { apiRegistry } from '../api/registry.ts';
import type { Resource } from '../model/resource.ts';

/** The oldest are forgotten: whoever has as many bad ones has other troubles. */
const MAX_VERSIONS = 1_000;

/** One per process; costs nothing for resources that never ended anybody. */
export class CondemnedVersions {
  /** Reasons by content, by resource. */
  readonly #byResource = new Map<string, Map<string, string>>();
  #count = 0;

  add(resource: Resource, reason: string): void {
    const key = keyOf(resource);
    const versions = this.#byResource.get(key) ?? new Map<string, string>();
    this.#byResource.set(key, versions);
    versions.set(hashOf(resource), reason);
    this.#count += 1;
    if (this.#count > MAX_VERSIONS) this.#forgetOldest();
  }

  /** '' : nothing is known against it. */
  reason(resource: Resource): string {
    if (this.#count === 0) return '';
    const versions = this.#byResource.get(keyOf(resource));
    return versions === undefined ? '' : (versions.get(hashOf(resource)) ?? '');
  }

  #forgetOldest(): void {
    const [oldest] = this.#byResource;
    if (oldest === undefined) return;
    this.#byResource.delete(oldest[0]);
    this.#count -= oldest[1].size;
  }
}

function keyOf({ kind, name }: Resource): string {
  return `${kind}/${name}`;
}

function hashOf({ message }: Resource): string {
  const schema = apiRegistry.getMessage(message.$typeName);
  if (schema === undefined) return '';
  return createHash('sha256').update(toBinary(schema, message)).digest('base64');
}
