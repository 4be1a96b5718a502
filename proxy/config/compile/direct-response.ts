// config.route.v3.DirectResponseAction.
import type { DataSource } from '../../api/gen/envoy/config/core/v3/base_pb.js';
import type { DirectResponseAction } from '../../api/gen/envoy/config/route/v3/route_components_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import type { BodyFormatConfig } from '../../model/local-reply.ts';
import type { DirectResponseActionConfig } from '../../model/route.ts';
import type { WatchedFileConfig } from '../../model/watched-file.ts';
import { readDataSource } from './data-source.ts';
import { compileBodyFormat } from './local-reply.ts';
import type { RouteTableRules } from './route-table-rules.ts';

/** A compiled direct response; null and a rejection when its body cannot be had. */
export function compileDirectResponse(
  message: DirectResponseAction,
  rules: RouteTableRules,
  context: CompileContext,
): DirectResponseActionConfig | null {
  const maxBytes = rules.maxDirectResponseBodyBytes;
  const body = readDataSource(message.body, context.at('body'));
  if (body === null || !fits(body, maxBytes, context)) return null;
  const bodyFormat = compileBodyFormat(message.bodyFormat, context.at('body_format'));
  if (message.bodyFormat !== undefined && bodyFormat === null) return null;
  const watched = watchedFile(message.body, maxBytes);
  return {
    ...{ kind: 'direct-response', status: message.status, body },
    ...(bodyFormat !== null && { bodyFormat: withOwnType(bodyFormat, message) }),
    ...(watched !== null && { watched }),
  };
}

/** Plain text has no type of its own: the route may give it one. */
function withOwnType(
  { formatter, contentType }: BodyFormatConfig,
  { bodyFormat }: DirectResponseAction,
): BodyFormatConfig {
  const hasType = bodyFormat?.contentType !== '' || bodyFormat?.format.case === 'jsonFormat';
  return { formatter, contentType: hasType ? contentType : '' };
}

/** As Envoy: only a file is watched, and only when its directory is named. */
function watchedFile(source: DataSource | undefined, maxBytes: number): WatchedFileConfig | null {
  if (source?.specifier.case !== 'filename' || source.watchedDirectory === undefined) return null;
  return { path: source.specifier.value, directory: source.watchedDirectory.path, maxBytes };
}

function fits(body: string, limit: number, context: CompileContext): boolean {
  const bytes = new TextEncoder().encode(body).length;
  if (bytes <= limit) return true;
  const advice = 'raise max_direct_response_body_size_bytes of the route configuration';
  const reason = `response body size is ${bytes} bytes; maximum is ${limit}: ${advice}`;
  context.reject('body', reason);
  return false;
}
