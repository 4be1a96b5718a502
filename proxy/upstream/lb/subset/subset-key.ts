// Which subsets hosts belong to and requests ask for, as texts that are equal when the metadata is.

/** Metadata by key; values are JSON. */
export type MetadataFields = Readonly<Record<string, unknown>>;

/** The key of the subset that has these values for a selector's keys; null: one is missing. */
export function wantedSubset(keys: readonly string[], fields: MetadataFields): string | null {
  const parts: string[] = [];
  for (const key of keys) {
    if (!Object.hasOwn(fields, key)) return null;
    parts.push(partOf(key, fields[key]));
  }
  return parts.join('\n');
}

/** Keys of all subsets that a host with these values is in: one, or more where lists count as any. */
export function subsetsOfHost(
  keys: readonly string[],
  fields: MetadataFields,
  listAsAny: boolean,
): readonly string[] {
  let found = [''];
  for (const [index, key] of keys.entries()) {
    if (!Object.hasOwn(fields, key)) return [];
    const values = valuesOf(fields[key], listAsAny);
    const between = index === 0 ? '' : '\n';
    found = found.flatMap((start) => values.map((value) => start + between + partOf(key, value)));
  }
  return [...new Set(found)];
}

/** The host has every one of these values. */
export function hasFields(
  host: MetadataFields | null,
  wanted: MetadataFields,
  listAsAny: boolean,
): boolean {
  return Object.entries(wanted).every(([key, value]) => {
    if (host === null || !Object.hasOwn(host, key)) return false;
    const text = canonical(value);
    return valuesOf(host[key], listAsAny).some((each) => canonical(each) === text);
  });
}

function valuesOf(value: unknown, listAsAny: boolean): readonly unknown[] {
  return listAsAny && Array.isArray(value) ? value : [value];
}

function partOf(key: string, value: unknown): string {
  return `${JSON.stringify(key)}:${canonical(value)}`;
}

/** JSON whose objects have their keys in order. */
function canonical(value: unknown): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  const entries = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return `{${entries.map(([key, each]) => partOf(key, each)).join()}}`;
}
