// A message's head at one moment, and what has changed between two moments.
import type { HeaderList } from '../http/header-list.ts';
import type { RequestHead, ResponseHead } from '../http/message.ts';

/** A field line; pseudo-fields have names such as `:path`. */
export interface FieldLine {
  readonly name: string;
  readonly value: string;
}

/** How one field differs. */
export interface FieldChange {
  readonly name: string;
  readonly kind: 'added' | 'changed' | 'removed';
  /** Lines before, and lines after. */
  readonly before: readonly string[];
  readonly after: readonly string[];
}

/** Pseudo-fields first; those without a value are left out. */
export function requestSnapshot(head: RequestHead): readonly FieldLine[] {
  const pseudo = [
    { name: ':method', value: head.method },
    { name: ':scheme', value: head.scheme },
    { name: ':authority', value: head.authority },
    { name: ':path', value: head.path },
  ];
  return [...pseudo.filter(({ value }) => value !== ''), ...fieldsOf(head.headers)];
}

/** `:status` first. */
export function responseSnapshot(head: ResponseHead): readonly FieldLine[] {
  return [{ name: ':status', value: String(head.status) }, ...fieldsOf(head.headers)];
}

/** First value of a field; null: it is not there. */
export function fieldValue(lines: readonly FieldLine[], name: string): string | null {
  return lines.find((line) => line.name === name)?.value ?? null;
}

/** What is different, in the order in which the fields first stand in either. */
export function fieldChanges(
  before: readonly FieldLine[],
  after: readonly FieldLine[],
): readonly FieldChange[] {
  const old = byName(before);
  const next = byName(after);
  const names = new Set([...old.keys(), ...next.keys()]);
  return [...names].flatMap((name) => {
    const change = changeOf(name, old.get(name) ?? [], next.get(name) ?? []);
    return change === null ? [] : [change];
  });
}

function changeOf(
  name: string,
  before: readonly string[],
  after: readonly string[],
): FieldChange | null {
  if (before.length === 0) return { name, kind: 'added', before, after };
  if (after.length === 0) return { name, kind: 'removed', before, after };
  const isSame = before.length === after.length && before.every((text, at) => text === after[at]);
  return isSame ? null : { name, kind: 'changed', before, after };
}

function byName(lines: readonly FieldLine[]): ReadonlyMap<string, readonly string[]> {
  const values = new Map<string, string[]>();
  for (const { name, value } of lines) {
    const known = values.get(name);
    if (known === undefined) values.set(name, [value]);
    else known.push(value);
  }
  return values;
}

function fieldsOf(headers: HeaderList): readonly FieldLine[] {
  const lines: FieldLine[] = [];
  for (let index = 0; index < headers.length; index += 1) {
    const name = headers.nameAt(index);
    if (name !== '') lines.push({ name, value: headers.valueAt(index) });
  }
  return lines;
}
