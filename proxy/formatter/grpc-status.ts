// The gRPC status of an exchange, for %GRPC_STATUS% and the log filter of the same name.
import { grpcStatusIn, grpcStatusOfHttp, hasGrpcType } from '../http/grpc.ts';
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

/**
 * The status in trailers, else in the response's head, else what the HTTP status stands for
 * (gRPC's http-grpc-status-mapping); null when there is no response at all.
 */
export function grpcStatusOf(context: FormatContext): number | null {
  const { response, responseTrailers } = context;
  const told =
    (responseTrailers === null ? null : grpcStatusIn(responseTrailers)) ??
    (response === null ? null : grpcStatusIn(response.headers));
  if (told !== null) return told;
  const code = context.info.responseCode;
  return code === 0 ? null : grpcStatusOfHttp(code);
}

/** True when the request says that it is gRPC: `application/grpc` or `application/grpc+*`. */
export function isGrpcRequest({ request }: FormatContext): boolean {
  return request !== null && hasGrpcType(request.headers);
}
