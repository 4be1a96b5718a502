// What was accepted of one type of one source: remembered while the proxy runs, saved on the disk,
// and recalled at the next start for as long as the server says nothing.
import { ALL_NAMES, type DiscoveryUpdate } from '../../xds/discovery.ts';
import { encodeState, type SavedRecord, type StateHeader, type StateOwner } from './state-file.ts';
import { StateWriter, type StateWriterParts } from './state-writer.ts';

/** What it is made with. */
export interface SavedTypeParts extends Pick<StateWriterParts, 'path' | 'onWritten'> {
  readonly owner: StateOwner;
  /** What lay on the disk; null: nothing that could be used. */
  readonly found: { readonly header: StateHeader; readonly records: readonly SavedRecord[] } | null;
  readonly wallMs: () => number;
}

interface Kept {
  readonly record: SavedRecord;
  /** Until the newest is saved: what is to be kept instead if it is of no use. */
  before: SavedRecord | null;
}

/** So long after the server's first answer whatever nobody asked for again is forgotten. */
const UNCLAIMED_MS = 60_000;

/** One per type and source. */
export class SavedType {
  /** Wall-clock ms of what was found. */
  readonly foundMs: number;
  /** Subscriptions that run on what was found. */
  borrowers = 0;
  readonly #parts: SavedTypeParts;
  readonly #writer: StateWriter;
  readonly #kept = new Map<string, Kept>();
  readonly #users = new Map<string, number>();
  #version: string;
  /** Wall-clock ms of the server's first answer; 0: it said nothing yet. */
  #heardMs = 0;
  #isClosed = false;

  constructor(parts: SavedTypeParts) {
    this.#parts = parts;
    const { found, path } = parts;
    this.foundMs = found?.header.savedMs ?? 0;
    this.#version = found?.header.version ?? '';
    for (const record of found?.records ?? []) {
      this.#kept.set(record.name, { record, before: null });
    }
    this.#writer = new StateWriter({
      path,
      encode: () => this.#encode(),
      onWritten: parts.onWritten,
    });
  }

  /** Somebody subscribes to these. */
  claim(names: ReadonlySet<string>): void {
    for (const name of names) this.#users.set(name, (this.#users.get(name) ?? 0) + 1);
  }

  /** Somebody does no longer: what nobody wants is forgotten. */
  release(names: ReadonlySet<string>): void {
    if (this.#isClosed) return;
    for (const name of names) {
      const left = (this.#users.get(name) ?? 1) - 1;
      if (left > 0) {
        this.#users.set(name, left);
        continue;
      }
      this.#users.delete(name);
      if (!this.#users.has(ALL_NAMES) && this.#kept.delete(name)) this.#writer.markDirty();
    }
  }

  /** As the server would say it; null: it has spoken for itself, or nothing was found. */
  recall(names: ReadonlySet<string>): DiscoveryUpdate | null {
    const { found, owner } = this.#parts;
    if (this.#heardMs !== 0 || found === null) return null;
    const isWhole = names.has(ALL_NAMES);
    const resources = [...this.#kept.values()]
      .filter(({ record }) => isWhole || names.has(record.name))
      .map(({ record: { name, version, typeUrl, value } }) => ({
        ...{ name, version },
        content: { $typeName: 'google.protobuf.Any' as const, typeUrl, value },
      }));
    if (resources.length === 0 && !isWhole) return null;
    const { typeUrl } = owner;
    return { typeUrl, version: this.#version, resources, removed: [], isWhole };
  }

  /** The server said something; `isRefused` tells what of it is of no use. */
  learn(update: DiscoveryUpdate, isRefused: (name: string) => boolean): void {
    if (this.#isClosed) return;
    if (this.#heardMs === 0) this.#heardMs = this.#parts.wallMs();
    this.#version = update.version;
    let isChanged = this.#dropAll(update.removed);
    const names = new Set<string>();
    for (const resource of update.resources) {
      const { name, content } = resource;
      const isTwice = names.has(name);
      names.add(name);
      if (isTwice || isRefused(name)) continue;
      const before = this.#kept.get(name)?.record ?? null;
      if (before !== null && isSame(before, content)) continue;
      // It may be a view of the whole response.
      const value = Uint8Array.from(content.value);
      const record = { name, version: resource.version, typeUrl: content.typeUrl, value };
      this.#kept.set(name, { record, before });
      isChanged = true;
    }
    if (update.isWhole) {
      const gone = [...this.#kept.keys()].filter((name) => !names.has(name));
      isChanged = this.#dropAll(gone) || isChanged;
    }
    if (isChanged) this.#writer.markDirty();
  }

  /** What was accepted of these is of no use after all. */
  unlearn(names: readonly string[]): void {
    for (const name of names) {
      const kept = this.#kept.get(name);
      if (kept === undefined) continue;
      if (kept.before === null) this.#kept.delete(name);
      else this.#kept.set(name, { record: kept.before, before: null });
      this.#writer.markDirty();
    }
  }

  /** The process ends: what subscriptions do from now on means nothing. */
  close(): void {
    this.#isClosed = true;
    this.#writer.close();
  }

  #dropAll(names: readonly string[]): boolean {
    let isChanged = false;
    for (const name of names) isChanged = this.#kept.delete(name) || isChanged;
    return isChanged;
  }

  #encode(): readonly Uint8Array[] {
    const { owner, wallMs } = this.#parts;
    const savedMs = wallMs();
    const mayForget = this.#heardMs !== 0 && savedMs - this.#heardMs > UNCLAIMED_MS;
    if (mayForget && !this.#users.has(ALL_NAMES)) {
      for (const name of this.#kept.keys()) if (!this.#users.has(name)) this.#kept.delete(name);
    }
    const records: SavedRecord[] = [];
    for (const kept of this.#kept.values()) {
      kept.before = null;
      records.push(kept.record);
    }
    return encodeState({ ...owner, version: this.#version, savedMs }, records);
  }
}

function isSame(
  { typeUrl, value }: SavedRecord,
  content: { readonly typeUrl: string; readonly value: Uint8Array },
): boolean {
  return typeUrl === content.typeUrl && Buffer.compare(value, content.value) === 0;
}
