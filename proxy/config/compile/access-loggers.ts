// The built-in access loggers: file, standard output, standard error.
import {
  type FileAccessLog,
  FileAccessLogSchema,
} from '../../api/gen/envoy/extensions/access_loggers/file/v3/file_pb.js';
import {
  type StderrAccessLog,
  StderrAccessLogSchema,
  type StdoutAccessLog,
  StdoutAccessLogSchema,
} from '../../api/gen/envoy/extensions/access_loggers/stream/v3/stream_pb.js';
import type { Formatter } from '../../formatter/formatter.ts';
import { DEFAULT_LOG_FORMAT, parseJsonFormat, parseTextFormat } from '../../formatter/parse.ts';
import type { AccessLogSinkConfig } from '../../model/access-log.ts';
import type { CompileContext, ExtensionDefinition } from '../../model/extension.ts';
import type { AccessLoggerConfig } from './access-log.ts';
import { acceptFormat, compileFormatString, formatOptions } from './format-string.ts';

/** envoy.access_loggers.file */
export const FILE_ACCESS_LOGGER: ExtensionDefinition<FileAccessLog, AccessLoggerConfig> = {
  name: 'envoy.access_loggers.file',
  schema: FileAccessLogSchema,
  support: {
    [FileAccessLogSchema.typeName]: {
      path: 'honoured',
      format: 'honoured',
      json_format: 'honoured',
      typed_json_format: 'honoured',
      log_format: 'honoured',
    },
  },
  compile: (message, context) => {
    refuseUnopenable(message.path, 'path', context);
    return withFormat({ kind: 'file', path: message.path }, message.accessLogFormat, context);
  },
};

/** envoy.access_loggers.stdout */
export const STDOUT_ACCESS_LOGGER: ExtensionDefinition<StdoutAccessLog, AccessLoggerConfig> = {
  name: 'envoy.access_loggers.stdout',
  schema: StdoutAccessLogSchema,
  support: { [StdoutAccessLogSchema.typeName]: { log_format: 'honoured' } },
  compile: (message, context) => withFormat({ kind: 'stdout' }, message.accessLogFormat, context),
};

/** envoy.access_loggers.stderr */
export const STDERR_ACCESS_LOGGER: ExtensionDefinition<StderrAccessLog, AccessLoggerConfig> = {
  name: 'envoy.access_loggers.stderr',
  schema: StderrAccessLogSchema,
  support: { [StderrAccessLogSchema.typeName]: { log_format: 'honoured' } },
  compile: (message, context) => withFormat({ kind: 'stderr' }, message.accessLogFormat, context),
};

function refuseUnopenable(path: string, field: string, context: CompileContext): void {
  const problem = context.environment.probeLogFile(path);
  if (problem !== null) context.reject(field, problem);
}

/** A file log in the default format, for fields that name only a path. */
export function defaultFileAccessLog(
  path: string,
  context: CompileContext,
): AccessLoggerConfig | null {
  return withFormat({ kind: 'file', path }, { case: undefined }, context);
}

function withFormat(
  sink: AccessLogSinkConfig,
  format: FileAccessLog['accessLogFormat'] | StdoutAccessLog['accessLogFormat'],
  context: CompileContext,
): AccessLoggerConfig | null {
  const formatter = compileFormat(format, context);
  return formatter === null ? null : { sink, formatter };
}

function compileFormat(
  format: FileAccessLog['accessLogFormat'] | StdoutAccessLog['accessLogFormat'],
  context: CompileContext,
): Formatter | null {
  const options = formatOptions(context.environment, { forHeader: false, omitEmptyValues: false });
  switch (format.case) {
    case 'logFormat':
      return compileFormatString(format.value, context.at('log_format'));
    case 'format': {
      const text = format.value === '' ? DEFAULT_LOG_FORMAT : format.value;
      return acceptFormat(parseTextFormat(text, options), context, 'format');
    }
    case 'jsonFormat':
      return acceptFormat(parseJsonFormat(format.value, options), context, 'json_format');
    case 'typedJsonFormat':
      return acceptFormat(parseJsonFormat(format.value, options), context, 'typed_json_format');
    default:
      return acceptFormat(parseTextFormat(DEFAULT_LOG_FORMAT, options), context, '');
  }
}
