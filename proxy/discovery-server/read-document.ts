// What one document of a file says, as a plain value: the resources in it, and what is wrong with it.
import type { Message } from '@bufbuild/protobuf';
import { type Any, AnySchema, durationMs } from '@bufbuild/protobuf/wkt';
import type { Resource } from '../api/gen/envoy/service/discovery/v3/discovery_pb.js';
import { apiRegistry } from '../api/registry.ts';
import type { Warning } from '../base/result.ts';
import { joinPath } from '../config/schema/compile-context.ts';
import { decodeMessage } from '../config/schema/decode-message.ts';
import { openAny } from '../config/schema/open-any.ts';
import { ProblemWalk } from '../config/schema/problems.ts';
import { resourceType, TYPE_URLS } from '../xds/resource-types.ts';
import type { CheckContent, Fault, Faults } from './check-content.ts';
import { referencesOf } from './references.ts';
import { contentVersion, type ServedResource } from './snapshot.ts';

type Json = Readonly<Record<string, unknown>>;

/** A resource and where in the document it stands. */
interface FoundResource {
  readonly resource: ServedResource;
  readonly path: string;
}

const DISCOVERY = 'type.googleapis.com/envoy.service.discovery.v3';
/** Fields of a DiscoveryResponse. Of its version and nonce the server takes care itself. */
const RESPONSE_FIELDS = new Set([
  ...['@type', 'resources', 'version_info', 'versionInfo', 'type_url', 'typeUrl'],
  ...['nonce', 'canary', 'control_plane', 'controlPlane'],
]);
/** Heartbeats come after a third of it, and listeners wait 2 s for clusters that are not answered. */
const MIN_TTL_MS = 5000;
const FEDERATED = 'xdstp:';
const SERVED_TYPES = new Set<string>(Object.values(TYPE_URLS));
const KINDS = Object.values(TYPE_URLS)
  .map((typeUrl) => typeUrl.slice(typeUrl.lastIndexOf('.') + 1))
  .join(', ');

/** Reads one document; ask it afterwards. */
export class DocumentReader {
  readonly resources: FoundResource[] = [];
  readonly rejections: Fault[] = [];
  readonly warnings: Warning[] = [];
  readonly #check: CheckContent;

  constructor(check: CheckContent) {
    this.#check = check;
  }

  /** A document, or an item of a list. `type` is said for those that do not say their own; '' : none. */
  read(value: unknown, path: string, type = ''): void {
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) this.read(item, `${path}[${index}]`, type);
      return;
    }
    if (typeof value !== 'object' || value === null) {
      this.#reject(path, "expected a resource with its '@type', or a list of them");
      return;
    }
    const json = value as Json;
    const own = json['@type'];
    const isResponse =
      own === undefined ? 'resources' in json : own === `${DISCOVERY}.DiscoveryResponse`;
    if (isResponse) this.#readResponse(json, path);
    else
      this.#readResource(
        own === undefined && type !== '' ? { '@type': type, ...json } : json,
        path,
      );
  }

  #readResponse(json: Json, path: string): void {
    for (const key of Object.keys(json)) {
      if (RESPONSE_FIELDS.has(key)) continue;
      this.#reject(joinPath(path, key), 'a DiscoveryResponse has no such field', true);
    }
    const type = json['type_url'] ?? json['typeUrl'] ?? '';
    const { resources } = json;
    const list = Array.isArray(resources) ? resources : [resources];
    if (resources === undefined || resources === null) return;
    this.read(list, joinPath(path, 'resources'), typeof type === 'string' ? type : '');
  }

  #readResource(json: Json, path: string): void {
    const hint = 'static_resources' in json || 'dynamic_resources' in json;
    if (hint && json['@type'] === undefined) {
      this.#reject(
        path,
        "this is a bootstrap: a server serves the resources in it, each with its '@type'",
      );
      return;
    }
    const walk = new ProblemWalk(path);
    const any = decodeMessage(AnySchema, json, walk) as Any;
    if (any.typeUrl === `${DISCOVERY}.Resource`) this.#readWrapper(any, path, walk);
    else this.#add(any, { path, name: '', ttlMs: null, walk });
  }

  /** A resource with a name of its own, as incremental responses hold it. */
  #readWrapper(any: Any, path: string, walk: ProblemWalk): void {
    const wrapper = openAny(any, apiRegistry)?.message as Resource | undefined;
    if (wrapper?.resource === undefined) {
      this.#faults(walk);
      this.#reject(path, 'a Resource without a resource says nothing');
      return;
    }
    const ttlMs = wrapper.ttl === undefined ? null : durationMs(wrapper.ttl);
    if (ttlMs !== null && ttlMs < MIN_TTL_MS) {
      this.#reject(joinPath(path, 'ttl'), 'is too short to be renewed in time: at least 5s');
    }
    const unserved: readonly (readonly [string, boolean])[] = [
      ['aliases', wrapper.aliases.length > 0],
      ['cache_control', wrapper.cacheControl !== undefined],
      ['resource_name', wrapper.resourceName !== undefined],
    ];
    for (const [field, isGiven] of unserved) {
      if (isGiven) this.#reject(joinPath(path, field), 'is not served: leave it out', true);
    }
    const { name, resource } = wrapper;
    this.#add(resource, { path: joinPath(path, 'resource'), name, ttlMs, walk });
  }

  #add(
    content: Any,
    about: {
      readonly path: string;
      readonly name: string;
      readonly ttlMs: number | null;
      readonly walk: ProblemWalk;
    },
  ): void {
    const { path, ttlMs, walk } = about;
    const opened = openAny(content, apiRegistry);
    if (opened === null) {
      if (walk.rejections.length === 0) this.#reject(path, "expected '@type' and its fields");
      this.#faults(walk);
      return;
    }
    if (!SERVED_TYPES.has(content.typeUrl)) {
      this.#reject(
        joinPath(path, '@type'),
        `${opened.schema.typeName} is no resource that clients ask for; those are ${KINDS}`,
      );
      return;
    }
    const found = this.#check(opened, walk, path);
    this.#faults(found);
    const name = about.name || ownName(opened.message);
    if (name === '' && found.rejections.length === 0) {
      const kind = resourceType(content.typeUrl).shortName;
      this.#reject(path, `a resource of ${kind} needs a name: clients know it by that`);
    }
    if (name.startsWith(FEDERATED)) {
      this.#reject(path, 'names of the form xdstp:// are not served: give it a plain one');
    }
    if (found.rejections.length > 0 || name === '' || name.startsWith(FEDERATED)) return;
    const { typeUrl } = content;
    const version = contentVersion(content, ttlMs);
    const references = referencesOf(opened.message);
    this.resources.push({ path, resource: { typeUrl, name, version, content, ttlMs, references } });
  }

  #faults({ rejections, warnings }: Faults): void {
    for (const { path, reason, onKey } of rejections) this.#reject(path, reason, onKey);
    this.warnings.push(...warnings);
  }

  #reject(path: string, reason: string, onKey = false): void {
    this.rejections.push({ path, reason, onKey });
  }
}

/** Its first field, whatever that is called. */
function ownName(message: Message): string {
  const schema = apiRegistry.getMessage(message.$typeName);
  const field = schema?.fields.find(({ number }) => number === 1);
  const value = field === undefined ? '' : (message as unknown as Json)[field.localName];
  return typeof value === 'string' ? value : '';
}
