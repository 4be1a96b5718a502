// Values for the filter state, as set_filter_state makes them for connections and for requests.
import {
  type FilterStateValue,
  FilterStateValueSchema,
} from '../api/gen/envoy/extensions/filters/common/set_filter_state/v3/value_pb.js';
import { compileFormatString } from '../config/compile/format-string.ts';
import type { FormatContext, Formatter } from '../formatter/formatter.ts';
import { HashableText } from '../formatter/hashable-text.ts';
import type { CompileContext, SupportTable } from '../model/extension.ts';
import { DYNAMIC_HOST_STATE, DYNAMIC_PORT_STATE } from '../upstream/forward-hosts.ts';
import { DESTINATION_STATE } from '../upstream/original-dst-hosts.ts';
import { ALPN_STATE, ApplicationProtocols } from '../upstream/transport/application-protocols.ts';
import { CLUSTER_STATE, IDLE_TIMEOUT_STATE } from './network/tcp-proxy/session-overrides.ts';

/** Makes plain text under any key. */
const TEXT_FACTORY = 'envoy.string';
/** The same, for hash policies. */
const HASHABLE_FACTORY = 'envoy.hashable_string';
/** Its name in Istio's build of Envoy. */
const ISTIO_HASHABLE_FACTORY = 'istio.hashable_string';
/** Keys that something reads. */
const KNOWN_FACTORIES: readonly string[] = [
  TEXT_FACTORY,
  HASHABLE_FACTORY,
  ISTIO_HASHABLE_FACTORY,
  CLUSTER_STATE,
  IDLE_TIMEOUT_STATE,
  DESTINATION_STATE,
  DYNAMIC_HOST_STATE,
  DYNAMIC_PORT_STATE,
  ALPN_STATE,
];

/** Those that make something else than a text. */
const FACTORIES: ReadonlyMap<string, (text: string) => object> = new Map<
  string,
  (text: string) => object
>([
  [HASHABLE_FACTORY, (text) => new HashableText(text)],
  [ISTIO_HASHABLE_FACTORY, (text) => new HashableText(text)],
  [ALPN_STATE, (text) => new ApplicationProtocols(text.split(','))],
]);

/** Which fields of FilterStateValue are honoured. */
export const STATE_VALUE_SUPPORT: Readonly<Record<string, SupportTable>> = {
  [FilterStateValueSchema.typeName]: {
    object_key: 'honoured',
    factory_key: { partly: KNOWN_FACTORIES.join(', ') },
    format_string: 'honoured',
    read_only: { accepted: 'as in Envoy, any value may be replaced by a later one' },
    shared_with_upstream: {
      accepted: 'connections to internal listeners begin with no filter state',
    },
    skip_if_empty: 'honoured',
  },
};

/** extensions.filters.common.set_filter_state.v3.FilterStateValue */
export interface StateValue {
  readonly key: string;
  readonly value: Formatter;
  readonly skipsEmpty: boolean;
  /** Which object the text becomes; null: it stays a text. */
  readonly make: ((text: string) => object) | null;
}

/** A compiled value; null and a rejection when nothing could read it. */
export function compileStateValue(
  message: FilterStateValue,
  context: CompileContext,
): StateValue | null {
  const key = message.key.case === 'objectKey' ? message.key.value : '';
  const factory = message.factoryKey === '' ? key : message.factoryKey;
  if (!KNOWN_FACTORIES.includes(factory)) {
    const path = message.factoryKey === '' ? 'object_key' : 'factory_key';
    const supported = KNOWN_FACTORIES.join(', ');
    context.reject(
      path,
      `'${factory}' does not have an object factory: supported are ${supported}`,
    );
    return null;
  }
  if (message.value.case !== 'formatString') {
    context.reject('format_string', 'is required');
    return null;
  }
  const value = compileFormatString(message.value.value, context.at('format_string'));
  if (value === null) return null;
  return { key, value, skipsEmpty: message.skipIfEmpty, make: FACTORIES.get(factory) ?? null };
}

/** Writes the values in order into `holder`; formats read `context`. */
export function setStateValues(
  values: readonly StateValue[],
  holder: { filterState: Map<string, unknown> | null },
  context: FormatContext,
): void {
  if (values.length === 0) return;
  const state = holder.filterState ?? new Map<string, unknown>();
  holder.filterState = state;
  for (const { key, value, skipsEmpty, make } of values) {
    const text = value.format(context);
    if (skipsEmpty && text === '') continue;
    state.set(key, make === null ? text : make(text));
  }
}
