// LocalReplyConfig of the HTTP connection manager: what replies of the proxy itself look like.
import type { SubstitutionFormatString } from '../../api/gen/envoy/config/core/v3/substitution_format_string_pb.js';
import type {
  LocalReplyConfig as Message,
  ResponseMapper,
} from '../../api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import type {
  BodyFormatConfig,
  LocalReplyConfig,
  ResponseMapperConfig,
} from '../../model/local-reply.ts';
import { compileAccessLogFilter } from './access-log-filter.ts';
import { compileEach } from './compile-each.ts';
import { compileDataSource } from './data-source.ts';
import { compileFormatString } from './format-string.ts';
import { compileHeaderOptions } from './header-mutations.ts';

const TEXT = 'text/plain';
const JSON_TYPE = 'application/json';

/** A compiled LocalReplyConfig; null when there is none, or none that changes anything. */
export function compileLocalReply(
  message: Message | undefined,
  context: CompileContext,
): LocalReplyConfig | null {
  if (message === undefined) return null;
  const mappers = compileEach({ path: 'mappers', items: message.mappers }, context, compileMapper);
  const bodyFormat = compileBodyFormat(message.bodyFormat, context.at('body_format'));
  return mappers.length === 0 && bodyFormat === null ? null : { mappers, bodyFormat };
}

function compileMapper(
  message: ResponseMapper,
  context: CompileContext,
): ResponseMapperConfig | null {
  const body =
    message.body === undefined ? null : compileDataSource(message.body, context.at('body'));
  const headers = { path: 'headers_to_add', options: message.headersToAdd };
  const set = compileHeaderOptions(headers, context);
  const override = context.at('body_format_override');
  const bodyFormat = compileBodyFormat(message.bodyFormatOverride, override);
  if (message.filter === undefined) {
    context.reject('filter', 'value is required');
    return null;
  }
  const filter = compileAccessLogFilter(message.filter, context.at('filter'));
  if (filter === null) return null;
  return {
    filter,
    status: message.statusCode ?? null,
    body,
    headers: set.length === 0 ? null : { remove: [], set },
    bodyFormat,
  };
}

/** A compiled format of a body; null when there is none, or it was refused. */
export function compileBodyFormat(
  message: SubstitutionFormatString | undefined,
  context: CompileContext,
): BodyFormatConfig | null {
  if (message === undefined) return null;
  const formatter = compileFormatString(message, context, 'reply-body');
  if (formatter === null) return null;
  const type = message.format.case === 'jsonFormat' ? JSON_TYPE : TEXT;
  return { formatter, contentType: message.contentType === '' ? type : message.contentType };
}
