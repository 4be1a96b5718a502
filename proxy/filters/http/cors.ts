// Cross-origin resource sharing: answers preflights and tells browsers who may read a response.
import {
  type Cors,
  type CorsPolicy,
  CorsPolicySchema,
  CorsSchema,
} from '../../api/gen/envoy/extensions/filters/http/cors/v3/cors_pb.js';
import { type CorsPolicyConfig, compileCorsPolicy } from '../../config/compile/cors-policy.ts';
import type { PerRouteDefinition } from '../../model/extension.ts';
import type { HttpFilterDefinition } from '../http-filter.ts';
import { CorsFilter, type CorsRuntime } from './cors/cors-filter.ts';
import { joinCorsPolicies } from './cors/join-policies.ts';

/** Its policy is in the routes. */
const WITHOUT_POLICY = null;

const PER_ROUTE: PerRouteDefinition<CorsPolicy, CorsPolicyConfig> = {
  schema: CorsPolicySchema,
  support: {
    [CorsPolicySchema.typeName]: {
      allow_origin_string_match: 'honoured',
      allow_methods: 'honoured',
      allow_headers: 'honoured',
      expose_headers: 'honoured',
      max_age: 'honoured',
      allow_credentials: 'honoured',
      filter_enabled: 'honoured',
      shadow_enabled: 'honoured',
      allow_private_network_access: 'honoured',
      forward_not_matching_preflights: 'honoured',
    },
  },
  compile: compileCorsPolicy,
};

/** envoy.filters.http.cors */
export const corsDefinition: HttpFilterDefinition<Cors, { policy: CorsPolicyConfig | null }> = {
  name: 'envoy.filters.http.cors',
  schema: CorsSchema,
  isTerminal: false,
  support: { [CorsSchema.typeName]: {} },
  perRoute: PER_ROUTE as unknown as PerRouteDefinition,
  compile: () => Object.freeze({ policy: WITHOUT_POLICY }),
  onRoute: (_own, levels: readonly CorsPolicyConfig[]) => ({ policy: joinCorsPolicies(levels) }),
  factory: ({ policy }, { scope, random }) => {
    const stats = scope.scope('cors');
    const counters = {
      originValid: stats.counter('origin_valid'),
      originInvalid: stats.counter('origin_invalid'),
    };
    if (policy === null) return null;
    const runtime: CorsRuntime = { ...counters, policy, random };
    return { create: (callbacks) => new CorsFilter(runtime, callbacks) };
  },
};
