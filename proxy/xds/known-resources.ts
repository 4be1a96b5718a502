// The latest accepted content of each name that somebody wants, for watches that come later: a
// server does not say again what it has said.
import { create } from '@bufbuild/protobuf';
import { type Any, AnySchema } from '@bufbuild/protobuf/wkt';
import type { ReceivedResource, ReceivedUpdate } from './type-machine.ts';

/**
 * A view of a buffer that is this many times as large is copied, or it would keep alive what has
 * been replaced long ago. Smaller copies more, larger wastes more.
 */
const MAX_WASTE = 4;

/** Of one type. */
export class KnownResources {
  readonly #accepted = new Map<string, ReceivedResource>();
  /**
   * Newer ones that a subscriber refused, by themselves or for what came with them: whoever comes
   * later may think otherwise.
   */
  readonly #doubtful = new Map<string, ReceivedResource>();
  /** Names whose last watch went. */
  readonly #suspects = new Set<string>();

  has(name: string): boolean {
    return this.#accepted.has(name) || this.#doubtful.has(name);
  }

  /** Names of which `isMeant` holds. */
  names(isMeant: (name: string) => boolean): string[] {
    return [...this.#accepted.keys()].filter(isMeant);
  }

  clear(): void {
    this.#accepted.clear();
    this.#doubtful.clear();
    this.#suspects.clear();
  }

  accepted(names: Iterable<string>): ReceivedResource[] {
    return [...names].flatMap((name) => this.#accepted.get(name) ?? []);
  }

  doubtful(names: Iterable<string>): ReceivedResource[] {
    return [...names].flatMap((name) => this.#doubtful.get(name) ?? []);
  }

  accept(resource: ReceivedResource): void {
    this.#accepted.set(resource.name, compact(resource));
    this.#doubtful.delete(resource.name);
  }

  doubt(resource: ReceivedResource): void {
    this.#doubtful.set(resource.name, compact(resource));
  }

  delete(name: string): void {
    this.#accepted.delete(name);
    this.#doubtful.delete(name);
  }

  /** Its last watch went; the next one may come within the same turn. */
  suspect(name: string): void {
    this.#suspects.add(name);
  }

  /** Of an update that comes before the next `unwanted`: the server was not told otherwise. */
  keepSuspects({ removed, resources }: Pick<ReceivedUpdate, 'removed' | 'resources'>): void {
    if (this.#suspects.size === 0) return;
    for (const name of removed) if (this.#suspects.has(name)) this.delete(name);
    for (const resource of resources) if (this.#suspects.has(resource.name)) this.doubt(resource);
  }

  /** Lets go of what is still not wanted, and says what that is. */
  unwanted(wanted: { has(name: string): boolean }): string[] {
    if (this.#suspects.size === 0) return [];
    const gone = [...this.#suspects].filter((name) => !wanted.has(name));
    this.#suspects.clear();
    for (const name of gone) this.delete(name);
    return gone;
  }
}

function compact(resource: ReceivedResource): ReceivedResource {
  const content = compactContent(resource.content);
  return content === resource.content ? resource : { ...resource, content };
}

/** By what they were made from, as long as somebody has that: several keep the same content. */
const compacted = new WeakMap<Any, Any>();

/** The same for whoever keeps it: without the rest of what it came with. */
export function compactContent(content: Any): Any {
  const { typeUrl, value } = content;
  if (value.buffer.byteLength <= value.byteLength * MAX_WASTE) return content;
  const known = compacted.get(content);
  if (known !== undefined) return known;
  const made = create(AnySchema, { typeUrl, value: new Uint8Array(value) });
  compacted.set(content, made);
  return made;
}
