// Parts of a configuration in one line, as YAML writes them in flow style: `{ prefix: /api }`.

/** A value of ProtoJSON. */
export type Json = string | number | boolean | null | readonly Json[] | JsonFields;

/** A message of ProtoJSON, with proto field names. */
export interface JsonFields {
  readonly [name: string]: Json;
}

/** Text that YAML reads back as the same text without quotes. */
const PLAIN = /^[A-Za-z0-9_/.*@%$+()^][\w/.*@%$+()^=~;|<>?!-]*(?: [\w/.*@%$+()^=~;|<>?!-]+)*$/;
const LOOKS_OTHERWISE = /^(?:true|false|null|yes|no|on|off|~|[-+.\d][\d._eE+-]*)$/i;

/** One line; type URLs of extensions lose what all of them begin with. */
export function flowText(value: Json): string {
  if (typeof value === 'string') return scalarText(value);
  if (value === null || typeof value !== 'object') return String(value);
  if (isList(value)) {
    return value.length === 0 ? '[]' : `[${value.map(flowText).join(', ')}]`;
  }
  const members = Object.entries(value).map(([name, member]) => `${name}: ${flowText(member)}`);
  return members.length === 0 ? '{}' : `{ ${members.join(', ')} }`;
}

/** The members alone, for a message whose name stands in front: `prefix: /api, grpc: {}`. */
export function membersText(value: Json): string {
  if (value === null || typeof value !== 'object' || isList(value)) return flowText(value);
  return Object.entries(value)
    .map(([name, member]) => `${name}: ${flowText(member)}`)
    .join(', ');
}

/** True for a list. */
export function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

/** A message's field; undefined: it is not set, or this is no message. */
export function fieldOf(value: Json | undefined, name: string): Json | undefined {
  if (value === undefined || value === null || typeof value !== 'object' || isList(value)) {
    return undefined;
  }
  return value[name];
}

function scalarText(text: string): string {
  return PLAIN.test(text) && !LOOKS_OTHERWISE.test(text) ? text : JSON.stringify(text);
}
