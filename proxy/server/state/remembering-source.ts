// A server whose answers are remembered: whoever subscribes is told at once what was accepted last
// time, and what the server says then takes its place.
import type { Logger } from '../../base/log.ts';
import {
  ALL_NAMES,
  type Answer,
  type DiscoveryFailure,
  type DiscoveryRequest,
  type DiscoverySink,
  type DiscoverySubscription,
  type DiscoveryUpdate,
  type OpenSource,
} from '../../xds/discovery.ts';
import type { StreamReport } from '../../xds/stream-report.ts';
import type { SavedType } from './saved-type.ts';

/** What it works with. */
export interface RememberingSourceParts {
  readonly server: OpenSource;
  /** null: resources of this type are not kept. */
  readonly typeOf: (typeUrl: string) => SavedType | null;
  /** In the incremental variant nobody says that this was all: after so long without more it was. */
  readonly quietMs: number;
  readonly log: Logger;
}

/** See RememberingSourceParts.quietMs. */
export const DEFAULT_QUIET_MS = 5_000;

/** See the file's head. */
export class RememberingSource implements OpenSource {
  readonly #parts: RememberingSourceParts;

  constructor(parts: RememberingSourceParts) {
    this.#parts = parts;
  }

  get isConnected(): boolean {
    return this.#parts.server.isConnected;
  }

  subscribe(request: DiscoveryRequest, sink: DiscoverySink): DiscoverySubscription {
    const { log, quietMs, server, typeOf } = this.#parts;
    const saved = typeOf(request.typeUrl);
    if (saved === null) return server.subscribe(request, sink);
    return new RememberedSubscription({ log, quietMs, request, saved, server, sink });
  }

  pause(typeUrl: string): () => void {
    return this.#parts.server.pause(typeUrl);
  }

  reports(): readonly StreamReport[] {
    return this.#parts.server.reports();
  }

  close(): void {
    this.#parts.server.close();
  }
}

interface SubscriptionParts extends Pick<RememberingSourceParts, 'log' | 'quietMs' | 'server'> {
  readonly request: DiscoveryRequest;
  readonly saved: SavedType;
  readonly sink: DiscoverySink;
}

class RememberedSubscription implements DiscoverySubscription, DiscoverySink {
  readonly #parts: SubscriptionParts;
  readonly #subscription: DiscoverySubscription;
  #names: ReadonlySet<string>;
  /** It runs on what was saved. */
  #isBorrowing = false;
  #isClosed = false;
  /** Of a wildcard: what was saved and the server did not speak of yet. */
  readonly #unconfirmed = new Set<string>();
  #quietTimer: NodeJS.Timeout | null = null;

  constructor(parts: SubscriptionParts) {
    this.#parts = parts;
    const { request, saved, server } = parts;
    this.#names = request.names;
    saved.claim(request.names);
    const recalled = saved.recall(request.names);
    this.#subscription = server.subscribe(request, this);
    if (recalled === null) return;
    this.#isBorrowing = true;
    saved.borrowers += 1;
    queueMicrotask(() => this.#tell(recalled));
  }

  setNames(names: ReadonlySet<string>): void {
    this.#parts.saved.claim(names);
    this.#parts.saved.release(this.#names);
    this.#names = names;
    this.#subscription.setNames(names);
  }

  refuse(names: readonly string[], reason: string): void {
    this.#parts.saved.unlearn(names);
    this.#subscription.refuse(names, reason);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#giveBack();
    this.#stopTimer();
    this.#subscription.close();
    this.#parts.saved.release(this.#names);
  }

  onUpdate(update: DiscoveryUpdate): Answer {
    this.#giveBack();
    const answer = this.#pass(update);
    this.#confirm(update);
    return answer;
  }

  onFailure(failure: DiscoveryFailure): void {
    // Who runs on what was saved does not wait.
    if (!this.#isBorrowing) this.#parts.sink.onFailure(failure);
  }

  #tell(recalled: DiscoveryUpdate): void {
    if (this.#isClosed || !this.#isBorrowing) return;
    const { log, request, sink } = this.#parts;
    if (this.#names.has(ALL_NAMES)) {
      for (const { name } of recalled.resources) this.#unconfirmed.add(name);
    }
    void whenAnswered(sink.onUpdate(recalled), (refusal) => {
      if (refusal === '') return;
      log.log('warning', `what was saved of ${request.typeUrl} is refused: ${refusal}`);
      if (sink.isRefused === undefined) sink.onFailure('rejected');
    });
  }

  #pass(update: DiscoveryUpdate): Answer {
    const { saved, sink } = this.#parts;
    return whenAnswered(sink.onUpdate(update), (refusal) => {
      saved.learn(update, (name) => refusal !== '' && (sink.isRefused?.(name) ?? true));
    });
  }

  /** The server has answered. */
  #giveBack(): void {
    if (!this.#isBorrowing) return;
    this.#isBorrowing = false;
    this.#parts.saved.borrowers -= 1;
  }

  #confirm({ isWhole, removed, resources, version }: DiscoveryUpdate): void {
    if (this.#unconfirmed.size === 0) return;
    if (isWhole) this.#unconfirmed.clear();
    for (const { name } of resources) this.#unconfirmed.delete(name);
    for (const name of removed) this.#unconfirmed.delete(name);
    this.#stopTimer();
    if (this.#unconfirmed.size === 0) return;
    const { quietMs } = this.#parts;
    this.#quietTimer = setTimeout(() => this.#dropUnconfirmed(version), quietMs);
    this.#quietTimer.unref();
  }

  /** What was saved and is not there any more. */
  #dropUnconfirmed(version: string): void {
    const removed = [...this.#unconfirmed];
    this.#unconfirmed.clear();
    const { log, request } = this.#parts;
    const { typeUrl } = request;
    log.log('info', `${typeUrl}: the server has no longer what was saved: ${removed.join(', ')}`);
    void this.#pass({ typeUrl, version, resources: [], removed, isWhole: false });
  }

  #stopTimer(): void {
    if (this.#quietTimer !== null) clearTimeout(this.#quietTimer);
    this.#quietTimer = null;
  }
}

/** Looks at an answer when it is there, and answers the same. */
function whenAnswered(answer: Answer, look: (refusal: string) => void): Answer {
  if (typeof answer !== 'string') {
    return answer.then((refusal) => {
      look(refusal);
      return refusal;
    });
  }
  look(answer);
  return answer;
}
