// A ClusterLoadAssignment as octets: which of its endpoints are octet by octet what they were. When
// one of many endpoints comes or goes, only that one has to be opened, checked and compiled.
//
// Numbers say where things are, in pairs of start and end: a view or an object for each of a hundred
// thousand endpoints would cost more than looking at them.
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** ClusterLoadAssignment.endpoints, and LocalityLbEndpoints.lb_endpoints as well. */
const LIST_FIELD = 2;
const LIST_TAG = (LIST_FIELD << 3) | WireType.LengthDelimited;

/** Protobuf encoding: 64 bits, 7 in an octet. */
const MAX_VARINT_BYTES = 10;

/** A message with a list in field 2. */
interface Listing {
  readonly octets: Uint8Array;
  /** Contents of the list's items. */
  readonly items: readonly number[];
  /** Everything else. */
  readonly rest: readonly number[];
}

/** A locality. */
interface Group extends Listing {
  /** Items of all groups before it. */
  readonly first: number;
}

/** An assignment compared with the one before it. */
export interface AssignmentDraft {
  /**
   * For each endpoint the index of the one before that has the same octets, in a locality that
   * says the same of itself; -1: there is none.
   */
  readonly kept: readonly number[];
  /** The assignment without those. */
  readonly octets: Uint8Array;
}

/** Compares two assignments; null: they have no endpoint in common, or one cannot be taken apart. */
export function draftAssignment(octets: Uint8Array, before: Uint8Array): AssignmentDraft | null {
  const listing = listingOf(octets, 0, octets.length);
  const groups = listing === null ? null : groupsOf(listing);
  const old = groupsOf(listingOf(before, 0, before.length));
  // Whoever opens it finds out what is wrong with it.
  if (listing === null || groups === null || old === null) return null;
  const index = new GroupIndex(old);
  const writer = new BinaryWriter();
  writeRest(writer, listing);
  const kept: number[] = [];
  let isAny = false;
  for (const [at, group] of groups.entries()) {
    const indices = compare(group, index.alike(group, at));
    isAny ||= indices.some((each) => each >= 0);
    kept.push(...indices);
    if (indices.includes(-1)) writeGroup(writer, group, indices);
  }
  return isAny ? { kept, octets: writer.finish() } : null;
}

function writeRest(writer: BinaryWriter, { octets, rest }: Listing): void {
  for (let at = 0; at < rest.length; at += 2) {
    writer.raw(octets.subarray(rest[at] as number, rest[at + 1] as number));
  }
}

function writeGroup(writer: BinaryWriter, group: Group, indices: readonly number[]): void {
  const { items, octets } = group;
  writer.uint32(LIST_TAG).fork();
  writeRest(writer, group);
  for (const [item, index] of indices.entries()) {
    if (index >= 0) continue;
    const content = octets.subarray(items[2 * item] as number, items[2 * item + 1] as number);
    writer.uint32(LIST_TAG).bytes(content);
  }
  writer.join();
}

/** null: it is no message, or has something else in the list's field. */
function listingOf(octets: Uint8Array, start: number, end: number): Listing | null {
  const items: number[] = [];
  const rest: number[] = [];
  const cursor = new Cursor(octets, start);
  while (cursor.at < end) {
    const from = cursor.at;
    if (octets[from] !== LIST_TAG) {
      if (!cursor.skip()) return null;
      if (rest.at(-1) === from) rest[rest.length - 1] = cursor.at;
      else rest.push(from, cursor.at);
      continue;
    }
    cursor.at += 1;
    const length = cursor.number();
    items.push(cursor.at, cursor.at + length);
    cursor.at += length;
  }
  return cursor.at === end ? { octets, items, rest } : null;
}

function groupsOf(listing: Listing | null): readonly Group[] | null {
  if (listing === null) return null;
  const { items, octets } = listing;
  const groups: Group[] = [];
  let first = 0;
  for (let at = 0; at < items.length; at += 2) {
    const group = listingOf(octets, items[at] as number, items[at + 1] as number);
    if (group === null) return null;
    groups.push({ octets, items: group.items, rest: group.rest, first });
    first += group.items.length / 2;
  }
  return groups;
}

/** Reads tags and lengths. What is beyond the end reads as 0, and ends beyond it. */
class Cursor {
  readonly #octets: Uint8Array;
  at: number;

  constructor(octets: Uint8Array, at: number) {
    this.#octets = octets;
    this.at = at;
  }

  /** A varint, NaN when it is none; one that is larger than all there is may be any large number. */
  number(): number {
    let value = 0;
    for (let octets = 0, scale = 1; octets < MAX_VARINT_BYTES; octets += 1, scale *= 128) {
      const octet = this.#octets[this.at] ?? 0;
      this.at += 1;
      value += (octet & 127) * scale;
      if (octet < 128) return value;
    }
    return Number.NaN;
  }

  /** Goes behind a field; false: it is of a kind that nobody sends, or the list's in a rare form. */
  skip(): boolean {
    const tag = this.number();
    if (Math.floor(tag / 8) === LIST_FIELD || tag < 8) return false;
    switch (tag % 8) {
      case WireType.Varint:
        this.number();
        return true;
      case WireType.Bit64:
        this.at += 8;
        return true;
      case WireType.LengthDelimited: {
        const length = this.number();
        this.at += length;
        return true;
      }
      case WireType.Bit32:
        this.at += 4;
        return true;
      default:
        return false;
    }
  }
}

/** Groups by what they say of themselves. */
class GroupIndex {
  readonly #groups: readonly Group[];
  #byRest: Map<string, Group> | null = null;

  constructor(groups: readonly Group[]) {
    this.#groups = groups;
  }

  /** Most are where they were. */
  alike(group: Group, index: number): Group | null {
    const before = this.#groups[index];
    if (before !== undefined && isSameRest(group, before)) return before;
    this.#byRest ??= new Map(this.#groups.map((each) => [restText(each), each]));
    return this.#byRest.get(restText(group)) ?? null;
  }
}

/** For each item the index of the same one before, over all groups; -1: there is none. */
function compare(group: Group, before: Group | null): readonly number[] {
  const indices = new Array<number>(group.items.length / 2).fill(-1);
  if (before === null) return indices;
  // Mostly one came, went or changed: all before it and all behind it are what they were.
  const ends = { group: indices.length, before: before.items.length / 2 };
  let first = 0;
  while (first < ends.group && isSameItem(group, first, [before, first])) {
    indices[first] = before.first + first;
    first += 1;
  }
  while (ends.group > first && ends.before > first) {
    if (!isSameItem(group, ends.group - 1, [before, ends.before - 1])) break;
    ends.group -= 1;
    ends.before -= 1;
    indices[ends.group] = before.first + ends.before;
  }
  const isOne = ends.group - first <= 1 && ends.before - first <= 1;
  if (isOne || ends.group === first || ends.before === first) return indices;
  const known = new Map<string, number>();
  for (let item = first; item < ends.before; item += 1) {
    known.set(itemText(before, item), before.first + item);
  }
  for (let item = first; item < ends.group; item += 1) {
    indices[item] = known.get(itemText(group, item)) ?? -1;
  }
  return indices;
}

function isSameItem(group: Group, item: number, [other, its]: readonly [Group, number]): boolean {
  if (2 * its >= other.items.length) return false;
  const [at, itsAt] = [group.items[2 * item] as number, other.items[2 * its] as number];
  const length = (group.items[2 * item + 1] as number) - at;
  if (length !== (other.items[2 * its + 1] as number) - itsAt) return false;
  return isSame(group.octets, at, { octets: other.octets, at: itsAt, length });
}

/** Rests that are cut otherwise count as different: whoever sends both cuts alike. */
function isSameRest({ octets, rest }: Group, other: Group): boolean {
  if (rest.length !== other.rest.length) return false;
  for (let index = 0; index < rest.length; index += 2) {
    const [at, itsAt] = [rest[index] as number, other.rest[index] as number];
    const length = (rest[index + 1] as number) - at;
    if (length !== (other.rest[index + 1] as number) - itsAt) return false;
    if (!isSame(octets, at, { octets: other.octets, at: itsAt, length })) return false;
  }
  return true;
}

/** Mostly some dozens of octets that differ late: a call out of JavaScript would cost more. */
function isSame(
  octets: Uint8Array,
  at: number,
  other: { readonly octets: Uint8Array; readonly at: number; readonly length: number },
): boolean {
  for (let index = other.length - 1; index >= 0; index -= 1) {
    if (octets[at + index] !== other.octets[other.at + index]) return false;
  }
  return true;
}

function itemText({ items, octets }: Group, item: number): string {
  return textOf(octets, [items[2 * item] as number, items[2 * item + 1] as number]);
}

function restText({ octets, rest }: Group): string {
  return textOf(octets, rest);
}

function textOf(octets: Uint8Array, ranges: readonly number[]): string {
  const all = Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength);
  let text = '';
  for (let at = 0; at < ranges.length; at += 2)
    text += all.toString('latin1', ranges[at], ranges[at + 1]);
  return text;
}
