// Makes dynamic metadata of fields and cookies.
import {
  type Config,
  Config_KeyValuePairSchema,
  Config_RuleSchema,
  ConfigSchema,
} from '../../api/gen/envoy/extensions/filters/http/header_to_metadata/v3/header_to_metadata_pb.js';
import { compileEach } from '../../config/compile/compile-each.ts';
import type { CompileContext, SupportTable } from '../../model/extension.ts';
import type { HttpFilterDefinition } from '../http-filter.ts';
import { compileRule, type MetadataRule } from './header-to-metadata/compile-rule.ts';
import { HeaderToMetadataFilter } from './header-to-metadata/header-to-metadata-filter.ts';
import { RuleStats } from './header-to-metadata/rule-stats.ts';

/** extensions.filters.http.header_to_metadata.v3.Config */
interface HeaderToMetadataConfig {
  readonly request: readonly MetadataRule[];
  readonly response: readonly MetadataRule[];
  /** '': nothing is counted. */
  readonly statPrefix: string;
}

const SUPPORT: Readonly<Record<string, SupportTable>> = {
  [ConfigSchema.typeName]: {
    request_rules: 'honoured',
    response_rules: 'honoured',
    stat_prefix: 'honoured',
  },
  [Config_RuleSchema.typeName]: {
    header: 'honoured',
    cookie: { partly: 'cookies of requests: Set-Cookie is not looked into, as in Envoy' },
    on_header_present: 'honoured',
    on_header_missing: 'honoured',
    remove: 'honoured',
  },
  [Config_KeyValuePairSchema.typeName]: {
    metadata_namespace: 'honoured',
    key: 'honoured',
    value: 'honoured',
    regex_value_rewrite: 'honoured',
    type: 'honoured',
    encode: 'honoured',
  },
};

/** envoy.filters.http.header_to_metadata */
export const headerToMetadataDefinition: HttpFilterDefinition<Config, HeaderToMetadataConfig> = {
  name: 'envoy.filters.http.header_to_metadata',
  schema: ConfigSchema,
  isTerminal: false,
  support: SUPPORT,
  perRoute: { schema: ConfigSchema, support: SUPPORT, compile: compileOfRoute as never },
  compile: compileConfig,
  onRoute: (_own, [first]: readonly HeaderToMetadataConfig[]) => first ?? null,
  factory: ({ request, response, statPrefix }, { root }) => {
    const scope = statPrefix === '' ? null : root.scope(`http_filter_name.${statPrefix}`);
    const stats = scope === null ? null : new RuleStats(scope);
    if (request.length + response.length === 0) return null;
    const rules = { request, response, stats };
    return { create: (callbacks) => new HeaderToMetadataFilter(rules, callbacks) };
  },
};

function compileConfig(message: Config, context: CompileContext): HeaderToMetadataConfig {
  const rules = (path: string, items: Config['requestRules']): readonly MetadataRule[] =>
    compileEach({ path, items }, context, compileRule);
  return Object.freeze({
    request: rules('request_rules', message.requestRules),
    response: rules('response_rules', message.responseRules),
    statPrefix: message.statPrefix,
  });
}

function compileOfRoute(message: Config, context: CompileContext): HeaderToMetadataConfig {
  if (message.requestRules.length + message.responseRules.length === 0) {
    const rule = 'Per filter configs must at least specify either request or response rules';
    context.reject('', `header_to_metadata_filter: ${rule}`);
  }
  return compileConfig(message, context);
}
