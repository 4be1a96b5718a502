// Leaves values about a request for the filters behind, for routes and for access logs.
import {
  type Config,
  ConfigSchema,
} from '../../api/gen/envoy/extensions/filters/http/set_filter_state/v3/set_filter_state_pb.js';
import { compileEach } from '../../config/compile/compile-each.ts';
import type { CompileContext, SupportTable } from '../../model/extension.ts';
import {
  compileStateValue,
  STATE_VALUE_SUPPORT,
  type StateValue,
  setStateValues,
} from '../filter-state-values.ts';
import {
  CONTINUE,
  type FilterStatus,
  type HttpFilter,
  type HttpFilterCallbacks,
  type HttpFilterDefinition,
} from '../http-filter.ts';

/** extensions.filters.http.set_filter_state.v3.Config */
interface SetFilterStateConfig {
  readonly values: readonly StateValue[];
  readonly clearsRouteCache: boolean;
}

const SUPPORT: Readonly<Record<string, SupportTable>> = {
  ...STATE_VALUE_SUPPORT,
  [ConfigSchema.typeName]: { on_request_headers: 'honoured', clear_route_cache: 'honoured' },
};

/** envoy.filters.http.set_filter_state */
export const setRequestStateDefinition: HttpFilterDefinition<Config, SetFilterStateConfig> = {
  name: 'envoy.filters.http.set_filter_state',
  schema: ConfigSchema,
  isTerminal: false,
  support: SUPPORT,
  perRoute: { schema: ConfigSchema, support: SUPPORT, compile: compileConfig as never },
  compile: compileConfig,
  // The chain's own values, then those of each level, the most specific last.
  onRoute: (own, levels: readonly SetFilterStateConfig[]) => ({
    values: [own, ...levels.toReversed()].flatMap(({ values }) => values),
    clearsRouteCache: own.clearsRouteCache,
  }),
  factory: (config) => {
    if (config.values.length === 0 && !config.clearsRouteCache) return null;
    return { create: (callbacks) => new SetFilterStateFilter(config, callbacks) };
  },
};

function compileConfig(message: Config, context: CompileContext): SetFilterStateConfig {
  const field = { path: 'on_request_headers', items: message.onRequestHeaders };
  const values = compileEach(field, context, compileStateValue);
  return Object.freeze({ values, clearsRouteCache: message.clearRouteCache });
}

/** One per stream. */
class SetFilterStateFilter implements HttpFilter {
  readonly #config: SetFilterStateConfig;
  readonly #callbacks: HttpFilterCallbacks;

  constructor(config: SetFilterStateConfig, callbacks: HttpFilterCallbacks) {
    this.#config = config;
    this.#callbacks = callbacks;
  }

  onRequestHead(): FilterStatus {
    setStateValues(this.#config.values, this.#callbacks.info, this.#callbacks);
    if (this.#config.clearsRouteCache) this.#callbacks.rematchRoute();
    return CONTINUE;
  }
}
