// Writes configured values into the dynamic metadata of requests.
import type { JsonObject } from '@bufbuild/protobuf';
import {
  type Config,
  ConfigSchema,
  type Metadata,
  MetadataSchema,
} from '../../api/gen/envoy/extensions/filters/http/set_metadata/v3/set_metadata_pb.js';
import { compileEach } from '../../config/compile/compile-each.ts';
import { deepFreeze } from '../../config/compile/freeze.ts';
import type { JsonValue } from '../../formatter/format-options.ts';
import { membersInOctets } from '../../formatter/octets-value.ts';
import type { CompileContext, SupportTable } from '../../model/extension.ts';
import type { Counter } from '../../stats/metrics.ts';
import {
  CONTINUE,
  type FilterStatus,
  type HttpFilter,
  type HttpFilterCallbacks,
  type HttpFilterDefinition,
} from '../http-filter.ts';
import { updateStruct } from './set-metadata/update-struct.ts';

/** What is written into one namespace. */
interface MetadataEntry {
  readonly namespace: string;
  readonly value: Readonly<Record<string, JsonValue>>;
  readonly mayOverwrite: boolean;
}

/** extensions.filters.http.set_metadata.v3.Config: of the chain, and of the route if it has one. */
interface SetMetadataConfig {
  readonly own: readonly MetadataEntry[];
  /** null: none. They count outside of the connection manager, as in Envoy. */
  readonly ofRoute: readonly MetadataEntry[] | null;
}

const SUPPORT: Readonly<Record<string, SupportTable>> = {
  [ConfigSchema.typeName]: {
    metadata_namespace: 'honoured',
    value: 'honoured',
    metadata: 'honoured',
  },
  [MetadataSchema.typeName]: {
    metadata_namespace: 'honoured',
    allow_overwrite: 'honoured',
    value: 'honoured',
    typed_value: { refused: 'nothing reads typed metadata; use value' },
  },
};

/** envoy.filters.http.set_metadata */
export const setMetadataDefinition: HttpFilterDefinition<Config, SetMetadataConfig> = {
  name: 'envoy.filters.http.set_metadata',
  schema: ConfigSchema,
  isTerminal: false,
  support: SUPPORT,
  perRoute: { schema: ConfigSchema, support: SUPPORT, compile: compileEntries as never },
  compile: (message, context) =>
    Object.freeze({ own: compileEntries(message, context), ofRoute: null }),
  onRoute: ({ own }, [first]: readonly (readonly MetadataEntry[])[]) => ({
    own,
    ofRoute: first ?? null,
  }),
  factory: ({ own, ofRoute }, { scope, root }) => {
    const name = 'set_metadata.overwrite_denied';
    const batches: Batch[] = [{ entries: own, denied: scope.counter(name) }];
    if (ofRoute !== null) batches.push({ entries: ofRoute, denied: root.counter(name) });
    const used = batches.filter(({ entries }) => entries.length > 0);
    if (used.length === 0) return null;
    return { create: (callbacks) => new SetMetadataFilter(used, callbacks) };
  },
};

/** Entries with what counts those that may not be written. */
interface Batch {
  readonly entries: readonly MetadataEntry[];
  readonly denied: Counter;
}

function compileEntries(message: Config, context: CompileContext): readonly MetadataEntry[] {
  const deprecated =
    message.value === undefined ? [] : [entry(message.metadataNamespace, message.value, true)];
  const field = { path: 'metadata', items: message.metadata };
  return deepFreeze([...deprecated, ...compileEach(field, context, compileEntry)]);
}

/** Without a value there is nothing to write. */
function compileEntry({
  metadataNamespace,
  value,
  allowOverwrite,
}: Metadata): MetadataEntry | null {
  if (value === undefined) return null;
  return entry(metadataNamespace, value, allowOverwrite);
}

function entry(namespace: string, value: JsonObject, mayOverwrite: boolean): MetadataEntry {
  return { namespace, value: membersInOctets(value), mayOverwrite };
}

/** One per stream. */
class SetMetadataFilter implements HttpFilter {
  readonly #batches: readonly Batch[];
  readonly #callbacks: HttpFilterCallbacks;

  constructor(batches: readonly Batch[], callbacks: HttpFilterCallbacks) {
    this.#batches = batches;
    this.#callbacks = callbacks;
  }

  onRequestHead(): FilterStatus {
    const { info } = this.#callbacks;
    const metadata = info.dynamicMetadata ?? new Map<string, Record<string, unknown>>();
    info.dynamicMetadata = metadata;
    for (const batch of this.#batches) write(batch, metadata);
    return CONTINUE;
  }
}

function write(
  { entries, denied }: Batch,
  metadata: Map<string, Readonly<Record<string, unknown>>>,
): void {
  for (const { namespace, value, mayOverwrite } of entries) {
    const current = metadata.get(namespace);
    if (current === undefined) metadata.set(namespace, value);
    else if (mayOverwrite) metadata.set(namespace, updateStruct(current, value));
    else denied.inc();
  }
}
