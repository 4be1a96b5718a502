// Operators over what filters and resources say: metadata of every kind, filter state.
import { asByteString } from '../byte-text.ts';
import type { JsonValue } from '../format-options.ts';
import type { FormatContext } from '../formatter.ts';
import { inOctets } from '../octets-value.ts';
import type {
  Operator,
  OperatorArguments,
  OperatorDefinition,
  OperatorTable,
} from '../operator.ts';
import { isPrintableState, type PrintableState } from '../printable-state.ts';
import { TypedText } from '../typed-text.ts';

type MetadataReader = (context: FormatContext, namespace: string) => unknown;

const DYNAMIC: MetadataReader = ({ info }, namespace) => info.dynamicMetadata?.get(namespace);
const CLUSTER: MetadataReader = ({ info }, namespace) => own(info.clusterMetadata, namespace);
const UPSTREAM_HOST: MetadataReader = ({ info }, namespace) =>
  own(info.upstreamHost?.endpoint?.metadata, namespace);

/** What `METADATA(KIND:…)` reads. */
const KINDS: Readonly<Record<string, MetadataReader>> = {
  DYNAMIC,
  CLUSTER,
  UPSTREAM_HOST,
  ROUTE: ({ route }, namespace) => own(route?.config.metadata, namespace),
  VIRTUAL_HOST: ({ route }, namespace) => own(route?.virtualHost.metadata, namespace),
  LISTENER: ({ info }, namespace) => own(info.downstream.listener?.metadata, namespace),
  LISTENER_FILTER_CHAIN: ({ info }, namespace) =>
    own(info.downstream.filterChainMetadata, namespace),
};

/** Operators over metadata and filter state. */
export const METADATA_OPERATORS: OperatorTable = {
  DYNAMIC_METADATA: metadataOperator(DYNAMIC, true),
  CLUSTER_METADATA: metadataOperator(CLUSTER, false),
  UPSTREAM_METADATA: metadataOperator(UPSTREAM_HOST, false),
  METADATA: { syntax: 'optional', takesLength: true, make: makeMetadata },
  FILTER_STATE: { syntax: 'optional', takesLength: true, make: (args) => filterState(args, read) },
  // No upstream connection keeps any.
  UPSTREAM_FILTER_STATE: {
    syntax: 'optional',
    takesLength: true,
    make: (args) => filterState(args, () => undefined),
  },
};

function metadataOperator(read: MetadataReader, takesLength: boolean): OperatorDefinition {
  return { syntax: 'required', takesLength, make: ({ argument }) => metadata(read, argument) };
}

function makeMetadata({ argument }: OperatorArguments): Operator | { readonly error: string } {
  const colon = argument.indexOf(':');
  const kind = colon === -1 ? argument : argument.slice(0, colon);
  if (!Object.hasOwn(KINDS, kind)) return { error: `${kind} is not supported type of metadata` };
  return metadata(KINDS[kind] as MetadataReader, colon === -1 ? '' : argument.slice(colon + 1));
}

/** `namespace:key:key…`; the namespace alone stands for everything in it. */
function metadata(read: MetadataReader, argument: string): Operator {
  const [namespace = '', ...path] = argument.split(':');
  return (context) => {
    let value = read(context, namespace);
    for (const key of path) value = own(value, key);
    return read === DYNAMIC ? printable(value) : inOctets((value ?? null) as JsonValue);
  };
}

function own(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[key];
}

/** Texts of peers are octets; what cannot be one becomes some. */
function printable(value: unknown): JsonValue {
  if (value === undefined || value === null || isOpaque(value)) return null;
  return typeof value === 'string' ? asByteString(value) : (value as JsonValue);
}

/** An object of a filter that does not say how it is printed. */
function isOpaque(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype !== Object.prototype && prototype !== null;
}

/** As Envoy: what was left for a connection is there for each of its exchanges. */
function read({ info }: FormatContext, key: string): unknown {
  return info.filterState?.get(key) ?? info.downstream.filterState?.get(key);
}

/** `key`, `key:PLAIN`, `key:TYPED` or `key:FIELD:name`; what follows is not looked at. */
function filterState(
  { argument }: OperatorArguments,
  stateOf: (context: FormatContext, key: string) => unknown,
): Operator | { readonly error: string } {
  const [key = '', kind = 'TYPED', field] = argument.split(':');
  if (key === '') return { error: 'Invalid filter state configuration, key cannot be empty.' };
  if (!['PLAIN', 'TYPED', 'FIELD'].includes(kind)) {
    return { error: 'Invalid filter state serialize type, only support PLAIN/TYPED/FIELD.' };
  }
  if ((kind === 'FIELD') !== (field !== undefined)) {
    return {
      error: 'Invalid filter state serialize type, FIELD should be used with the field name.',
    };
  }
  return (context) => {
    const value = stateOf(context, key);
    const printed = isPrintableState(value)
      ? printState(value, kind, field)
      : printable(field === undefined ? value : own(value, field));
    return kind === 'TYPED' && typeof printed === 'string' ? new TypedText(printed) : printed;
  };
}

function printState(state: PrintableState, kind: string, field: string | undefined): JsonValue {
  if (field !== undefined) return state.field(field);
  return kind === 'PLAIN' ? state.asText() : state.asJson();
}
