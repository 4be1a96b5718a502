// Several who watch a discovery server, as one.
import type { Client, Interest, ServerObserver } from '../../discovery-server/client.ts';
import type { Push } from '../../discovery-server/subscription.ts';

/** Each is told everything, in the order of the list. */
export class SeveralObservers implements ServerObserver {
  readonly #observers: readonly ServerObserver[];

  constructor(observers: readonly ServerObserver[]) {
    this.#observers = observers;
  }

  onOpen(client: Client): void {
    for (const observer of this.#observers) observer.onOpen(client);
  }

  onInterest(client: Client, interest: Interest): void {
    for (const observer of this.#observers) observer.onInterest(client, interest);
  }

  onPush(client: Client, push: Push): void {
    for (const observer of this.#observers) observer.onPush(client, push);
  }

  onAnswer(client: Client, push: Push, error: string): void {
    for (const observer of this.#observers) observer.onAnswer(client, push, error);
  }

  onEnd(client: Client, reason: string): void {
    for (const observer of this.#observers) observer.onEnd(client, reason);
  }
}
