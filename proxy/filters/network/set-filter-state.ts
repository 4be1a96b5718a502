// Leaves values about a new connection for the filters behind, and for access logs.
import {
  type FilterStateValue,
  FilterStateValueSchema,
} from '../../api/gen/envoy/extensions/filters/common/set_filter_state/v3/value_pb.js';
import {
  type Config,
  ConfigSchema,
} from '../../api/gen/envoy/extensions/filters/network/set_filter_state/v3/set_filter_state_pb.js';
import { compileEach } from '../../config/compile/compile-each.ts';
import { compileFormatString } from '../../config/compile/format-string.ts';
import type { FormatContext, Formatter } from '../../formatter/formatter.ts';
import { HashableText } from '../../formatter/hashable-text.ts';
import { StreamInfo } from '../../http/stream-info.ts';
import type { CompileContext } from '../../model/extension.ts';
import { DESTINATION_STATE } from '../../upstream/original-dst-hosts.ts';
import {
  ADMIT,
  type ConnectionGateDefinition,
  type GatedConnection,
  type WorkerServices,
} from '../network-filter.ts';
import { CLUSTER_STATE, IDLE_TIMEOUT_STATE } from './tcp-proxy/session-overrides.ts';

/** Makes plain text under any key. */
const TEXT_FACTORY = 'envoy.string';
/** The same, for hash policies. */
const HASHABLE_FACTORY = 'envoy.hashable_string';
/** Keys that something reads. */
const KNOWN_FACTORIES: readonly string[] = [
  TEXT_FACTORY,
  HASHABLE_FACTORY,
  CLUSTER_STATE,
  IDLE_TIMEOUT_STATE,
  DESTINATION_STATE,
];

/** One entry of on_new_connection. */
interface StateValue {
  readonly key: string;
  readonly value: Formatter;
  readonly isReadOnly: boolean;
  readonly skipsEmpty: boolean;
  readonly isHashable: boolean;
}

/** envoy.filters.network.set_filter_state */
export const setFilterStateDefinition: ConnectionGateDefinition<Config, readonly StateValue[]> = {
  name: 'envoy.filters.network.set_filter_state',
  schema: ConfigSchema,
  isTerminal: false,
  support: {
    [ConfigSchema.typeName]: { on_new_connection: 'honoured' },
    [FilterStateValueSchema.typeName]: {
      object_key: 'honoured',
      factory_key: { partly: KNOWN_FACTORIES.join(', ') },
      format_string: 'honoured',
      read_only: { partly: 'towards later values of the same filter' },
      shared_with_upstream: {
        accepted: 'connections to internal listeners begin with no filter state',
      },
      skip_if_empty: 'honoured',
    },
  },
  compile: (message, context) => {
    const field = { path: 'on_new_connection', items: message.onNewConnection };
    return Object.freeze(compileEach(field, context, compileValue));
  },
  gateFactory: (values, services) => {
    const gate = {
      onConnection: (gated: GatedConnection): typeof ADMIT => {
        setValues(values, gated, services);
        return ADMIT;
      },
    };
    return { createGate: () => gate };
  },
};

function compileValue(message: FilterStateValue, context: CompileContext): StateValue | null {
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
  const isHashable = factory === HASHABLE_FACTORY;
  return { key, value, isReadOnly: message.readOnly, skipsEmpty: message.skipIfEmpty, isHashable };
}

function setValues(
  values: readonly StateValue[],
  { info }: GatedConnection,
  { clock }: WorkerServices,
): void {
  const context: FormatContext = {
    info: new StreamInfo(info, clock.nowMs(), clock.wallMs()),
    ...{ request: null, response: null, responseTrailers: null },
    ...{ logType: 'NotSet', localReplyBody: '' },
    wallMs: clock.wallMs(),
  };
  context.info.protocol = null;
  const state = info.filterState ?? new Map<string, unknown>();
  info.filterState = state;
  const locked = new Set<string>();
  for (const { key, value, isReadOnly, skipsEmpty, isHashable } of values) {
    const text = value.format(context);
    if (locked.has(key) || (skipsEmpty && text === '')) continue;
    state.set(key, isHashable ? new HashableText(text) : text);
    if (isReadOnly) locked.add(key);
  }
}
