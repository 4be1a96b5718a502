// config.accesslog.v3.AccessLog: which logger, which lines.
import type { AccessLog } from '../../api/gen/envoy/config/accesslog/v3/accesslog_pb.js';
import type { Formatter } from '../../formatter/formatter.ts';
import type { AccessLogConfig, AccessLogSinkConfig } from '../../model/access-log.ts';
import type { CompileContext } from '../../model/extension.ts';
import { compileAccessLogFilter } from './access-log-filter.ts';
import { compileEach } from './compile-each.ts';
import { compileExtension } from './extension-lookup.ts';

/** What the configuration of an access logger compiles to. */
export interface AccessLoggerConfig {
  readonly sink: AccessLogSinkConfig;
  readonly formatter: Formatter;
}

/** Compiles a field `access_log`; refused ones are left out. */
export function compileAccessLogs(
  messages: readonly AccessLog[],
  context: CompileContext,
): readonly AccessLogConfig[] {
  return compileEach({ path: 'access_log', items: messages }, context, compileAccessLog);
}

function compileAccessLog(message: AccessLog, context: CompileContext): AccessLogConfig | null {
  const slot = {
    name: message.name,
    typedConfig: message.configType.value,
    definitions: context.environment.extensions.accessLoggers,
    category: 'access logger',
    typePrefix: 'envoy.extensions.access_loggers.',
  };
  const found = compileExtension(slot, context);
  const filter =
    message.filter === undefined
      ? null
      : compileAccessLogFilter(message.filter, context.at('filter'));
  if (found === null || (message.filter !== undefined && filter === null)) return null;
  const { sink, formatter } = found.config as AccessLoggerConfig;
  return { filter, sink, formatter };
}
