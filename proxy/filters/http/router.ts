// The router's definition: the terminal HTTP filter that sends requests upstream.
import {
  type Router,
  RouterSchema,
} from '../../api/gen/envoy/extensions/filters/http/router/v3/router_pb.js';
import type { HttpFilterDefinition, TerminalFilterCallbacks } from '../http-filter.ts';
import type { RouterConfig } from './router/router-config.ts';
import { RouterRuntime } from './router/router-runtime.ts';
import { RouterStream } from './router/router-stream.ts';

/** envoy.filters.http.router */
export const routerDefinition: HttpFilterDefinition<Router, RouterConfig> = {
  name: 'envoy.filters.http.router',
  schema: RouterSchema,
  isTerminal: true,
  support: {
    [RouterSchema.typeName]: {
      dynamic_stats: 'honoured',
      suppress_envoy_headers: 'honoured',
      respect_expected_rq_timeout: 'honoured',
      start_child_span: { accepted: 'there is no tracing yet, so no span to start' },
    },
  },
  compile: (message) =>
    Object.freeze({
      suppressEnvoyHeaders: message.suppressEnvoyHeaders,
      respectExpectedRequestTimeout: message.respectExpectedRqTimeout,
      dynamicStats: message.dynamicStats ?? true,
    }),
  factory: (config, services) => {
    const runtime = new RouterRuntime(config, services);
    return {
      create: (callbacks) => new RouterStream(runtime, callbacks as TerminalFilterCallbacks),
    };
  },
};
