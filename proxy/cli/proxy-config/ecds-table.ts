// `proxy-config ecds`: configurations of filters that servers tell by name.
import { type Dump, type DumpedResource, type Result, sectionOf } from './dump.ts';
import { type JsonRecord, record, records, text } from './json-fields.ts';
import { compareNames, type TextTable } from './text-table.ts';

const PREFIX = 'type.googleapis.com/';

/** By type, then by name. A dump without them has none. */
export function selectExtensions(dump: Dump): Result<readonly DumpedResource[]> {
  const isAbsent = dump.sections.size > 0 && !dump.sections.has('EcdsConfigDump');
  const section = isAbsent ? null : sectionOf(dump, 'EcdsConfigDump');
  if (section !== null && !section.ok) return section;
  const found = section === null ? [] : records(section.value, 'ecds_filters');
  const value = found
    .map((element) => record(element, 'ecds_filter'))
    .filter((message) => Object.keys(message).length > 0)
    .map(({ '@type': _type, ...json }) => ({ name: text(json, 'name'), json }))
    .sort(
      (left, right) =>
        compareNames(typeOf(left.json), typeOf(right.json)) || compareNames(left.name, right.name),
    );
  return { ok: true, value };
}

/** A line for each. */
export function extensionTable(extensions: readonly DumpedResource[]): TextTable {
  const rows = extensions.map(({ name, json }) => [name, typeOf(json)]);
  return { titles: ['ECDS NAME', 'TYPE'], rows };
}

function typeOf(extension: JsonRecord): string {
  const url = text(record(extension, 'typed_config'), '@type');
  return url.startsWith(PREFIX) ? url.slice(PREFIX.length) : url;
}
