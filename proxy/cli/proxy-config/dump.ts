// What `proxy-config` reads: an answer of /config_dump, or of /clusters?format=json. A text that is
// neither is told apart, so that the user learns what they have saved instead.
import {
  isRecord,
  type JsonRecord,
  member,
  record,
  records,
  text,
  typeName,
} from './json-fields.ts';

/** What was read, or why not. */
export type Result<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: string };

/** A dump of a proxy. */
export interface Dump {
  /** Members of ConfigDump.configs by type name, such as `ListenersConfigDump`. */
  readonly sections: ReadonlyMap<string, JsonRecord>;
  /** ClusterStatus messages; null unless it is an answer of /clusters. */
  readonly clusterStatuses: readonly JsonRecord[] | null;
}

/** A resource of a dump, as it serves. */
export interface DumpedResource {
  readonly name: string;
  /** ProtoJSON without the type. */
  readonly json: JsonRecord;
}

/** A member that only one kind of document has, and what that is called. */
const OTHER_DOCUMENTS: readonly (readonly [string, string])[] = [
  ['static_resources', 'a bootstrap, not what a running proxy says: try `outrigger validate`'],
  ['dynamic_resources', 'a bootstrap, not what a running proxy says: try `outrigger validate`'],
  ['listener_statuses', 'an answer of /listeners'],
  ['certificates', 'an answer of /certs'],
  ['stats', 'an answer of /stats'],
  ['command_line_options', 'an answer of /server_info'],
  ['type_url', 'a DiscoveryResponse'],
];
const HOW_TO_SAVE = 'save ADMIN/config_dump';

/** Reads a saved answer; the error continues «FILE: ». */
export function parseDump(content: string): Result<Dump> {
  const trimmed = content.replace(/^\uFEFF/, '').trim();
  if (trimmed === '') return failed(`it is empty; ${HOW_TO_SAVE}`);
  if (trimmed.startsWith('<')) return failed(`it is a web page, not JSON; ${HOW_TO_SAVE}`);
  let json: unknown;
  try {
    json = JSON.parse(trimmed);
  } catch (error) {
    return failed(`it is not JSON (${(error as Error).message}); ${HOW_TO_SAVE}`);
  }
  return readDump(json);
}

/** The same of JSON that was read before. */
export function readDump(json: unknown): Result<Dump> {
  if (Array.isArray(json)) {
    return failed(`it is a list, perhaps of single resources, not a whole dump; ${HOW_TO_SAVE}`);
  }
  if (!isRecord(json)) return failed(`it is no JSON object; ${HOW_TO_SAVE}`);
  const statuses = member(json, 'cluster_statuses');
  if (Array.isArray(statuses)) {
    const clusterStatuses = records(json, 'cluster_statuses');
    return { ok: true, value: { sections: new Map(), clusterStatuses } };
  }
  if (Array.isArray(json['configs'])) return readSections(records(json, 'configs'));
  // An empty message has no members in ProtoJSON.
  if (Object.keys(json).length === 0) return readSections([]);
  const other = OTHER_DOCUMENTS.find(([name]) => member(json, name) !== undefined);
  const what = other === undefined ? "JSON without 'configs', not a config dump" : other[1];
  return failed(`it is ${what}; ${HOW_TO_SAVE}`);
}

/** A section; an error that says what is there instead when it is missing. */
export function sectionOf(dump: Dump, type: string): Result<JsonRecord> {
  const section = dump.sections.get(type);
  if (section !== undefined) return { ok: true, value: section };
  if (dump.clusterStatuses !== null) {
    return failed(`it is an answer of /clusters, which has endpoints only; ${HOW_TO_SAVE}`);
  }
  const there = [...dump.sections.keys()].join(', ') || 'nothing';
  return failed(`the dump holds no ${type}, only ${there}; ${HOW_TO_SAVE} whole`);
}

/** Names of a section's lists, of what comes from the bootstrap and what came by xDS. */
export interface ListNames {
  readonly fixed: string;
  readonly dynamic: string;
  /** Member that holds the resource, in both. */
  readonly resource: string;
  /** Member between the dynamic element and the resource; '' for none. */
  readonly state: string;
}

/** Resources that serve: dynamic ones first, as istioctl reads them. */
export function servingResources(section: JsonRecord, names: ListNames): readonly DumpedResource[] {
  const dynamic = records(section, names.dynamic).map((element) =>
    record(element, ...(names.state === '' ? [] : [names.state]), names.resource),
  );
  const fixed = records(section, names.fixed).map((element) => record(element, names.resource));
  return [...dynamic, ...fixed]
    .filter((message) => Object.keys(message).length > 0)
    .map((message) => {
      const { '@type': _type, ...json } = message;
      return { name: text(json, 'name'), json };
    });
}

function readSections(configs: readonly JsonRecord[]): Result<Dump> {
  const sections = new Map<string, JsonRecord>();
  for (const config of configs) {
    const type = typeName(config);
    if (type !== '' && !sections.has(type)) sections.set(type, config);
  }
  return { ok: true, value: { sections, clusterStatuses: null } };
}

function failed(error: string): { readonly ok: false; readonly error: string } {
  return { ok: false, error };
}
