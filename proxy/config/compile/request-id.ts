// HttpConnectionManager.request_id_extension: UUIDs are the only kind of request id.
import type { RequestIDExtension } from '../../api/gen/envoy/extensions/filters/network/http_connection_manager/v3/http_connection_manager_pb.js';
import { UuidRequestIdConfigSchema } from '../../api/gen/envoy/extensions/request_id/uuid/v3/uuid_pb.js';
import type { CompileContext } from '../../model/extension.ts';
import { typeIn } from '../schema/open-any.ts';

/** Refuses an extension that makes other ids than UUIDs. */
export function checkRequestIdExtension(
  message: RequestIDExtension | undefined,
  context: CompileContext,
): void {
  if (message === undefined) return;
  const any = message.typedConfig;
  const typeName = typeIn(any);
  if (typeName === UuidRequestIdConfigSchema.typeName) return;
  const rule = "Didn't find a registered implementation for type:";
  context.reject('typed_config', `${rule} '${typeName}': only UUIDs are supported`);
}
