// What an admin endpoint is: a path, what /help says of it, and a function from request to reply.
import type { BoundsOf } from '../stats/selection.ts';
import type { TagExtractor } from '../stats/tags.ts';
import type { AdminBackend } from './backend.ts';
import type { QueryParams } from './query.ts';

/** One request to the admin interface. */
export interface AdminRequest {
  readonly method: string;
  readonly path: string;
  readonly params: QueryParams;
}

/** What is sent back. */
export interface AdminReply {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  /** Done once the answer has been handed to the system: an exit must not cut its own answer. */
  readonly afterwards: (() => void) | null;
}

/** What endpoints work with. */
export interface AdminContext {
  readonly backend: AdminBackend;
  readonly tags: TagExtractor;
  readonly boundsOf: BoundsOf;
}

/** A query parameter as /help and the home page show it. */
export interface EndpointParam {
  readonly id: string;
  readonly help: string;
  /** The values there are; empty: any text, null: its presence is what counts. */
  readonly options: readonly string[] | null;
}

/** One path of the admin interface. */
export interface Endpoint {
  readonly path: string;
  readonly help: string;
  readonly params: readonly EndpointParam[];
  /** Changes something: only POST may do that. */
  readonly mutates: boolean;
  readonly handle: (
    request: AdminRequest,
    context: AdminContext,
  ) => AdminReply | Promise<AdminReply>;
}

/** Content type of nearly every endpoint. */
export const TEXT = 'text/plain; charset=UTF-8';
const JSON_TYPE = 'application/json';

/** A reply of text. */
export function textReply(body: string, status = 200): AdminReply {
  return { status, contentType: TEXT, body, afterwards: null };
}

/** A reply of JSON that is complete text already. */
export function rawJsonReply(body: string): AdminReply {
  return { status: 200, contentType: JSON_TYPE, body, afterwards: null };
}

/** A reply of JSON, indented by one space as protobuf does it. */
export function jsonReply(value: object): AdminReply {
  return rawJsonReply(`${JSON.stringify(value, null, 1)}\n`);
}

/** `OK` after a change. */
export function okReply(): AdminReply {
  return textReply('OK\n');
}
