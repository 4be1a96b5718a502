// A management server without sockets: whoever has resources publishes them, transports bring
// streams, and every stream hears what it asked for.
import type { Node } from '../api/gen/envoy/config/core/v3/base_pb.js';
import type { Client } from './client.ts';
import { type ClientStream, type ClientStreamParts, openClientStream } from './client-stream.ts';
import type { Snapshot } from './snapshot.ts';

/** What each client is served. */
export interface Views {
  /** null: the client has not said who it is. The same object as long as nothing changed. */
  snapshotOf(node: Node | null): Snapshot;
}

/** What a server works with. */
export type DiscoveryServerParts = Pick<ClientStreamParts, 'observer' | 'nowMs' | 'identifier'>;

/** How a transport opens a stream. */
export type StreamOpening = Pick<ClientStreamParts, 'peer' | 'isIncremental' | 'typeUrl' | 'send'>;

/** A stream in the hands of its transport. */
export interface AcceptedStream extends Pick<ClientStream, 'onMessage' | 'onDrain'> {
  /** It is over; '' : because the client ended it. Harmless when called again. */
  onEnd(reason: string): void;
}

/** See the file's head. */
export class DiscoveryServer {
  readonly #parts: DiscoveryServerParts;
  readonly #streams = new Set<ClientStream>();
  #views: Views;
  #count = 0;

  constructor(views: Views, parts: DiscoveryServerParts) {
    this.#views = views;
    this.#parts = parts;
  }

  /** To be called several times a second: what was waited for too long is waited for no longer. */
  tick(): void {
    for (const stream of this.#streams) if (stream.isWaiting) stream.refresh();
  }

  /** Those that have a stream. */
  clients(): readonly Client[] {
    return [...this.#streams].map(({ client }) => client);
  }

  /** From now on clients are served this; those that have a stream are told what is new to them. */
  publish(views: Views): void {
    this.#views = views;
    for (const stream of this.#streams) stream.refresh();
  }

  /** What a client is served now, for transports without streams. */
  snapshotOf(node: Node | null): Snapshot {
    return this.#views.snapshotOf(node);
  }

  accept(opening: StreamOpening): AcceptedStream {
    this.#count += 1;
    const stream = openClientStream({
      ...opening,
      stream: this.#count,
      snapshotOf: (node) => this.#views.snapshotOf(node),
      ...this.#parts,
    });
    this.#streams.add(stream);
    this.#parts.observer.onOpen(stream.client);
    return {
      onMessage: (octets) => stream.onMessage(octets),
      onDrain: () => stream.onDrain(),
      onEnd: (reason) => {
        if (this.#streams.delete(stream)) this.#parts.observer.onEnd(stream.client, reason);
      },
    };
  }
}
