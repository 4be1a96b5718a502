// What gRPC says in fields (gRPC over HTTP/2), for whoever meets it on the way: which messages are
// gRPC, statuses of both kinds, deadlines, and error texts. Its framing: `grpc-frames.ts`.
import type { HeaderList } from './header-list.ts';
import { HEADER_ID } from './header-names.ts';
import type { ResponseHead } from './message.ts';

/** The media type; `+proto` and the like may follow, `-web` is another one. */
export const GRPC_TYPE = 'application/grpc';
const PLUS = 0x2b;

/** Statuses that the proxy itself gives. */
export const GRPC_STATUS = {
  ok: 0,
  unknown: 2,
  deadlineExceeded: 4,
} as const;

/** What a grpc-status that is no number counts as. */
export const INVALID_GRPC_STATUS = -1;
/** The last status that gRPC names. */
const MAX_NAMED_STATUS = 16;

/** gRPC's «HTTP to gRPC Status Code Mapping»; what is not in it is UNKNOWN. */
const BY_HTTP_STATUS: ReadonlyMap<number, number> = new Map([
  [400, 13],
  [401, 16],
  [403, 7],
  [404, 12],
  [429, 14],
  [502, 14],
  [503, 14],
  [504, 14],
]);
/** By gRPC status: google.rpc.Code's mapping. */
const HTTP_STATUSES = [
  200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401,
] as const;

/** True of `application/grpc` and `application/grpc+…`. */
export function hasGrpcType(headers: HeaderList): boolean {
  const type = headers.get(HEADER_ID['content-type']);
  if (type === null || !type.startsWith(GRPC_TYPE)) return false;
  return type.length === GRPC_TYPE.length || type.charCodeAt(GRPC_TYPE.length) === PLUS;
}

/** True of the head of a gRPC response; one that ends with its head need not name the type. */
export function isGrpcResponse(head: ResponseHead, endStream: boolean): boolean {
  if (endStream) return head.headers.mayHave(HEADER_ID['grpc-status']);
  return head.status === 200 && hasGrpcType(head.headers);
}

/** The status in a head or in trailers, whatever number it is; null when there is none. */
export function grpcStatusIn(fields: HeaderList): number | null {
  const id = HEADER_ID['grpc-status'];
  const text = fields.mayHave(id) ? fields.get(id) : null;
  if (text === null || text === '') return null;
  return /^\d{1,9}$/.test(text) ? Number(text) : INVALID_GRPC_STATUS;
}

/** The gRPC status that an HTTP status stands for where there is no other. */
export function grpcStatusOfHttp(status: number): number {
  return BY_HTTP_STATUS.get(status) ?? GRPC_STATUS.unknown;
}

/** The HTTP status that says the same as a gRPC status; 500 of one that has no name. */
export function httpStatusOfGrpc(status: number): number {
  return status > MAX_NAMED_STATUS ? 500 : (HTTP_STATUSES[status] ?? 500);
}

/**
 * gRPC's Percent-Encoded: everything but visible ASCII and blanks, and `%`, is escaped; `~` as well,
 * as in Envoy.
 */
export function encodeGrpcMessage(message: Uint8Array): string {
  let encoded = '';
  for (const byte of message) {
    const isPlain = byte >= 0x20 && byte < 0x7e && byte !== 0x25;
    encoded += isPlain
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return encoded;
}

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const SECOND_MS = 1_000;
/** TimeoutValue has at most 8 digits. */
const MAX_TIMEOUT_VALUE = 99_999_999;

/** The deadline in a request's `grpc-timeout`, in ms rounded up; null: none, or no valid one. */
export function grpcTimeoutIn(fields: HeaderList): number | null {
  const id = HEADER_ID['grpc-timeout'];
  const text = fields.mayHave(id) ? fields.get(id) : null;
  if (text === null || !/^\d{1,8}[HMSmun]$/.test(text)) return null;
  const value = Number(text.slice(0, -1));
  switch (text.at(-1)) {
    case 'H':
      return value * HOUR_MS;
    case 'M':
      return value * MINUTE_MS;
    case 'S':
      return value * SECOND_MS;
    case 'm':
      return value;
    case 'u':
      return Math.ceil(value / 1e3);
    default:
      return Math.ceil(value / 1e6);
  }
}

/** A deadline as `grpc-timeout` says it: in the finest unit from ms on whose number has 8 digits. */
export function grpcTimeoutText(ms: number): string {
  if (ms <= MAX_TIMEOUT_VALUE) return `${ms}m`;
  const seconds = Math.floor(ms / SECOND_MS);
  if (seconds <= MAX_TIMEOUT_VALUE) return `${seconds}S`;
  const minutes = Math.floor(ms / MINUTE_MS);
  if (minutes <= MAX_TIMEOUT_VALUE) return `${minutes}M`;
  return `${Math.min(Math.floor(ms / HOUR_MS), MAX_TIMEOUT_VALUE)}H`;
}

/** What a request calls. */
export interface GrpcMethod {
  /** With its package: `helloworld.Greeter`. */
  readonly service: string;
  readonly method: string;
}

/** The method that a path names: two segments, whatever slashes are around them; else null. */
export function grpcMethodOf(path: string): GrpcMethod | null {
  const query = path.indexOf('?');
  const target = query === -1 ? path : path.slice(0, query);
  const segments = target.split('/').filter((segment) => segment !== '');
  const [service, method] = segments;
  if (segments.length !== 2 || service === undefined || method === undefined) return null;
  return { service, method };
}
