// Operators over what filters and endpoints say: dynamic and upstream metadata, filter state.
import { asByteString } from '../byte-text.ts';
import type { JsonValue } from '../format-options.ts';
import type { FormatContext } from '../formatter.ts';
import type { Operator, OperatorArguments, OperatorTable } from '../operator.ts';
import { isPrintableState, type PrintableState } from '../printable-state.ts';

type MetadataReader = (context: FormatContext, namespace: string) => unknown;

const DYNAMIC: MetadataReader = ({ info }, namespace) => info.dynamicMetadata?.get(namespace);
const UPSTREAM: MetadataReader = ({ info }, namespace) =>
  own(info.upstreamHost?.endpoint?.metadata, namespace);

/** Kinds of %METADATA()% that Envoy knows and that nothing here keeps. */
const UNSUPPORTED_KINDS = ['CLUSTER', 'ROUTE', 'LISTENER', 'VIRTUAL_HOST', 'LISTENER_FILTER_CHAIN'];

/** Operators over metadata and filter state. */
export const METADATA_OPERATORS: OperatorTable = {
  DYNAMIC_METADATA: {
    syntax: 'required',
    takesLength: true,
    make: ({ argument }) => metadata(DYNAMIC, argument),
  },
  UPSTREAM_METADATA: {
    syntax: 'required',
    takesLength: false,
    make: ({ argument }) => metadata(UPSTREAM, argument),
  },
  METADATA: { syntax: 'optional', takesLength: true, make: makeMetadata },
  FILTER_STATE: { syntax: 'optional', takesLength: true, make: makeFilterState },
};

function makeMetadata({ argument }: OperatorArguments): Operator | { readonly error: string } {
  const colon = argument.indexOf(':');
  const kind = colon === -1 ? argument : argument.slice(0, colon);
  const rest = colon === -1 ? '' : argument.slice(colon + 1);
  if (kind === 'DYNAMIC') return metadata(DYNAMIC, rest);
  if (kind === 'UPSTREAM_HOST') return metadata(UPSTREAM, rest);
  if (UNSUPPORTED_KINDS.includes(kind)) return { error: `METADATA(${kind}) is not supported` };
  return { error: `${kind} is not supported type of metadata` };
}

/** `namespace:key:key…`; the namespace alone stands for everything in it. */
function metadata(read: MetadataReader, argument: string): Operator {
  const [namespace = '', ...path] = argument.split(':');
  return (context) => {
    let value = read(context, namespace);
    for (const key of path) value = own(value, key);
    return printable(value);
  };
}

function own(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[key];
}

/** Texts may hold any character in metadata; here they become octets. */
function printable(value: unknown): JsonValue {
  if (value === undefined || value === null) return null;
  return typeof value === 'string' ? asByteString(value) : (value as JsonValue);
}

/** `key`, `key:PLAIN`, `key:TYPED` or `key:FIELD:name`. */
function makeFilterState({ argument }: OperatorArguments): Operator | { readonly error: string } {
  const [key = '', kind = 'TYPED', field, ...more] = argument.split(':');
  if (key === '') return { error: 'Invalid filter state configuration, key cannot be empty.' };
  if (!['PLAIN', 'TYPED', 'FIELD'].includes(kind)) {
    return { error: 'Invalid filter state serialize type, only support PLAIN/TYPED/FIELD.' };
  }
  if ((kind === 'FIELD') !== (field !== undefined) || more.length > 0) {
    return {
      error: 'Invalid filter state serialize type, FIELD should be used with the field name.',
    };
  }
  return ({ info }) => {
    // As Envoy: what was left for a connection is there for each of its exchanges.
    const value = info.filterState?.get(key) ?? info.downstream.filterState?.get(key);
    if (isPrintableState(value)) return printState(value, kind, field);
    return printable(field === undefined ? value : own(value, field));
  };
}

function printState(state: PrintableState, kind: string, field: string | undefined): JsonValue {
  if (field !== undefined) return state.field(field);
  return kind === 'PLAIN' ? state.asText() : state.asJson();
}
