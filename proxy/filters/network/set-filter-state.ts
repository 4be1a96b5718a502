// Leaves values about a new connection for the filters behind, and for access logs.
import {
  type Config,
  ConfigSchema,
} from '../../api/gen/envoy/extensions/filters/network/set_filter_state/v3/set_filter_state_pb.js';
import { compileEach } from '../../config/compile/compile-each.ts';
import type { FormatContext } from '../../formatter/formatter.ts';
import { StreamInfo } from '../../http/stream-info.ts';
import {
  compileStateValue,
  STATE_VALUE_SUPPORT,
  type StateValue,
  setStateValues,
} from '../filter-state-values.ts';
import {
  ADMIT,
  type ConnectionGateDefinition,
  type GatedConnection,
  type WorkerServices,
} from '../network-filter.ts';

/** envoy.filters.network.set_filter_state */
export const setFilterStateDefinition: ConnectionGateDefinition<Config, readonly StateValue[]> = {
  name: 'envoy.filters.network.set_filter_state',
  schema: ConfigSchema,
  isTerminal: false,
  support: {
    ...STATE_VALUE_SUPPORT,
    [ConfigSchema.typeName]: { on_new_connection: 'honoured' },
  },
  compile: (message, context) => {
    const field = { path: 'on_new_connection', items: message.onNewConnection };
    return Object.freeze(compileEach(field, context, compileStateValue));
  },
  gateFactory: (values, services) => {
    const gate = {
      onConnection: ({ info }: GatedConnection): typeof ADMIT => {
        setStateValues(values, info, contextOf(info, services));
        return ADMIT;
      },
    };
    return { createGate: () => gate };
  },
};

/** A connection without messages, as formats read it. */
function contextOf(info: GatedConnection['info'], { clock }: WorkerServices): FormatContext {
  const context: FormatContext = {
    info: new StreamInfo(info, clock.nowMs(), clock.wallMs()),
    ...{ request: null, response: null, responseTrailers: null },
    ...{ logType: 'NotSet', localReplyBody: '' },
    wallMs: clock.wallMs(),
  };
  context.info.protocol = null;
  return context;
}
