// The gRPC status of an exchange, for %GRPC_STATUS% and the log filter of the same name.
import { HEADER_ID } from '../http/header-names.ts';
import type { FormatContext } from './formatter.ts';

/** Names by code: Envoy's CAMEL_STRING and SNAKE_STRING. */
export const GRPC_STATUS_NAMES: readonly (readonly [camel: string, snake: string])[] = [
  ['OK', 'OK'],
  ['Canceled', 'CANCELLED'],
  ['Unknown', 'UNKNOWN'],
  ['InvalidArgument', 'INVALID_ARGUMENT'],
  ['DeadlineExceeded', 'DEADLINE_EXCEEDED'],
  ['NotFound', 'NOT_FOUND'],
  ['AlreadyExists', 'ALREADY_EXISTS'],
  ['PermissionDenied', 'PERMISSION_DENIED'],
  ['ResourceExhausted', 'RESOURCE_EXHAUSTED'],
  ['FailedPrecondition', 'FAILED_PRECONDITION'],
  ['Aborted', 'ABORTED'],
  ['OutOfRange', 'OUT_OF_RANGE'],
  ['Unimplemented', 'UNIMPLEMENTED'],
  ['Internal', 'INTERNAL'],
  ['Unavailable', 'UNAVAILABLE'],
  ['DataLoss', 'DATA_LOSS'],
  ['Unauthenticated', 'UNAUTHENTICATED'],
];

/** What a grpc-status that is no number counts as. */
const INVALID_CODE = -1;

/**
 * The status in trailers, else in the response's head, else what the HTTP status stands for
 * (gRPC's http-grpc-status-mapping); null when there is no response at all.
 */
export function grpcStatusOf(context: FormatContext): number | null {
  const id = HEADER_ID['grpc-status'];
  const text = context.responseTrailers?.get(id) ?? context.response?.headers.get(id) ?? null;
  if (text !== null) return /^\d{1,9}$/.test(text) ? Number(text) : INVALID_CODE;
  const code = context.info.responseCode;
  return code === 0 ? null : fromHttpStatus(code);
}

/** True when the request says that it is gRPC: `application/grpc` or `application/grpc+*`. */
export function isGrpcRequest(context: FormatContext): boolean {
  const type = context.request?.headers.get(HEADER_ID['content-type']) ?? null;
  if (type === null || !type.startsWith('application/grpc')) return false;
  return type.length === 'application/grpc'.length || type['application/grpc'.length] === '+';
}

function fromHttpStatus(status: number): number {
  switch (status) {
    case 400:
      return 13;
    case 401:
      return 16;
    case 403:
      return 7;
    case 404:
      return 12;
    case 429:
    case 502:
    case 503:
    case 504:
      return 14;
    default:
      return 2;
  }
}
