// A ClusterLoadAssignment as octets: which of its endpoints are octet by octet what they were. When
// one of many endpoints comes or goes, only that one has to be opened, checked and compiled.
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

/** ClusterLoadAssignment.endpoints, and LocalityLbEndpoints.lb_endpoints as well. */
const LIST_FIELD = 2;

/** A part of octets. */
interface Range {
  readonly start: number;
  readonly end: number;
}

/** A message with a list in field 2: the list's items, and everything else. */
interface Listing {
  readonly items: readonly Range[];
  readonly rest: Uint8Array;
}

/** Where its items are in the octets that it was read from. */
interface Group extends Listing {
  readonly octets: Uint8Array;
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
  try {
    return draft(octets, before);
  } catch {
    // Cut off, or no protobuf at all: whoever opens it finds out.
    return null;
  }
}

function draft(octets: Uint8Array, before: Uint8Array): AssignmentDraft | null {
  const listing = listingOf(octets);
  const old = new GroupIndex(groupsOf(before, listingOf(before)));
  const writer = new BinaryWriter();
  writer.raw(listing.rest);
  const kept: number[] = [];
  let isAny = false;
  for (const [index, group] of groupsOf(octets, listing).entries()) {
    const indices = compare(group, old.alike(group, index));
    const added = group.items.filter((_, item) => (indices[item] as number) < 0);
    isAny ||= added.length < indices.length;
    for (const each of indices) kept.push(each);
    if (added.length > 0) writeGroup(writer, group, added);
  }
  return isAny ? { kept, octets: writer.finish() } : null;
}

function writeGroup(writer: BinaryWriter, group: Group, added: readonly Range[]): void {
  writer.tag(LIST_FIELD, WireType.LengthDelimited).fork();
  writer.raw(group.rest);
  for (const { start, end } of added) {
    writer.tag(LIST_FIELD, WireType.LengthDelimited).bytes(group.octets.subarray(start, end));
  }
  writer.join();
}

/** Throws for what is no message, or has something else in the list's field. */
function listingOf(octets: Uint8Array): Listing {
  const reader = new BinaryReader(octets);
  const items: Range[] = [];
  const others: Range[] = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [field, wireType] = reader.tag();
    if (field !== LIST_FIELD) {
      reader.skip(wireType, field);
      addTo(others, start, reader.pos);
      continue;
    }
    if (wireType !== WireType.LengthDelimited) throw new RangeError('not a list of messages');
    const length = reader.uint32();
    items.push({ start: reader.pos, end: reader.pos + length });
    reader.pos += length;
  }
  if (reader.pos > reader.len) throw new RangeError('cut off');
  return { items, rest: join(octets, others) };
}

function addTo(ranges: Range[], start: number, end: number): void {
  const last = ranges.at(-1);
  if (last?.end === start) ranges[ranges.length - 1] = { start: last.start, end };
  else ranges.push({ start, end });
}

function join(octets: Uint8Array, ranges: readonly Range[]): Uint8Array {
  const parts = ranges.map(({ start, end }) => octets.subarray(start, end));
  return parts.length === 1 ? (parts[0] as Uint8Array) : Buffer.concat(parts);
}

function groupsOf(octets: Uint8Array, { items }: Listing): readonly Group[] {
  let first = 0;
  return items.map(({ start, end }) => {
    const content = octets.subarray(start, end);
    const group = { ...listingOf(content), octets: content, first };
    first += group.items.length;
    return group;
  });
}

/** Groups by what they say of themselves. */
class GroupIndex {
  readonly #groups: readonly Group[];
  #byRest: Map<string, Group> | null = null;

  constructor(groups: readonly Group[]) {
    this.#groups = groups;
  }

  /** Most are where they were. */
  alike({ rest }: Group, index: number): Group | null {
    const group = this.#groups[index];
    if (group !== undefined && isSame(group.rest, rest)) return group;
    this.#byRest ??= new Map(this.#groups.map((each) => [textOf(each.rest), each]));
    return this.#byRest.get(textOf(rest)) ?? null;
  }
}

/** For each item the index of the same one before, over all groups; -1: there is none. */
function compare(group: Group, before: Group | null): readonly number[] {
  const indices = group.items.map(() => -1);
  if (before === null) return indices;
  // Mostly one came, went or changed: all before it and all behind it are what they were.
  const ends = { group: group.items.length, before: before.items.length };
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
  if (ends.group === first || ends.before === first) return indices;
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
  const left = group.items[item] as Range;
  const right = other.items[its];
  if (right === undefined) return false;
  const length = left.end - left.start;
  if (length !== right.end - right.start) return false;
  // Mostly some dozens of octets that differ late: a call out of JavaScript costs more.
  for (let at = length - 1; at >= 0; at -= 1) {
    if (group.octets[left.start + at] !== other.octets[right.start + at]) return false;
  }
  return true;
}

function itemText({ items, octets }: Group, item: number): string {
  const { start, end } = items[item] as Range;
  return textOf(octets.subarray(start, end));
}

function textOf(octets: Uint8Array): string {
  return Buffer.from(octets.buffer, octets.byteOffset, octets.byteLength).toString('latin1');
}

function isSame(left: Uint8Array, right: Uint8Array): boolean {
  return Buffer.compare(left, right) === 0;
}
