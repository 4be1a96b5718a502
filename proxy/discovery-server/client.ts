// Who is at the other end of a stream, and what whoever watches a server is told of it.
import type { Node } from '../api/gen/envoy/config/core/v3/base_pb.js';
import type { Push } from './subscription.ts';

/** A client, on one stream. */
export interface Client {
  /** Counts the streams of a server. */
  readonly stream: number;
  /** Its address. */
  readonly peer: string;
  readonly isIncremental: boolean;
  /** The only type of the stream; '' : it is an aggregated one. */
  readonly typeUrl: string;
  /** null: it has not said who it is. */
  readonly node: Node | null;
}

/** What a client asks for of a type. */
export interface Interest {
  readonly typeUrl: string;
  readonly isWildcard: boolean;
  readonly names: ReadonlySet<string>;
}

/** Watches a server; each is called as it happens. */
export interface ServerObserver {
  onOpen(client: Client): void;
  /** It asks for something for the first time, or for something else than before. */
  onInterest(client: Client, interest: Interest): void;
  onPush(client: Client, push: Push): void;
  /** A response was answered; `error` is '' where it was accepted. */
  onAnswer(client: Client, push: Push, error: string): void;
  /** `reason` is '' where the client ended it. */
  onEnd(client: Client, reason: string): void;
}
